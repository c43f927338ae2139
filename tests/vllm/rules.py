"""Rules that ship, and golden segments that break some."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

from livesteward.contracts import Decision, RetrievedRule, Segment
from livesteward.evals.cases import Case, Split
from livesteward.evals.dataset import SHIPPED, load_dataset
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import load_settings

DAY = date(2026, 11, 1)


@cache
def rulebook(jurisdiction: str) -> tuple[RetrievedRule, ...]:
    """All rules of a jurisdiction, as retrieval hands them over."""
    book = load_library(load_settings().policies_dir).rulebook(jurisdiction, DAY)
    return tuple(RetrievedRule(jurisdiction=jurisdiction, rule=rule, score=1.0) for rule in book.rules)


def rules_of(jurisdiction: str, *, tokens: int, count: Callable[[str], int]) -> tuple[RetrievedRule, ...]:
    """As many rules of a jurisdiction as their texts have ``tokens``."""
    kept: list[RetrievedRule] = []
    total = 0
    for found in rulebook(jurisdiction):
        if total >= tokens:
            break
        total += count("\n".join((found.rule.text, *found.rule.exceptions, *found.rule.breaks, *found.rule.allowed)))
        kept.append(found)
    return tuple(kept)


@cache
def breaking(count: int) -> tuple[Segment, ...]:
    """Golden segments of words alone that break a rule, over all categories in turn."""
    by_file: dict[str, list[Segment]] = {}
    for located in load_dataset(SHIPPED / "segments").located:
        case = located.entry
        if isinstance(case, Case) and case.split is Split.DEV and _is_words(case.segment) and _breaks(case):
            by_file.setdefault(located.file.name, []).append(case.segment)
    taken = [segments[turn] for turn in range(count) for segments in by_file.values() if turn < len(segments)][:count]
    assert len(taken) == count
    return tuple(taken)


def _is_words(segment: Segment) -> bool:
    return not (segment.frames or segment.media) and len(segment.chat) < 40


def _breaks(case: Case) -> bool:
    return any(expectation.decision is Decision.VIOLATION for expectation in case.expect)
