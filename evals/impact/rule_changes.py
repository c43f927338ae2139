"""Which rules differ between two folders of rule documents, in the regions and on the days that cases ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from livesteward.contracts import GLOBAL, GROUPS, Contract
from livesteward.contracts.base import Jurisdiction, RuleId
from livesteward.evals.cases import Entry
from livesteward.retrieval.comparison import RulebookDiff, diff_rulebooks
from livesteward.retrieval.rulebook import PolicyLibrary

TOLD: Final = frozenset({"notice", "norms"})
"""Fields that people read and no judge does: a change in them alone can touch no verdict."""

Asked = tuple[str, date]
"""A region, and the day whose rules hold."""


class ChangedRule(Contract):
    """A rule that was added, removed or changed, with the regions in which that happened alike.

    ``fields`` names what changed of a rule that is on both sides, with ladders as ``ladder``.
    """

    rule_id: RuleId
    title: str
    change: Literal["added", "removed", "changed"]
    fields: tuple[str, ...] = ()
    regions: tuple[Jurisdiction, ...]


@dataclass(frozen=True)
class RuleChanges:
    """Two libraries compared.

    Attributes:
        rules: What changed, by rule; regions without a case among them.
        judged: For each region and day that cases ask for, the ids of the rules that a judge would read differently, where there are any.
        unseen: Regions whose rules changed, though no case asks for them (of a group: for none of its countries).
        documents_differ: Whether anything in the folders differs at all, in force or not.
    """

    rules: tuple[ChangedRule, ...]
    judged: Mapping[Asked, frozenset[str]]
    unseen: tuple[str, ...]
    documents_differ: bool


def asked_for(entries: Iterable[Entry]) -> set[Asked]:
    """Return every region and day that cases ask for."""
    return {(region, segment.starts_at.date()) for entry in entries for region in entry.regions for segment in entry.segments}


def compare_libraries(before: PolicyLibrary, after: PolicyLibrary, asked: Iterable[Asked]) -> RuleChanges:
    """Compare the rules in force, region by region.

    Regions that have rule documents and no case are compared on the last of the days, so that a change nobody tests is at least named.

    Raises:
        PolicyError: If a rule grows too long by its overlays.
    """
    wanted = sorted(set(asked))
    seen = {region for region, _ in wanted}
    last = max((day for _, day in wanted), default=None)
    others = sorted((set(before.jurisdictions) | set(after.jurisdictions)) - seen) if last else []
    compared = [*wanted, *((name, last) for name in others if last)]
    diffs = {one: diff_rulebooks(before.rulebook(*one), after.rulebook(*one)) for one in compared}
    judged = {one: found for one in wanted if (found := _judged(diffs[one]))}
    return RuleChanges(
        rules=_by_rule(diffs),
        judged=judged,
        unseen=tuple(name for name in others if last and not _covered(name, seen) and _judged(diffs[name, last])),
        documents_differ=before.digest != after.digest,
    )


def _covered(name: str, seen: set[str]) -> bool:
    """Whether cases of some country show what the rules of all of them, or of its group, do."""
    return bool(seen) if name == GLOBAL else bool(GROUPS.get(name, frozenset()) & seen)


def _judged(diff: RulebookDiff) -> frozenset[str]:
    changed = {change.rule_id for change in diff.changed if {field.field for field in change.fields} - TOLD}
    return frozenset(changed | {rule.rule_id for rule in (*diff.added, *diff.removed)})


def _by_rule(diffs: Mapping[Asked, RulebookDiff]) -> tuple[ChangedRule, ...]:
    regions: dict[tuple[str, str, tuple[str, ...]], dict[str, str]] = {}
    for (region, _), diff in diffs.items():
        for rule in diff.added:
            regions.setdefault((rule.rule_id, "added", ()), {})[region] = rule.title
        for rule in diff.removed:
            regions.setdefault((rule.rule_id, "removed", ()), {})[region] = rule.title
        for change in diff.changed:
            fields = tuple(field.field for field in change.fields)
            regions.setdefault((change.rule_id, "changed", fields), {})[region] = change.title
    return tuple(
        ChangedRule.model_validate(
            {"rule_id": rule_id, "change": change, "fields": fields, "title": next(iter(titles.values())), "regions": tuple(sorted(titles))}
        )
        for (rule_id, change, fields), titles in sorted(regions.items())
    )
