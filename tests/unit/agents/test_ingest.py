from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from unit.agents.parts import gave, said, segment, shown, wrote

from livesteward.agents.nodes.ingest import admit
from livesteward.contracts import ReviewCode
from livesteward.settings import LimitSettings

LIMITS = LimitSettings(max_text_chars=100, max_chat=3)


def test_what_is_within_its_limits_is_left_whole() -> None:
    seg = segment(said("u1", "hello\tthere\nyou"), wrote("c1", "alice", "hi"), shown("o1", "TODAY"), title="A title")
    assert admit(seg, LIMITS) == (seg, ())


def test_long_texts_are_cut_wherever_they_stand_and_the_verdict_is_told() -> None:
    long = "x" * 150
    seg = segment(said("u1", long), wrote("c1", "alice", long), shown("o1", long), gave("f1", "bob", long), title=long)
    admitted, reasons = admit(seg, LIMITS)
    assert {len(item.text) for item in admitted.items()} == {100}
    (reason,) = reasons
    assert reason.code is ReviewCode.INPUT_TRIMMED
    assert "the end of 5 texts" in reason.detail


def test_of_too_much_chat_the_newest_is_kept_whatever_its_order() -> None:
    seg = segment(*(wrote(f"c{at_s}", "alice", "hi", at_s=at_s) for at_s in (9, 1, 7, 3, 5)))
    admitted, (reason,) = admit(seg, LIMITS)
    assert {message.message_id for message in admitted.chat} == {"c9", "c7", "c5"}
    assert reason.code is ReviewCode.INPUT_TRIMMED
    assert "2 of 5 chat messages" in reason.detail


def test_a_second_time_changes_and_says_nothing_more() -> None:
    seg = segment(*(wrote(f"c{number}", "alice", "é" * 200) for number in range(5)))
    admitted, _ = admit(seg, LIMITS)
    assert admit(admitted, LIMITS) == (admitted, ())


@given(st.text(max_size=200))
def test_texts_come_out_composed_and_without_control_characters(text: str) -> None:
    admitted, _ = admit(segment(wrote("c1", "alice", text)), LIMITS)
    (message,) = admitted.chat
    assert unicodedata.is_normalized("NFC", message.text)
    assert not any(unicodedata.category(char) == "Cc" and char not in "\t\n" for char in message.text)
    assert len(message.text) <= LIMITS.max_text_chars
