from __future__ import annotations

import pytest

from livesteward.errors import ModelAnswerError
from livesteward.models.answers import MAX_RAW_CHARS, parse_answer

SCHEMA = {"type": "object", "properties": {"a": {"type": "number", "maximum": 1}}, "required": ["a"]}


@pytest.mark.parametrize("raw", ['{"a": 1}', ' {"a":1}\n', '```json\n{"a": 1}\n```', '```\n{"a": 1}\n```'])
def test_an_object_that_fits_is_returned(raw: str) -> None:
    assert parse_answer(raw, SCHEMA) == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("", "empty"),
        ('Here you are: {"a": 1}', "no JSON"),
        ('{"a": 1} and more', "no JSON"),
        ('{"a": 1, "a": 0}', "twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ("[1]", "JSON list"),
        ('{"a": 2}', r"\$\.a"),
        ("{}", "'a' is a required property"),
        ("[" * 5_000, "no JSON"),
    ],
)
def test_anything_else_is_an_error_with_the_raw_text(raw: str, says: str) -> None:
    with pytest.raises(ModelAnswerError, match=says) as caught:
        parse_answer(raw, SCHEMA)
    assert caught.value.raw == raw


def test_an_endless_answer_is_not_read() -> None:
    with pytest.raises(ModelAnswerError, match="more than"):
        parse_answer(" " * (MAX_RAW_CHARS + 1), SCHEMA)
