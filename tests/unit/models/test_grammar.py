from __future__ import annotations

import pytest

from livesteward.models.grammar import compact_grammar


def test_the_grammar_has_keys_in_order_bounds_and_no_white_space() -> None:
    grammar = compact_grammar(
        {
            "type": "object",
            "properties": {
                "list": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "maxLength": 5}},
                "pick": {"enum": ['a"b', None, 2]},
                "sure": {"type": "number", "minimum": 0, "maximum": 1},
            },
        }
    )
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    assert rules["root"] == "r0"
    assert rules["r0"] == r'"{" "\"list\":" r1 "," "\"pick\":" r3 "," "\"sure\":" r4 "}"'
    assert rules["r1"] == '"[" r2 ("," r2){0,2} "]"'
    assert rules["r2"] == r'"\"" char{0,5} "\""'
    assert rules["r3"] == r'"\"a\\\"b\"" | "null" | "2"'
    assert rules["r4"] == '"0" ("." [0-9]{1,3})? | "1" (".0")?'


def test_references_and_repeated_forms_become_one_rule() -> None:
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/t"}, "b": text, "c": text}, "$defs": {"t": text}}
    assert compact_grammar(schema).count("char{0,}") == 1


def test_an_empty_list_is_the_only_list_without_items() -> None:
    assert '"[]"' in compact_grammar({"type": "array", "maxItems": 0, "items": {"type": "string"}})


def test_a_form_that_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="no compact grammar"):
        compact_grammar({"oneOf": []})
