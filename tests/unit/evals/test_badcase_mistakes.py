"""What counts as a mistake, what decides it and what it costs; and groups of vectors."""

from __future__ import annotations

import numpy as np
import pytest
from unit.evals.making import ALLOW, QUOTE, REVIEW, SAID, VIEWER, VIOLATION, case, expected, finding, judged, record, stream

from livesteward.evals.badcases.clustering import grouped
from livesteward.evals.badcases.mistakes import MistakeKind, mistakes

WRITTEN = {"utterances": [SAID], "chat": [f"{VIEWER}: {QUOTE} hello", "bo: hi"]}


@pytest.mark.parametrize(
    ("gold", "decided", "kind"),
    [
        (VIOLATION, ALLOW, MistakeKind.MISSED),
        (VIOLATION, REVIEW, MistakeKind.LEFT_TO_REVIEW),
        (VIOLATION, VIOLATION, None),
        (ALLOW, VIOLATION, MistakeKind.WRONGFUL_ACTION),
        (ALLOW, REVIEW, MistakeKind.UNNEEDED_REVIEW),
        (ALLOW, ALLOW, None),
        (REVIEW, ALLOW, MistakeKind.MISSED_REVIEW),
        (REVIEW, VIOLATION, MistakeKind.MISSED_REVIEW),
        (REVIEW, REVIEW, None),
    ],
)
def test_a_decision_other_than_the_label_is_a_mistake_of_its_kind(gold: str, decided: str, kind: MistakeKind | None) -> None:
    one = case("one", expected(gold))
    found = mistakes(judged((one, record(one, decided))))
    assert [mistake.kind for mistake in found] == ([kind] if kind else [])


def test_acting_on_somebody_who_is_not_to_blame_is_a_mistake() -> None:
    blamed = case("one", expected(subject="viewers", evidence=[("c1", QUOTE)]), segment=WRITTEN)
    (mistake,) = mistakes(judged((blamed, record(blamed, VIOLATION))))
    assert mistake.kind is MistakeKind.WRONG_SUBJECT
    right = record(blamed, VIOLATION, subject="viewers", quotes=[("c1", QUOTE)])
    assert mistakes(judged((blamed, right))) == []


def test_acting_on_another_viewer_too_is_a_mistake() -> None:
    blamed = case("one", expected(subject="viewers", evidence=[("c1", QUOTE)]), segment=WRITTEN)
    of_troll = finding(blamed.segment, subject="viewers", quotes=[("c1", QUOTE)])
    other = of_troll.model_copy(update={"subject": of_troll.subject.model_copy(update={"subject_id": "bo"})})
    (mistake,) = mistakes(judged((blamed, record(blamed, VIOLATION, findings=[of_troll, other]))))
    assert mistake.kind is MistakeKind.WRONG_SUBJECT


def test_a_segment_is_one_mistake_with_all_its_regions() -> None:
    one = case("one", expected(regions=["SG", "DE"]))
    (mistake,) = mistakes(judged((one, record(one, ALLOW))))
    assert (mistake.regions, len(mistake.rows)) == (("SG", "DE"), 2)


def test_the_segments_of_a_stream_are_mistakes_of_their_own() -> None:
    live = stream("live", VIOLATION, VIOLATION, starts_s=0)
    rows = judged((live, record(live, ALLOW)), (live, record(live, ALLOW, step=1)))
    assert [mistake.row.record.step for mistake in mistakes(rows)] == [0, 1]


def test_the_text_is_gold_evidence_else_what_is_cited_else_what_is_said() -> None:
    missed, acted, asked = case("missed", expected()), case("acted"), case("asked")
    rows = judged(
        (missed, record(missed, ALLOW)),
        (acted, record(acted, VIOLATION, quotes=[("u1", "two hundred")])),
        (asked, record(asked, REVIEW, findings=[])),
    )
    assert [mistake.text for mistake in mistakes(rows)] == [QUOTE, "two hundred", SAID]


def test_cost_follows_severity_and_a_person_who_looks_makes_it_cheaper() -> None:
    def cost(gold: str, decided: str, severity: str) -> float:
        one = case("one", expected(gold, severity=severity))
        return mistakes(judged((one, record(one, decided, severity=severity))))[0].cost

    assert cost(VIOLATION, ALLOW, "critical") > cost(VIOLATION, ALLOW, "high") > cost(VIOLATION, ALLOW, "low")
    assert cost(ALLOW, VIOLATION, "critical") > cost(ALLOW, VIOLATION, "low")
    assert cost(VIOLATION, REVIEW, "critical") < cost(VIOLATION, ALLOW, "critical")


def test_vectors_that_lie_together_are_one_group_with_its_middle_first() -> None:
    angles = np.radians([0, 20, 40, 180, 185])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    first, second = grouped(vectors, distance=0.5)
    assert first[0] == 1
    assert (sorted(first), sorted(second)) == ([0, 1, 2], [3, 4])


def test_few_vectors_are_groups_of_their_own() -> None:
    assert grouped(np.empty((0, 2), np.float32), distance=0.5) == []
    assert grouped(np.ones((1, 2), np.float32), distance=0.5) == [[0]]
