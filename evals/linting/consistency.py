"""What must hold for golden cases beyond their form: quotes that are there, rules that are in force, pairs that are pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from livesteward.contracts import Rule, Segment
from livesteward.errors import PolicyError
from livesteward.evals.cases import Case, Entry, ExpectedFinding, ExpectedSubject, Span, Staging, StreamCase
from livesteward.evals.dataset import Dataset, Located

Rules = Callable[[str, date], Mapping[str, Rule]]
"""The rules in force in a jurisdiction on a day, by id."""

_FEWEST_STEPS: Final = 6
_MOST_STEPS: Final = 20
_NEAR_S: Final = 1.0


@dataclass(frozen=True)
class CaseProblem:
    """Something wrong with a case: where, what, and what to do."""

    file: str
    line: int
    case_id: str
    code: str
    message: str

    def __str__(self) -> str:
        """As a compiler writes it."""
        return f"{self.file}:{self.line}: {self.case_id}: {self.message} [{self.code}]"


def check_consistency(dataset: Dataset, rules: Rules) -> list[CaseProblem]:
    """Return everything that does not hold, in the order of the files.

    Args:
        dataset: The cases.
        rules: Looks up the rules in force.
    """
    by_id = {entry.case_id: entry for entry in dataset.entries}
    found: list[CaseProblem] = []
    for located in dataset.located:
        for code, message in _of_entry(located.entry, by_id, rules):
            found.append(_problem(located, code, message))
    return found


def _problem(located: Located, code: str, message: str) -> CaseProblem:
    return CaseProblem(file=str(located.file), line=located.line, case_id=located.entry.case_id, code=code, message=message)


def _of_entry(entry: Entry, by_id: Mapping[str, Entry], rules: Rules) -> Iterator[tuple[str, str]]:
    for index, step in enumerate(entry.steps):
        where = f"segment {index + 1}: " if isinstance(entry, StreamCase) else ""
        if step.segment.language is None:
            yield "language", f"{where}say the language of the segment"
        for number, expectation in enumerate(step.expect):
            for finding in expectation.findings:
                at = f"{where}expect[{number}]: "
                yield from _of_finding(finding, step.segment, step.staging, at)
                yield from _of_rules(finding, expectation.regions, step.segment, rules, at)
    if not entry.reason.strip():
        yield "reason", "reason: say why, in the terms of the rules"
    if isinstance(entry, StreamCase):
        yield from _of_stream(entry)
    else:
        yield from _of_case(entry, by_id)


def _of_finding(finding: ExpectedFinding, segment: Segment, staging: Staging, at: str) -> Iterator[tuple[str, str]]:
    for span in finding.evidence:
        text = text_of(span, segment, staging)
        if text is None:
            yield "evidence", f"{at}there is no item {span.item!r} in the segment"
        elif span.quote not in text:
            yield "evidence", f"{at}{span.quote!r} does not stand in {span.item}: {text[:120]!r}"
    viewers = {message.viewer_id for message in segment.chat if not message.is_host} | {gift.viewer_id for gift in segment.gifts}
    if finding.subject is ExpectedSubject.VIEWERS and not set(finding.subject_ids) <= viewers:
        yield "subject", f"{at}subject_ids: {', '.join(sorted(set(finding.subject_ids) - viewers))} wrote nothing in the segment"


def text_of(span: Span, segment: Segment, staging: Staging) -> str | None:
    """Return the text that a span points into; None where there is no such item. Lines of a drawing are joined by line feeds."""
    if span.item == "sound":
        return " ".join(staging.sound.text) if staging.sound else None
    if span.item in staging.drawings:
        return "\n".join(staging.drawings[span.item].text)
    if any(frame.frame_id == span.item for frame in segment.frames):
        return None
    return next((item.text for item in segment.items() if item.item_id == span.item), None)


def _of_rules(finding: ExpectedFinding, regions: tuple[str, ...], segment: Segment, rules: Rules, at: str) -> Iterator[tuple[str, str]]:
    if not finding.rules:
        yield "rules", f"{at}name the rule that is broken"
        return
    for region in regions:
        try:
            book = rules(region, segment.starts_at.date())
        except PolicyError as error:
            yield "rules", f"{at}{error}"
            continue
        missing = [rule_id for rule_id in finding.rules if rule_id not in book]
        if missing:
            yield "rules", f"{at}{', '.join(missing)} is not in force in {region} on {segment.starts_at.date()}"
            continue
        first = book[finding.rules[0]]
        if finding.category not in {book[rule_id].category for rule_id in finding.rules}:
            yield "category", f"{at}{first.rule_id} is {first.category.value}, not {finding.category.value}"
        if finding.severity not in {book[rule_id].severity for rule_id in finding.rules}:
            yield "severity", f"{at}{first.rule_id} is {first.severity.value} in {region}, not {finding.severity.value}"


def _of_case(case: Case, by_id: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    if case.twin_of is not None:
        yield from _related(case, by_id.get(case.twin_of), case.twin_of, "twin_of")
    if case.injection is not None:
        base = by_id.get(case.injection.base)
        yield from _related(case, base, case.injection.base, "injection.base")
        if isinstance(base, Case) and _on_stream(base) != _on_stream(case):
            yield "injection", f"what it expects for the stream differs from its base {base.case_id}"


def _related(case: Case, other: Entry | None, name: str, field: str) -> Iterator[tuple[str, str]]:
    if not isinstance(other, Case):
        yield "pair", f"{field}: there is no case {name!r}"
    elif other.split is not case.split:
        yield "split", f"{field}: {name} is of split {other.split.value}, this case of {case.split.value}; keep them together"


def _on_stream(case: Case) -> dict[str, str]:
    """Decisions without viewers: an injection that a viewer wrote breaks a rule itself, and changes nothing for the host."""
    return {region: expectation.stream_decision.value for expectation in case.expect for region in expectation.regions}


def _of_stream(stream: StreamCase) -> Iterator[tuple[str, str]]:
    if not _FEWEST_STEPS <= len(stream.steps) <= _MOST_STEPS:
        yield "steps", f"a stream has {_FEWEST_STEPS} to {_MOST_STEPS} segments, not {len(stream.steps)}"
    first = _first_broken_s(stream)
    stated = stream.violation_starts_s
    if first is None and stated is not None:
        yield "start", "violation_starts_s: no segment expects a violation by the host or a guest"
    elif first is not None and (stated is None or abs(first - stated) > _NEAR_S):
        yield "start", f"violation_starts_s: the first decisive item is at {first:.1f} s, not {stated}"


def _first_broken_s(stream: StreamCase) -> float | None:
    """The time in the stream of the first item that is evidence against the host or a guest."""
    for step in stream.steps:
        items = {item.item_id: item.at_s for item in step.segment.items()}
        items |= {frame.frame_id: frame.at_s for frame in step.segment.frames}
        times = [
            items.get(span.item, 0.0)
            for expectation in step.expect
            if expectation.stream_decision.value == "violation"
            for finding in expectation.findings
            if finding.subject is not ExpectedSubject.VIEWERS
            for span in finding.evidence
        ]
        if times:
            return step.segment.offset_s + min(times)
    return None
