"""How much of a rulebook stands at the beginning of every prompt, and what of it is given with the segment.

A server keeps the beginning that prompts share and does not compute it again, so what stands there costs next to nothing after the first
time. It must not depend on the segment. Where the whole rulebook does not fit, it stands there in brief, and the rules found for the
segment get the rest of theirs further down; where even that is too much, only the rules found are given, and prompts share no more than the
method.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from livesteward.contracts import GLOBAL, Contract, RetrievedRule, Rule
from livesteward.contracts.base import RuleId
from livesteward.models.control_tokens import break_control_tokens


class RulebookForm(StrEnum):
    """What stands of the rulebook at the beginning: all of it; without examples; the texts alone; nothing."""

    WHOLE = "whole"
    BRIEF = "brief"
    TEXTS = "texts"
    FOUND = "found"


STANDING: Final = (RulebookForm.TEXTS, RulebookForm.BRIEF, RulebookForm.WHOLE)
"""The forms in which a rulebook stands at the beginning, from the shortest to the longest."""

ALL_FIELDS: Final = frozenset({"text", "exceptions", "examples"})
_FIELDS: Final[Mapping[RulebookForm, frozenset[str]]] = {
    RulebookForm.WHOLE: ALL_FIELDS,
    RulebookForm.BRIEF: frozenset({"text", "exceptions"}),
    RulebookForm.TEXTS: frozenset({"text"}),
    RulebookForm.FOUND: frozenset(),
}


class RulebookLayout(Contract):
    """Where the rules of a prompt stand.

    Attributes:
        form: What stands at the beginning.
        order: The ids of the rules in the order in which they stand there; empty for that of the ids.
        detailed: Where the rulebook stands in brief, of how many rules of each jurisdiction everything is given, the best found first.
        tokens: What stands at the beginning takes about so many, the method left out.
        prefix: The digest of what all prompts of these rulebooks begin with; empty where no rules stand there.
    """

    form: RulebookForm = RulebookForm.FOUND
    order: tuple[RuleId, ...] = ()
    detailed: Annotated[int, Field(ge=0)] = 1_000
    tokens: Annotated[int, Field(ge=0)] = 0
    prefix: Annotated[str, Field(max_length=128)] = ""


FOUND_ONLY: Final = RulebookLayout()
"""Nothing stands at the beginning, and every rule that is handed in is given in full."""


def standing_view(rules: Sequence[RetrievedRule], layout: RulebookLayout) -> dict[str, Any]:
    """Return what stands at the beginning as plain values for a template: the same for the same rules, whatever their order and scores."""
    fields = _FIELDS[layout.form]
    return {
        "form": layout.form.value,
        "places": _places(rules),
        "groups": _groups(rules, layout.order, fields) if fields else [],
    }


def detail_view(rules: Sequence[RetrievedRule], layout: RulebookLayout) -> dict[str, Any]:
    """Return what is given of the rules found for the segment, beside what stands at the beginning, as plain values for a template.

    Args:
        rules: Of each jurisdiction the best found first.
        layout: What stands at the beginning.
    """
    fields = ALL_FIELDS - _FIELDS[layout.form]
    return {
        "form": layout.form.value,
        "places": _places(rules),
        "groups": _groups(in_full(rules, layout), layout.order, fields) if fields else [],
        "any": bool(rules),
    }


def in_full(rules: Sequence[RetrievedRule], layout: RulebookLayout) -> list[RetrievedRule]:
    """Return those of ``rules`` of which the prompt says everything.

    Args:
        rules: Of each jurisdiction the best found first.
        layout: Which rules stand where.
    """
    if layout.form in {RulebookForm.WHOLE, RulebookForm.FOUND}:
        return list(rules)
    kept: list[RetrievedRule] = []
    counts: dict[str, int] = {}
    for rule in rules:
        counts[rule.jurisdiction] = counts.get(rule.jurisdiction, 0) + 1
        if counts[rule.jurisdiction] <= layout.detailed:
            kept.append(rule)
    return kept


def without_exceptions(rules: Sequence[RetrievedRule], layout: RulebookLayout) -> frozenset[tuple[str, str]]:
    """Return jurisdiction and id of the rules that have exceptions of which the prompt says nothing.

    Args:
        rules: Of each jurisdiction the best found first.
        layout: Which rules stand where.
    """
    if layout.form is not RulebookForm.TEXTS:
        return frozenset()
    given = {(one.jurisdiction, one.rule.rule_id) for one in in_full(rules, layout)}
    return frozenset((one.jurisdiction, one.rule.rule_id) for one in rules if one.rule.exceptions) - given


def rule_view(rule: Rule, fields: frozenset[str] = ALL_FIELDS) -> dict[str, Any]:
    """Return a rule as plain values for a template; what is not among ``fields`` is empty.

    Control tokens in its words are broken: an example may well quote an attack.
    """
    subjects = [kind for kind, steps in (("host", rule.ladder.host), ("viewer", rule.ladder.viewer)) if steps]
    return {
        "rule_id": rule.rule_id,
        "title": break_control_tokens(rule.title),
        "category": rule.category.value,
        "severity": rule.severity.value,
        "subjects": " or ".join(subjects),
        "text": break_control_tokens(rule.text) if "text" in fields else "",
        "exceptions": _broken(rule.exceptions) if "exceptions" in fields else [],
        "breaks": _broken(rule.breaks) if "examples" in fields else [],
        "allowed": _broken(rule.allowed) if "examples" in fields else [],
    }


def _broken(texts: Iterable[str]) -> list[str]:
    return [break_control_tokens(text) for text in texts]


def standing_order(rules: Iterable[Rule], touched: Mapping[str, int]) -> tuple[str, ...]:
    """Return the ids of ``rules`` in an order that gives the rulebooks of several jurisdictions the longest common beginning.

    Rules that read everywhere as they were first written come first; the later, the more jurisdictions change them. Last come those that
    are changed or added in these very rules.

    Args:
        rules: Of one or more rulebooks.
        touched: How many jurisdictions change a rule or add it, by its id; 0 where it is missing.
    """
    own: dict[str, bool] = {}
    for rule in rules:
        own[rule.rule_id] = own.get(rule.rule_id, False) or not as_first_written(rule)
    return tuple(sorted(own, key=lambda rule_id: (own[rule_id], touched.get(rule_id, 0), rule_id)))


def as_first_written(rule: Rule) -> bool:
    """Whether no group's or country's document has part in a rule."""
    return all(layer.jurisdiction == GLOBAL for layer in rule.layers)


def _places(rules: Sequence[RetrievedRule]) -> str:
    return ", ".join(sorted({rule.jurisdiction for rule in rules}, key=_global_first))


def _global_first(jurisdiction: str) -> tuple[bool, str]:
    return (jurisdiction != GLOBAL, jurisdiction)


def _groups(rules: Sequence[RetrievedRule], order: Sequence[str], fields: frozenset[str]) -> list[dict[str, Any]]:
    """Group the rules by where they hold: first what reads the same in all places, then what holds in some. Each reading stands once."""
    everywhere = tuple(sorted({rule.jurisdiction for rule in rules}, key=_global_first))
    readings: dict[str, list[tuple[dict[str, Any], Rule, list[str]]]] = {}
    for found in sorted(rules, key=lambda found: _global_first(found.jurisdiction)):
        reading = rule_view(found.rule)
        same = next((one for one in readings.setdefault(found.rule.rule_id, []) if one[0] == reading), None)
        if same is None:
            readings[found.rule.rule_id].append((reading, found.rule, [found.jurisdiction]))
        elif found.jurisdiction not in same[2]:
            same[2].append(found.jurisdiction)
    place = {rule_id: number for number, rule_id in enumerate(order)}
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for rule_id in sorted(readings, key=lambda rule_id: (place.get(rule_id, len(place)), rule_id)):
        for _, rule, where in readings[rule_id]:
            key = () if tuple(where) == everywhere and (as_first_written(rule) or len(everywhere) > 1) else tuple(where)
            groups.setdefault(key, []).append(rule_view(rule, fields))
    return [{"where": ", ".join(key), "rules": groups[key]} for key in sorted(groups, key=lambda key: (bool(key), -len(key), key))]
