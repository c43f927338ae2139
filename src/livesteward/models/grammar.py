"""From a JSON Schema to a compact EBNF grammar: JSON without white space, keys in the schema's order.

Given the schema itself, an engine allows any white space between tokens, and a weak model spends its answer on it. The grammar is in
the EBNF dialect that xgrammar reads. It covers what answers here are made of; an answer is validated against the whole schema afterwards.
"""

from __future__ import annotations

import json
from typing import Any

_CHAR = r'[^"\\\x00-\x1f\x7f] | "\\" ["\\/bfnrt]'
_INTEGER = '"-"? ("0" | [1-9] [0-9]{0,8})'
_NUMBER = f'{_INTEGER} ("." [0-9]{{1,6}})?'
_PROBABILITY = '"0" ("." [0-9]{1,3})? | "1" (".0")?'


def compact_grammar(schema: dict[str, Any]) -> str:
    """Return the grammar whose sentences are the compact JSON texts of ``schema``.

    Objects need all their properties, each in the schema's order. Understood are ``enum``, ``const``, ``anyOf``, ``type`` with the bounds
    of strings and arrays, and local ``$ref``; a probability is a number from 0 to 1.

    Raises:
        ValueError: If the schema has a form that is not understood.
    """
    return _Grammar(schema).text()


class _Grammar:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._rules: dict[str, str] = {"char": _CHAR}
        self._names: dict[str, str] = {}

    def text(self) -> str:
        root = self._rule(self._schema)
        return "\n".join([f"root ::= {root}", *(f"{name} ::= {body}" for name, body in self._rules.items())]) + "\n"

    def _rule(self, schema: dict[str, Any]) -> str:
        # The same form is one rule however often it stands in the schema, which keeps the grammar small.
        key = json.dumps(schema)
        if key not in self._names:
            name = self._names[key] = f"r{len(self._names)}"
            self._rules[name] = ""
            self._rules[name] = self._body(schema)
        return self._names[key]

    def _body(self, schema: dict[str, Any]) -> str:
        if "$ref" in schema:
            return self._rule(self._target(schema["$ref"]))
        if "enum" in schema:
            return " | ".join(_literal(value) for value in schema["enum"])
        if "const" in schema:
            return _literal(schema["const"])
        if "anyOf" in schema:
            return " | ".join(self._rule(option) for option in schema["anyOf"])
        return self._typed(schema)

    def _typed(self, schema: dict[str, Any]) -> str:
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "string":
                return f'"\\"" char{_times(schema.get("minLength", 0), schema.get("maxLength"))} "\\""'
            case "number":
                return _PROBABILITY if (schema.get("minimum"), schema.get("maximum")) == (0, 1) else _NUMBER
            case "integer":
                return _INTEGER
            case "boolean":
                return '"true" | "false"'
            case "null":
                return '"null"'
        raise ValueError(f"no compact grammar for {json.dumps(schema)[:120]}")

    def _target(self, reference: str) -> dict[str, Any]:
        node: Any = self._schema
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        if not isinstance(node, dict):
            raise ValueError(f"{reference} is no schema")
        return node

    def _object(self, schema: dict[str, Any]) -> str:
        properties: dict[str, Any] = schema.get("properties", {})
        if not properties:
            return '"{}"'
        members = (f"{_terminal(f'{json.dumps(key)}:')} {self._rule(value)}" for key, value in properties.items())
        return '"{" ' + ' "," '.join(members) + ' "}"'

    def _array(self, schema: dict[str, Any]) -> str:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if most == 0:
            return '"[]"'
        item = self._rule(schema["items"])
        more = f'{item} ("," {item}){_times(max(0, least - 1), None if most is None else most - 1)}'
        return f'"[" {more} "]"' if least else f'"[" ({more})? "]"'


def _times(least: int, most: int | None) -> str:
    return f"{{{least},{'' if most is None else most}}}"


def _literal(value: Any) -> str:
    return _terminal(json.dumps(value, ensure_ascii=False))


def _terminal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
