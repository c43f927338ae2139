from __future__ import annotations

from unit.agents.parts import GUEST, HOST, gave, said, segment, shown, viewer, wrote

from livesteward.agents.judges.units import units
from livesteward.agents.screen.labels import COLUMN, LABELS
from livesteward.agents.state import ItemScore
from livesteward.contracts import Category, Speaker


def suspect(item_id: str, **scores: float) -> ItemScore:
    return ItemScore(item_id=item_id, scores=tuple(scores.get(label, 0.0) for label in LABELS))


def test_each_speaker_is_a_unit_of_their_own_texts() -> None:
    found = units(
        segment(
            said("u1", "Hello"),
            said("u2", "Hi", speaker=Speaker.GUEST),
            said("u3", "Who is that?", speaker=Speaker.UNKNOWN),
            wrote("m1", "v1", "bad"),
            wrote("m2", "v2", "fine"),
            wrote("m3", "host", "thanks", is_host=True),
            wrote("m4", "v1", "more"),
            gave("g1", "v3", "worse"),
            shown("o1", "Welcome"),
            title="My stream",
        ),
        (suspect("m1", fraud_scam=0.6), suspect("g1", fraud_scam=0.9)),
    )
    assert [(unit.subject, [item.item_id for item in unit.items]) for unit in found] == [
        (HOST, ["title", "u1", "u3", "m3", "o1"]),
        (GUEST, ["u2"]),
        (viewer("v3"), ["g1"]),
        (viewer("v1"), ["m1", "m4"]),
    ]


def test_the_host_has_a_unit_without_a_word() -> None:
    (unit,) = units(segment(said("u1", " ")), ())
    assert (unit.subject, unit.items, unit.suspicion) == (HOST, (), 0.0)


def test_a_text_has_the_screens_score_for_a_category() -> None:
    (unit,) = units(segment(said("u1", "a"), said("u2", "b")), (suspect("u1", fraud_scam=0.6, self_harm=0.7),))
    assert unit.suspicion == unit.score("u1", None) == 0.7
    assert unit.score("u1", Category.FRAUD_SCAM) == 0.6
    assert unit.score("u2", Category.FRAUD_SCAM) == 0.0
    assert COLUMN[Category.FRAUD_SCAM.value] >= 0
