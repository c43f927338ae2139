"""What two runs judge differently, in the order and the groups in which people read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Decision
from livesteward.evals.reports.words import FLIPS, corrected
from livesteward.evals.scorecard import Comparison, Flip, PairedTest

_FIELDS: Final = {
    "judge": "judge",
    "model": "model",
    "model_revision": "model revision",
    "prompt": "prompt",
    "sampling": "sampling",
    "thresholds": "thresholds",
    "settings": "settings",
    "code": "code or weights",
}
_BOOKS: Final = 8


@dataclass(frozen=True)
class FlippedSegment:
    """A segment that flipped in one way, in one or more regions.

    Attributes:
        case_id: The case or stream.
        step: Place in the stream, from 0.
        regions: Where it flipped so.
        categories: Slices by category.
        severe: Whether a rule of severity high or critical is broken.
        reason: Of the label.
    """

    case_id: str
    step: int
    regions: tuple[str, ...]
    gold: Decision
    before: Decision
    after: Decision
    better: bool | None
    severe: bool
    categories: tuple[str, ...]
    reason: str

    @property
    def kind(self) -> str:
        """``worse``, ``better`` or ``other``."""
        return FLIPS[self.better]


def flipped_segments(flips: Iterable[Flip]) -> list[FlippedSegment]:
    """Join the regions of a segment that flipped alike: they were judged from one reading. The order stays."""
    groups: dict[tuple[object, ...], list[Flip]] = {}
    for flip in flips:
        groups.setdefault((flip.case_id, flip.step, flip.gold, flip.before, flip.after), []).append(flip)
    return [_joined(group) for group in groups.values()]


def by_category(flips: Iterable[FlippedSegment]) -> dict[str, list[FlippedSegment]]:
    """Group by the first slice of the dimension category; the order stays."""
    groups: dict[str, list[FlippedSegment]] = {}
    for flip in flips:
        groups.setdefault(flip.categories[0], []).append(flip)
    return groups


def tally(flips: Iterable[Flip | FlippedSegment]) -> dict[str, int]:
    """Count ``worse``, ``other`` and ``better`` ones."""
    found = dict.fromkeys(FLIPS.values(), 0)
    for flip in flips:
        found[FLIPS[flip.better]] += 1
    return found


def overall_tests(comparison: Comparison) -> list[PairedTest]:
    """Return the tests over all rows."""
    return [test for test in comparison.tests if test.dimension == "overall"]


def differences(comparison: Comparison) -> str:
    """Say in what the two runs differ by their fingerprints: ``different thresholds, rulebooks (SG, US)``."""
    before, after = comparison.before.fingerprint, comparison.after.fingerprint
    found = [words for field, words in _FIELDS.items() if getattr(before, field) != getattr(after, field)]
    books = {
        name.partition("@")[0]
        for name in before.rulebooks.keys() | after.rulebooks.keys()
        if before.rulebooks.get(name) != after.rulebooks.get(name)
    }
    if books:
        named = sorted(books)
        found.append(f"rulebooks ({', '.join(named[:_BOOKS])}{' …' if len(named) > _BOOKS else ''})")
    return f"different {', '.join(found)}" if found else "judged by the same thing"


def moved_slices(comparison: Comparison) -> list[PairedTest]:
    """Return the tests of slices in which something moved, the surest first."""
    moved = [test for test in comparison.tests if test.dimension != "overall" and (test.difference.value or test.better or test.worse)]
    return sorted(moved, key=lambda test: (_or_one(corrected(test)), -(test.better + test.worse), -abs(test.difference.value or 0.0)))


def _joined(group: Sequence[Flip]) -> FlippedSegment:
    first = group[0]
    return FlippedSegment(
        case_id=first.case_id,
        step=first.step,
        regions=tuple(flip.region for flip in group),
        gold=first.gold,
        before=first.before,
        after=first.after,
        better=first.better,
        severe=any(flip.severe for flip in group),
        categories=tuple(dict.fromkeys(name for flip in group for name in flip.categories)) or ("none",),
        reason=first.reason,
    )


def _or_one(p: float | None) -> float:
    return 1.0 if p is None else p
