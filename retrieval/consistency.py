"""What can be wrong between documents: ids, overlays without a rule to lie on, and rules in force twice on one day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

from livesteward.contracts import GLOBAL, GROUPS, LayerEffect
from livesteward.retrieval.document_model import PolicyDocument, RuleSection
from livesteward.retrieval.problems import PolicyProblem


class Placed(NamedTuple):
    """A section and the document that it stands in."""

    document: PolicyDocument
    section: RuleSection

    def problem(self, code: str, message: str, fix: str, *, blocks: bool = True) -> PolicyProblem:
        """A problem at the section's heading."""
        return PolicyProblem(
            path=self.document.path, line=self.section.line, code=code, message=message[:500], fix=fix[:500], blocks=blocks
        )

    def __str__(self) -> str:
        """``global/fraud.md:12``."""
        return f"{self.document.path}:{self.section.line}"


def lineage(jurisdiction: str) -> tuple[str, ...]:
    """Return the jurisdictions whose documents hold in ``jurisdiction``, widest first: global, groups by name, the country."""
    groups = sorted(name for name, members in GROUPS.items() if jurisdiction in members)
    return tuple(dict.fromkeys((GLOBAL, *groups, jurisdiction)))


def placed(documents: Iterable[PolicyDocument]) -> list[Placed]:
    """All sections of ``documents`` with where they stand."""
    return [Placed(document, section) for document in documents for section in document.sections]


def check_consistency(documents: Sequence[PolicyDocument]) -> list[PolicyProblem]:
    """List what keeps ``documents`` from making rulebooks together."""
    sections = placed(documents)
    return [
        *_folders(documents),
        *_slugs(documents),
        *_ids(sections),
        *_twice_in_force(sections),
        *_overlays_on_nothing(sections),
        *_moved_categories(sections),
    ]


def _folders(documents: Sequence[PolicyDocument]) -> Iterator[PolicyProblem]:
    for document in documents:
        folder = PurePosixPath(document.path).parts[0]
        if folder != document.jurisdiction:
            yield PolicyProblem(
                path=document.path,
                line=1,
                code="folder",
                message=f"the document says jurisdiction {document.jurisdiction!r} and lies in the folder {folder!r}",
                fix="move the file, or correct its jurisdiction",
            )


def _slugs(documents: Sequence[PolicyDocument]) -> Iterator[PolicyProblem]:
    seen: dict[tuple[str, str], PolicyDocument] = {}
    for document in documents:
        first = seen.setdefault((document.jurisdiction, document.policy), document)
        if first is not document:
            message = f"the policy {document.policy!r} is also in {first.path}"
            yield PolicyProblem(path=document.path, line=1, code="duplicate-policy", message=message, fix="give each its own name")


def _ids(sections: Sequence[Placed]) -> Iterator[PolicyProblem]:
    """A rule that an overlay adds carries the overlay's jurisdiction in its id, so that two countries cannot collide."""
    for one in sections:
        parts = one.section.rule_id.split("-")
        where = parts[1] if len(parts) == 3 else GLOBAL
        home = one.document.jurisdiction
        if one.section.complete and where != home:
            number = parts[-1].replace(".", "")
            fix = f"name it {parts[0]}-{home}-{number}" if home != GLOBAL else f"name it {parts[0]}-1.{number}"
            yield one.problem("id-jurisdiction", f"{one.section.rule_id} is a new rule of {home} and its id says {where}", fix)


def _twice_in_force(sections: Sequence[Placed]) -> Iterator[PolicyProblem]:
    by_place: dict[tuple[str, str], list[Placed]] = defaultdict(list)
    for one in sections:
        by_place[one.document.jurisdiction, one.section.rule_id].append(one)
    for (home, rule_id), found in by_place.items():
        found.sort(key=lambda one: (one.section.effective_from, one.document.path, one.section.line))
        for first, second in pairwise(found):
            ends = first.section.effective_to
            if ends is not None and ends < second.section.effective_from:
                continue
            new = first.section.complete and second.section.complete
            code, what = ("duplicate-id", "") if new else ("overlapping-overlays", f" in {home}")
            message = f"{rule_id} is also in {first}, and both are in force on {second.section.effective_from}{what}"
            yield second.problem(code, message, "merge the two, or give the earlier one an effective_to")


def _overlays_on_nothing(sections: Sequence[Placed]) -> Iterator[PolicyProblem]:
    homes: dict[str, list[Placed]] = defaultdict(list)
    for one in sections:
        if one.section.complete:
            homes[one.section.rule_id].append(one)
    for one in sections:
        if one.section.complete:
            continue
        wider = [base for base in homes.get(one.section.rule_id, ()) if base.document.jurisdiction in _wider(one)]
        if not wider:
            where = ", ".join(_wider(one)) or "a wider jurisdiction"
            message = f"{one.section.effect} of {one.section.rule_id}, and there is no such rule in {where}"
            yield one.problem("no-such-rule", message, 'correct the id, or make it a rule of its own with effect: "add"')
        elif not any(_meet(base.section, one.section) for base in wider):
            message = f"{one.section.effect} of {one.section.rule_id} is never in force together with the rule itself ({wider[0]})"
            yield one.problem("dates-apart", message, "correct the dates of one of them")


def _wider(one: Placed) -> tuple[str, ...]:
    return tuple(name for name in lineage(one.document.jurisdiction) if name != one.document.jurisdiction)


def _meet(first: RuleSection, second: RuleSection) -> bool:
    start = max(first.effective_from, second.effective_from)
    return first.in_force(start) and second.in_force(start)


def _moved_categories(sections: Sequence[Placed]) -> Iterator[PolicyProblem]:
    categories = {one.section.rule_id: one.section.category for one in sections if one.section.complete}
    for one in sections:
        section = one.section
        changed = not section.complete and section.category is not None and section.effect is not LayerEffect.OFF
        if changed and categories.get(section.rule_id, section.category) != section.category:
            message = f"{section.rule_id} is of {categories[section.rule_id]}, and this overlay says {section.category}"
            yield one.problem("moved-category", message, "delete the category here: an overlay cannot move a rule")
