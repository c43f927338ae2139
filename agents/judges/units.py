"""What one speaker did in a segment, as one unit: a guard model is asked about one speaker at a time, so that the answer is about them."""

from __future__ import annotations

from dataclasses import dataclass

from livesteward.agents.judges.passages import subject_of
from livesteward.agents.screen.labels import COLUMN
from livesteward.agents.state import ItemScore
from livesteward.contracts import Category, Segment, Subject, SubjectKind, TextItem


@dataclass(frozen=True)
class Unit:
    """One subject and their texts, in order; ``scores`` are the screen's, of those that it could not clear."""

    subject: Subject
    items: tuple[TextItem, ...]
    scores: dict[str, ItemScore]

    @property
    def suspicion(self) -> float:
        """The highest score of any label, 0 where the screen cleared all of it."""
        return max((max(score.scores) for score in self.scores.values()), default=0.0)

    def score(self, item_id: str, category: Category | None) -> float:
        """Return the screen's score of a text for a category, or for whatever it looks most like."""
        score = self.scores.get(item_id)
        if score is None:
            return 0.0
        return max(score.scores) if category is None else score.scores[COLUMN[category.value]]


def units(segment: Segment, suspects: tuple[ItemScore, ...]) -> tuple[Unit, ...]:
    """Return the host's unit, then the guests', then the viewers' who wrote something suspicious, the most suspicious first.

    The host's has the title, the texts on screen, the host's own chat messages and the speech of unknown voices, which may be the host's.
    Host and guests have a unit whatever the screen says, since what is harmless line by line need not be so together; the host has one even
    without a text, for pictures.
    """
    texts: dict[Subject, list[TextItem]] = {Subject(kind=SubjectKind.HOST, subject_id=segment.host.host_id): []}
    for item in segment.items():
        if item.text.strip():
            texts.setdefault(subject_of(item, segment), []).append(item)
    scores = {score.item_id: score for score in suspects}
    found = [
        Unit(subject, tuple(items), {item.item_id: scores[item.item_id] for item in items if item.item_id in scores})
        for subject, items in texts.items()
    ]
    asked = [unit for unit in found if unit.subject.kind is not SubjectKind.VIEWER or unit.scores]
    order = (SubjectKind.HOST, SubjectKind.GUEST, SubjectKind.VIEWER)
    return tuple(sorted(asked, key=lambda unit: (order.index(unit.subject.kind), -unit.suspicion)))
