"""What a run got wrong: one mistake for each segment, with the regions that it was made in, the text that decides, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from livesteward.contracts import Decision, Finding, Severity, SubjectKind
from livesteward.evals.cases import ExpectedSubject
from livesteward.evals.judgements import Judgement


class MistakeKind(StrEnum):
    """In which way a decision differs from the label."""

    MISSED = "missed"
    """A rule is broken and nothing was done."""
    WRONGFUL_ACTION = "wrongful_action"
    """Nothing is wrong and the agent acted."""
    WRONG_SUBJECT = "wrong_subject"
    """A rule is broken, and the agent acted on somebody who did not break it."""
    MISSED_REVIEW = "missed_review"
    """The rules leave it to a person, and the agent decided."""
    LEFT_TO_REVIEW = "left_to_review"
    """A rule is broken, and a person was asked."""
    UNNEEDED_REVIEW = "unneeded_review"
    """Nothing is wrong, and a person was asked."""


HARM: Final = frozenset({MistakeKind.MISSED, MistakeKind.LEFT_TO_REVIEW, MistakeKind.MISSED_REVIEW})
"""Mistakes that let something go; the others disturb somebody."""

SEVERITY_COST: Final = {Severity.LOW: 1.0, Severity.MEDIUM: 2.0, Severity.HIGH: 4.0, Severity.CRITICAL: 8.0}
"""What a mistake costs, by the severity of the rule that was missed, or wrongly acted on. These weights order a list, and no more."""
SHARE: Final = {
    MistakeKind.MISSED: 1.0,
    MistakeKind.WRONGFUL_ACTION: 1.0,
    MistakeKind.WRONG_SUBJECT: 1.0,
    MistakeKind.MISSED_REVIEW: 0.5,
    MistakeKind.LEFT_TO_REVIEW: 0.25,
    MistakeKind.UNNEEDED_REVIEW: 0.25,
}
"""Of that, what each kind costs: a person who looks puts most of it right."""


@dataclass(frozen=True)
class Mistake:
    """One segment that was judged wrong in the same way in some of its regions.

    Attributes:
        kind: See :class:`MistakeKind`.
        rows: A row for each region and trial.
        text: What decides: gold evidence, or for innocent segments what the agent cites.
    """

    kind: MistakeKind
    rows: tuple[Judgement, ...]
    text: str

    @property
    def row(self) -> Judgement:
        """The first row, which stands for the others."""
        return self.rows[0]

    @property
    def regions(self) -> tuple[str, ...]:
        """Where the mistake was made."""
        return tuple(dict.fromkeys(row.region for row in self.rows))

    @property
    def cost(self) -> float:
        """By severity and kind, once for the segment."""
        return SHARE[self.kind] * max(SEVERITY_COST[_severity(row, self.kind)] for row in self.rows)


def mistakes(rows: Iterable[Judgement]) -> list[Mistake]:
    """Return what was judged wrong, in the order of the rows."""
    found: dict[tuple[MistakeKind, str, int], list[Judgement]] = {}
    for row in rows:
        kind = kind_of(row)
        if kind is not None:
            found.setdefault((kind, row.entry.case_id, row.record.step), []).append(row)
    return [Mistake(kind=kind, rows=tuple(held), text=_text(held[0])) for (kind, _, _), held in found.items()]


def kind_of(row: Judgement) -> MistakeKind | None:
    """Return in which way a row is wrong, or None where it is right."""
    if row.gold.decision is Decision.REVIEW:
        return None if row.decision is Decision.REVIEW else MistakeKind.MISSED_REVIEW
    if row.innocent:
        return {Decision.VIOLATION: MistakeKind.WRONGFUL_ACTION, Decision.REVIEW: MistakeKind.UNNEEDED_REVIEW}.get(row.decision)
    if not row.acted:
        return MistakeKind.LEFT_TO_REVIEW if row.caught else MistakeKind.MISSED
    return MistakeKind.WRONG_SUBJECT if wrongly_accused(row) else None


def wrongly_accused(row: Judgement) -> list[Finding]:
    """Return the findings that are acted on against somebody whom the label does not blame."""
    guilty: set[tuple[SubjectKind, str | None]] = set()
    for finding in row.gold.findings:
        if finding.subject is ExpectedSubject.VIEWERS:
            guilty |= {(SubjectKind.VIEWER, viewer) for viewer in finding.subject_ids}
        else:
            guilty.add((SubjectKind(finding.subject.value), None))
    return [finding for finding in acted_on(row) if _accused(finding) not in guilty]


def acted_on(row: Judgement) -> list[Finding]:
    """Return the findings of a row that the agent acts on by itself."""
    return [finding for finding in row.findings if finding.decision is Decision.VIOLATION]


def _accused(finding: Finding) -> tuple[SubjectKind, str | None]:
    return finding.subject.kind, finding.subject.subject_id if finding.subject.kind is SubjectKind.VIEWER else None


def _severity(row: Judgement, kind: MistakeKind) -> Severity:
    blamed: Sequence[Finding] = wrongly_accused(row) if kind is MistakeKind.WRONG_SUBJECT else row.findings
    found = [row.severity] if kind in HARM else [finding.severity for finding in blamed]
    return max((one for one in found if one is not None), key=lambda severity: severity.rank, default=Severity.LOW)


def _text(row: Judgement) -> str:
    named = [span.quote for finding in row.gold.findings for span in finding.evidence]
    cited = [place.quote for finding in row.findings for place in finding.evidence if place.quote]
    segment = row.segment
    said = [utterance.text for utterance in segment.utterances] or [item.text for item in row.record.perceived]
    written = [item.text for item in segment.items()]
    whole = next((texts for texts in (named, cited, said, written) if texts), [])
    return " ".join(" ".join(dict.fromkeys(whole)).split())
