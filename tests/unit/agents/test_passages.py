from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from unit.agents.parts import BENIGN, GUEST, HOST, gave, said, segment, shown, viewer, wrote

from livesteward.agents.judges.passages import LONG_CHARS, WINDOW_CHARS, WINDOW_WORDS, passages, pieces, subject_of
from livesteward.contracts import Segment, Speaker


def ids(seg: Segment, *suspects: str) -> list[list[str]]:
    return [[item.item_id for item in passage.items] for passage in passages(seg, frozenset(suspects))]


def test_whose_conduct_a_text_is() -> None:
    seg = segment(
        said("u1", "host"),
        said("g1", "guest", speaker=Speaker.GUEST),
        said("x1", "somebody", speaker=Speaker.UNKNOWN),
        wrote("c1", "alice", "hi"),
        wrote("c2", "host", "hi", is_host=True),
        gave("f1", "bob", "hi"),
        shown("o1", "text"),
        title="title",
    )
    subjects = {item.item_id: subject_of(item, seg) for item in seg.items()}
    assert subjects == {
        "u1": HOST,
        "g1": GUEST,
        "x1": HOST,
        "c1": viewer("alice"),
        "c2": HOST,
        "f1": viewer("bob"),
        "o1": HOST,
        "title": HOST,
    }


def test_speech_is_judged_with_what_stands_around_it_and_nothing_else_is() -> None:
    seg = segment(said("u1", "one", at_s=1), said("u2", "two", at_s=2), wrote("c1", "alice", "a"), wrote("c2", "alice", "b"))
    assert ids(seg, "u2", "c1") == [["u1", "u2"], ["c1"]]


def test_what_is_not_suspicious_makes_no_passage() -> None:
    assert ids(segment(said("u1", "one"), wrote("c1", "alice", "a"))) == []


def test_two_people_are_never_in_one_passage() -> None:
    seg = segment(said("u1", "one", at_s=1), said("g1", "two", speaker=Speaker.GUEST, at_s=2), said("u2", "three", at_s=3))
    found = passages(seg, frozenset({"u1", "g1", "u2"}))
    assert [(passage.subject, passage.text) for passage in found] == [(HOST, "one three"), (GUEST, "two")]


def test_windows_overlap_so_that_neighbours_meet() -> None:
    seg = segment(*(said(f"u{number}", "ten words " * 5, at_s=number) for number in range(12)))
    windows = ids(seg, *(f"u{number}" for number in range(12)))
    together = {pair for window in windows for pair in pairwise(window)}
    assert together == {(f"u{number}", f"u{number + 1}") for number in range(11)}
    assert all(len(window) * 10 <= WINDOW_WORDS for window in windows)


def test_no_part_of_a_long_text_is_left_out() -> None:
    long = BENIGN * 12
    for item in (said("x", long), wrote("x", "alice", long), shown("x", long[:4_000])):
        seg = segment(item)
        found = passages(seg, frozenset({"x"}))
        text = seg.items()[0].text
        assert all(passage.items[0].text in text for passage in found)
        assert text.startswith(found[0].items[0].text)
        assert text.endswith(found[-1].items[0].text)
        assert max(len(passage.text) for passage in found) <= LONG_CHARS
        assert len(found) > len(text) / WINDOW_CHARS


@given(st.text(alphabet="ab ", max_size=500), st.integers(8, 60))
def test_pieces_cover_the_text_and_overlap(text: str, size: int) -> None:
    found = list(pieces(text, size))
    assert found[0][0] == 0
    assert found[-1][1] == len(text)
    for (start, end), (following, _) in pairwise(found):
        assert start < following < end <= start + size
