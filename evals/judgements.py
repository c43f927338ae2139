"""Records joined with what was expected: one row for each segment and region, which all figures are counted from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from livesteward.contracts import Category, Decision, Finding, Segment, Severity
from livesteward.errors import InputError
from livesteward.evals.cases import Case, Entry, Expectation, StreamCase, gold_for
from livesteward.evals.dataset import Dataset
from livesteward.evals.outcomes import Record

NO_CATEGORY: Final = "none"
"""The slice of cases that neither break a rule nor look like it."""


@dataclass(frozen=True)
class Judgement:
    """One segment in one region: what was expected and what was decided.

    Attributes:
        entry: The case or stream.
        record: What came out.
        region: The jurisdiction asked for.
        gold: What a good verdict says there.
        cluster: Cases that are not independent share it: the segments of a stream, a minimal pair, an injection and its base.
    """

    entry: Entry
    record: Record
    region: str
    gold: Expectation
    cluster: str

    @property
    def unit(self) -> str:
        """Names the row in the same way in every run: ``case/step@region``."""
        return f"{self.entry.case_id}/{self.record.step}@{self.region}"

    @property
    def segment(self) -> Segment:
        """As it stands in the case (without what perception added)."""
        return self.entry.steps[self.record.step].segment

    @cached_property
    def decision(self) -> Decision:
        """What was decided in the region."""
        return self.record.ruling(self.region).decision

    @cached_property
    def stream_decision(self) -> Decision:
        """What was decided about the stream, leaving out viewers."""
        return self.record.ruling(self.region).stream_decision

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Findings that hold in the region."""
        return self.record.findings(self.region)

    @property
    def acted(self) -> bool:
        """Whether the agent acts by itself."""
        return self.decision is Decision.VIOLATION

    @property
    def caught(self) -> bool:
        """Whether it acts or calls a person."""
        return self.decision is not Decision.ALLOW

    @property
    def broken(self) -> bool:
        """Whether a rule is broken, by the label."""
        return self.gold.decision is Decision.VIOLATION

    @property
    def innocent(self) -> bool:
        """Whether nothing is wrong, by the label."""
        return self.gold.decision is Decision.ALLOW

    def acts_on(self, category: Category) -> bool:
        """Whether the agent acts by itself for a finding of ``category``."""
        return self.acted and any(f.category is category and f.decision is Decision.VIOLATION for f in self.findings)

    def names(self, category: Category) -> bool:
        """Whether a finding of ``category`` stands in the verdict, for action or review."""
        return any(finding.category is category for finding in self.findings)

    @property
    def categories(self) -> tuple[str, ...]:
        """Slices by category: those that are broken, else those that are elsewhere or that it looks like, else ``none``."""
        elsewhere = {category for expectation in self.entry.steps[self.record.step].expect for category in expectation.categories}
        found = sorted(self.gold.categories or elsewhere or self.entry.looks_like)
        return tuple(category.value for category in found) or (NO_CATEGORY,)

    @property
    def severity(self) -> Severity | None:
        """The worst that is expected."""
        return self.gold.severity

    @property
    def kinds(self) -> tuple[str, ...]:
        """Slices by what the case is about: its tags, and what follows from its form."""
        found = {tag.value for tag in self.entry.tags}
        step = self.entry.steps[self.record.step]
        found |= {"frame"} if step.segment.frames else set()
        found |= {"sound"} if step.segment.media else set()
        if isinstance(self.entry, StreamCase):
            found.add("stream")
        elif self.entry.injection is not None:
            found.add(f"injection_{self.entry.injection.aim}")
        if self.innocent and self.entry.looks_like:
            found.add("look_alike")
        if isinstance(self.entry, Case) and len({expectation.decision for expectation in self.entry.expect}) > 1:
            found.add("region_contrast")
        return tuple(sorted(found)) or ("plain",)

    @property
    def slices(self) -> dict[str, tuple[str, ...]]:
        """Every slice that the row is in, by dimension."""
        return {
            "category": self.categories,
            "region": (self.region,),
            "language": ((self.segment.language or "und").split("-")[0],),
            "severity": (self.severity.value,) if self.severity else (),
            "kind": self.kinds,
        }


def judgements(dataset: Dataset, records: Iterable[Record]) -> list[Judgement]:
    """Join records with their cases, in the order of the set, steps, trials and regions.

    Raises:
        InputError: If a record is of no case of the set, of another content of it, or lacks a region.
    """
    entries = {entry.case_id: entry for entry in dataset.entries}
    cluster = clusters(dataset.entries)
    order = {case_id: place for place, case_id in enumerate(entries)}
    rows = []
    for record in sorted(records, key=lambda record: (order.get(record.case_id, -1), record.step, record.trial)):
        entry = entries.get(record.case_id)
        if entry is None or record.step >= len(entry.steps):
            raise InputError(f"the run has {record.case_id!r}, step {record.step}, which is not in {dataset.root}", field="records")
        step = entry.steps[record.step]
        decided = {ruling.jurisdiction for ruling in record.verdict.rulings}
        for region in entry.regions:
            if region not in decided:
                raise InputError(f"{record.case_id}: nothing was decided for {region}", field="records")
            rows.append(
                Judgement(entry=entry, record=record, region=region, gold=gold_for(step.expect, region), cluster=cluster[entry.case_id])
            )
    return rows


def clusters(entries: Sequence[Entry]) -> dict[str, str]:
    """Name the cluster of each case: cases joined by ``twin_of`` or ``injection.base`` share one."""
    parent = {entry.case_id: entry.case_id for entry in entries}

    def find(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for entry in entries:
        if isinstance(entry, Case):
            for other in (entry.twin_of, entry.injection.base if entry.injection else None):
                if other in parent and other is not None:
                    one, two = sorted((find(entry.case_id), find(other)))
                    parent[two] = one
    return {name: find(name) for name in parent}


def by_slice(rows: Sequence[Judgement], dimension: str) -> Mapping[str, list[Judgement]]:
    """Group rows by a dimension of :attr:`Judgement.slices`; a row can be in several groups."""
    groups: dict[str, list[Judgement]] = {}
    for row in rows:
        for name in row.slices[dimension]:
            groups.setdefault(name, []).append(row)
    return dict(sorted(groups.items()))
