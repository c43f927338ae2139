from __future__ import annotations

import math
from typing import Any

import pytest

from livesteward.models.certainty import WrittenToken, certainty, word_certainty

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "findings": {
            "type": "array",
            "maxItems": 8,
            "items": {
                "type": "object",
                "properties": {"rule_id": {"enum": ["FRAUD-1.2", "FRAUD-1.3", "HATE-1.1"]}, "quote": {"type": "string"}},
            },
        },
        "decision": {"enum": ["allow", "violation", "review"]},
    },
}


def token(text: str, probability: float = 1.0, **others: float) -> WrittenToken:
    return WrittenToken(text.encode(), math.log(probability), tuple((other.encode(), math.log(mass)) for other, mass in others.items()))


def other(text: str, probability: float, others: dict[str, float]) -> WrittenToken:
    return WrittenToken(text.encode(), math.log(probability), tuple((key.encode(), math.log(mass)) for key, mass in others.items()))


def read(*tokens: WrittenToken) -> dict[str, float]:
    return certainty(b"".join(one.text for one in tokens).decode(), tokens, SCHEMA)


def test_the_mass_of_the_chosen_value_is_set_against_that_of_the_other_values() -> None:
    found = read(token('{"findings":[],"decision":"'), token("allow", 0.3, violation=0.1, review=0.2), token('"}'))

    assert found["decision"] == pytest.approx(0.5)


def test_what_the_schema_forbids_does_not_count_against_the_choice() -> None:
    found = read(token('{"findings":[],"decision":"'), token("allow", 0.2, banana=0.7), token('"}'))

    assert found["decision"] == 1.0


def test_another_way_to_cut_the_chosen_value_into_tokens_counts_for_it() -> None:
    found = read(token('{"findings":[],"decision":"'), token("al", 0.2, allow=0.2, review=0.4), token("low"), token('"}'))

    assert found["decision"] == pytest.approx(0.5)


def test_a_value_over_several_tokens_multiplies_what_was_weighed_at_each() -> None:
    finding = [
        token('{"findings":[{"rule_id":"'),
        token("FRAUD", 0.8, HATE=0.2),
        token("-1."),
        other("2", 0.5, {"3": 0.25}),
        token('","quote":""}],"decision":"violation"}'),
    ]

    assert read(*finding)["findings[0].rule_id"] == pytest.approx(0.8 * 0.5 / 0.75)


def test_beginning_a_finding_is_weighed_against_ending_the_list_and_the_other_way_round() -> None:
    began = read(
        token('{"findings":['),
        other("{", 0.6, {"]": 0.4}),
        token('"rule_id":"HATE-1.1","quote":""}'),
        other("]", 0.9, {",": 0.1}),
        token(',"decision":"violation"}'),
    )
    ended = read(token('{"findings":'), other("[]", 0.6, {"[": 0.3}), token(',"decision":"allow"}'))

    assert began["findings[0]"] == pytest.approx(0.6)
    assert began["findings.end"] == pytest.approx(0.9)
    assert ended["findings.end"] == pytest.approx(0.6 / 0.9)


def test_a_list_that_is_full_or_must_go_on_leaves_no_choice() -> None:
    schema = {"properties": {"a": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"enum": ["x", "y"]}}}}
    tokens = [token('{"a":["'), token("x", 0.5, y=0.5), token('"]}')]

    assert certainty('{"a":["x"]}', tokens, schema) == {"a[0]": pytest.approx(0.5)}


def test_thoughts_in_front_and_characters_split_over_tokens_do_not_move_the_places() -> None:
    quote = "żółć 🙂".encode()
    tokens = [
        token('<think>"decision":"review"</think>'),
        token('{"findings":[{"rule_id":"FRAUD-1.2","quote":"'),
        WrittenToken(quote[:3], -0.1),
        WrittenToken(quote[3:], -0.1),
        token('"}],"decision":"'),
        token("review", 0.25, allow=0.75),
        token('"}'),
    ]
    text = '{"findings":[{"rule_id":"FRAUD-1.2","quote":"żółć 🙂"}],"decision":"review"}'

    assert certainty(text, tokens, SCHEMA)["decision"] == pytest.approx(0.25)


def test_a_code_block_around_the_answer_is_looked_past() -> None:
    text = '```json\n{"findings":[],"decision":"allow"}\n```'
    tokens = [token('```json\n{"findings":[],"decision":"'), token("allow", 0.4, review=0.4), token('"}\n```')]

    assert certainty(text, tokens, SCHEMA)["decision"] == pytest.approx(0.5)


def test_tokens_that_did_not_write_the_text_say_nothing_of_it() -> None:
    assert certainty('{"findings":[],"decision":"allow"}', [token("something else")], SCHEMA) == {}
    assert certainty('{"findings":[],"decision":"allow"}', [], SCHEMA) == {}


WORDS = ("safe", "unsafe")


def test_the_word_that_decides_a_plain_text_is_set_against_the_others() -> None:
    tokens = (token("\n\n"), token("un", 0.8, safe=0.1, other=0.1), token("safe"), token("\nS2"))
    assert word_certainty("\n\nunsafe\nS2", tokens, WORDS) == {"word": pytest.approx(0.8 / 0.9)}


def test_a_word_inside_another_decides_nothing_and_thoughts_are_looked_past() -> None:
    assert word_certainty("unsafely", (token("unsafely"),), WORDS) == {}
    assert word_certainty("", (), WORDS) == {}
    assert word_certainty("safe", (token("safe"),), ()) == {}
    tokens = (token("unsafe?", 0.5, safe=0.5), token("</think>"), token("safe", 0.75, unsafe=0.25))
    assert word_certainty("safe", tokens, WORDS) == {"word": pytest.approx(0.75)}


def test_a_text_that_its_tokens_did_not_write_has_no_certainty() -> None:
    assert word_certainty("safe", (token("something else"),), WORDS) == {}
