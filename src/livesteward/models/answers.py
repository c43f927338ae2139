"""From what a model wrote to a JSON object that is valid for the schema, or an error that keeps what it wrote."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from livesteward.errors import ModelAnswerError

MAX_RAW_CHARS: Final = 200_000
"""Longer answers are refused unread: no schema here asks for as much."""

_CODE_BLOCK = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)


def parse_answer(raw: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object in ``raw`` if it fits ``schema``.

    One Markdown code block around it is looked past. Nothing else is: an object is not fished out of prose, a key may not stand twice,
    and neither NaN nor 1e999 is a number. Thoughts in front of it are the profile's to take away.

    Args:
        raw: What the model wrote.
        schema: JSON Schema, draft 2020-12.

    Raises:
        ModelAnswerError: If there is no such object; says what is wrong and where, and keeps ``raw``.
    """
    if len(raw) > MAX_RAW_CHARS:
        raise ModelAnswerError(f"the answer has {len(raw):,} characters, more than {MAX_RAW_CHARS:,}", raw=raw[:MAX_RAW_CHARS])
    text = raw.strip()
    if not text:
        raise ModelAnswerError("the answer is empty", raw=raw)
    if block := _CODE_BLOCK.match(text):
        text = block.group(1)
    try:
        data = json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
        # JSON can write what no text or number can hold: half of a surrogate pair, 1e999.
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise ModelAnswerError(f"the answer is no JSON ({error}); it starts with {text[:60]!r}", raw=raw) from error
    if not isinstance(data, dict):
        raise ModelAnswerError(f"the answer is a JSON {type(data).__name__}, not an object", raw=raw)
    try:
        problem = best_match(_validator(json.dumps(schema, sort_keys=True)).iter_errors(data))
    except RecursionError as error:
        raise ModelAnswerError("the answer is nested too deeply to be read", raw=raw) from error
    if problem is not None:
        raise ModelAnswerError(f"the answer does not fit the schema: {problem.json_path}: {_short(problem.message)}", raw=raw)
    return data


def check_schema(schema: dict[str, Any]) -> None:
    """Refuse a schema that no answer could be checked with.

    Every segment has a schema of its own, which differs in the names that may be given, and checking one takes ten milliseconds:
    schemas that are alike but for these are checked once.

    Raises:
        ModelAnswerError: If ``schema`` is no JSON Schema of draft 2020-12.
    """
    try:
        _check_alike(json.dumps(_without_names(schema), sort_keys=True, default=str))
    except SchemaError as error:
        raise ModelAnswerError(f"the answer's schema is no JSON Schema: {error.json_path}: {_short(error.message)}") from error


@lru_cache(maxsize=256)
def _check_alike(schema: str) -> None:
    Draft202012Validator.check_schema(json.loads(schema))


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: [] if key == "enum" and isinstance(one, list) else _without_names(one) for key, one in value.items()}
    return [_without_names(one) for one in value] if isinstance(value, list) else value


@lru_cache(maxsize=128)
def _validator(schema: str) -> Any:
    parsed = json.loads(schema)
    check_schema(parsed)
    return Draft202012Validator(parsed)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _short(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:200]} ... {message[-90:]}"
