from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from livesteward.errors import ModelAnswerError
from livesteward.models.answers import MAX_RAW_CHARS, check_schema, parse_answer

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
        ('{"a": 1, "b": 1e999}', "no JSON"),
        ('{"a": 1, "b": "\\ud800"}', "no JSON"),
    ],
)
def test_anything_else_is_an_error_with_the_raw_text(raw: str, says: str) -> None:
    with pytest.raises(ModelAnswerError, match=says) as caught:
        parse_answer(raw, SCHEMA)
    assert caught.value.raw == raw


def test_an_endless_answer_is_not_read() -> None:
    with pytest.raises(ModelAnswerError, match="more than"):
        parse_answer(" " * (MAX_RAW_CHARS + 1), SCHEMA)


def test_schemas_that_differ_in_names_only_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[Any] = []
    monkeypatch.setattr(Draft202012Validator, "check_schema", checked.append)
    for name in ("one", "two", "three"):
        check_schema({"type": "object", "properties": {"only_in_this_test": {"enum": [name]}}})
    assert len(checked) == 1


@pytest.mark.parametrize("wrong", [{"enum": "allow"}, {"properties": {"enum": ["allow"]}}, {"items": [{"enum": 3}]}, {"type": "nonsense"}])
def test_a_schema_that_is_none_is_refused_however_often_it_is_given(wrong: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises(ModelAnswerError, match="no JSON Schema"):
            check_schema(wrong)


def test_an_answer_that_is_nested_to_the_limit_is_an_error_like_any_other() -> None:
    for depth in range(900, 1_000):
        with pytest.raises(ModelAnswerError):
            parse_answer(f'{{"a": {"[" * depth}{"]" * depth}}}', SCHEMA)
