from __future__ import annotations

import pytest
from unit.agents.parts import BENIGN, MARKERS, gave, planted_weights, said, segment, shown, wrote

from livesteward.agents.nodes.screen import screen_segment
from livesteward.agents.screen.labels import INJECTION
from livesteward.agents.state import Screened
from livesteward.agents.thresholds import ScreenThresholds, Thresholds
from livesteward.contracts import Category, ChatMessage, Frame, Gift, OverlayText, Segment, Signal, SignalKind, Utterance

SCREEN = planted_weights().screen
FRAUD = MARKERS[Category.FRAUD_SCAM.value]
STEER = MARKERS[INJECTION]


def screened(seg: Segment, *, judge_sees: bool = False, thresholds: Thresholds | None = None) -> Screened:
    return screen_segment(seg, SCREEN, thresholds or Thresholds(), judge_sees=judge_sees)


def test_what_is_clearly_fine_leaves() -> None:
    result = screened(segment(said("u1", "hello everyone"), wrote("c1", "alice", "hi"), title="Garden"))
    assert result.cleared
    assert result.suspects == ()
    assert set(result.scores) == set(Category)


def test_an_empty_segment_leaves() -> None:
    assert screened(segment()).cleared
    assert screened(segment(said("u1", "  "))).cleared


@pytest.mark.parametrize(
    "item",
    [said("x", FRAUD), wrote("x", "alice", FRAUD), shown("x", FRAUD), gave("x", "bob", FRAUD), wrote("x", "host", FRAUD, is_host=True)],
    ids=["speech", "chat", "overlay", "gift", "host's chat"],
)
def test_one_suspicious_text_anywhere_keeps_the_segment(item: Utterance | ChatMessage | OverlayText | Gift) -> None:
    result = screened(segment(item, said("u1", "hello everyone")))
    assert not result.cleared
    assert [suspect.item_id for suspect in result.suspects] == ["x"]
    assert result.scores[Category.FRAUD_SCAM] > 0.9


def test_a_suspicious_title_keeps_the_segment() -> None:
    assert [suspect.item_id for suspect in screened(segment(title=FRAUD)).suspects] == ["title"]


def test_the_same_text_twice_is_suspicious_twice() -> None:
    result = screened(segment(wrote("c1", "alice", FRAUD), wrote("c2", "bob", FRAUD)))
    assert [suspect.item_id for suspect in result.suspects] == ["c1", "c2"]


def test_a_bad_word_does_not_drown_in_a_long_text() -> None:
    padding = BENIGN * 15
    assert screened(segment(said("u1", padding))).cleared
    for text in (FRAUD + padding, padding + FRAUD, padding[:1_600] + FRAUD + padding[1_600:]):
        assert not screened(segment(said("u1", text))).cleared


def test_a_floor_of_ones_own_takes_the_place_of_the_trained_one() -> None:
    seg = segment(said("u1", "hello everyone"))
    assert screened(seg).cleared
    assert not screened(seg, thresholds=Thresholds(screen=ScreenThresholds(floor=0.0))).cleared


def test_nudity_keeps_the_segment_from_its_threshold_on() -> None:
    def at(value: float) -> Screened:
        return screened(segment(signals=(Signal(kind=SignalKind.NUDITY, value=value),)))

    assert at(0.59).cleared
    assert not at(0.60).cleared
    assert at(0.60).visual


def test_a_judge_that_sees_is_shown_every_picture_unless_told_otherwise() -> None:
    seg = segment(Frame(frame_id="key-1", at_s=0))
    assert screened(seg, judge_sees=False).cleared
    assert not screened(seg, judge_sees=True).cleared
    assert screened(seg, judge_sees=True, thresholds=Thresholds(screen=ScreenThresholds(clear_with_frames=True))).cleared
    assert screened(segment(), judge_sees=True).cleared


def test_injections_are_named_by_the_text_or_by_the_name_that_goes_with_it() -> None:
    seg = segment(
        wrote("c1", "alice", STEER),
        wrote("c2", "bob", "hi", name=STEER),
        wrote("c3", "carol", "hi", name="Carol"),
        gave("f1", "dave", "", name=STEER),
        said("u1", STEER),
        said("u2", FRAUD),
    )
    assert set(screened(seg).injections) == {"c1", "c2", "f1", "u1"}
    assert screened(segment(stream_category=STEER)).injections == ("title",)
