"""How rules, their layers and the differences between rulebooks look on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.markup import escape as without_markup
from rich.padding import Padding

from livesteward.cli.output import console
from livesteward.cli.plain import plain
from livesteward.contracts import LayerEffect, Rule
from livesteward.retrieval.comparison import FieldChange, RulebookDiff
from livesteward.retrieval.rulebook import ExplainedLayer, Explanation


def escape(value: object) -> str:
    """A value from a document as it may be printed: without control characters, and with nothing that rich takes for markup."""
    return without_markup(plain(str(value)))


def print_rule(rule: Rule, region: str) -> None:
    """Print a rule as it holds in ``region``."""
    console.print(f"[bold]{rule.rule_id}  {escape(rule.title)}[/]  [dim]in {region}[/]")
    console.print(f"{rule.category.value}, {rule.severity.value}")
    for kind, steps in (("host", rule.ladder.host), ("viewer", rule.ladder.viewer)):
        if steps:
            console.print(f"{kind}: {' > '.join(step.value for step in steps)}")
    console.print()
    console.print(escape(rule.text))
    for title, items in (
        ("Exceptions", rule.exceptions),
        ("Breaks the rule", rule.breaks),
        ("Does not break the rule", rule.allowed),
        ("Norms", rule.norms),
    ):
        if items:
            console.print(f"\n[bold]{title}[/]")
            for item in items:
                console.print(f"- {escape(item)}")
    console.print(f"\n[bold]Notice[/]\n{escape(rule.notice)}")


def print_explanation(explained: Explanation, folder: Path) -> None:
    """Print which documents below ``folder`` made a rule what it is."""
    state = "does not hold" if explained.rule is None else f"is {explained.rule.severity.value}"
    console.print(f"[bold]{explained.rule_id}[/] {state} in {explained.jurisdiction} on {explained.on}")
    for number, one in enumerate(explained.layers, 1):
        _print_layer(number, one, folder)


def _print_layer(number: int, one: ExplainedLayer, folder: Path) -> None:
    layer = one.layer
    until = f" to {layer.effective_to}" if layer.effective_to else ""
    force = "" if one.in_force else "  [yellow]not in force on this day[/]"
    console.print(
        f"\n{number}. [bold]{layer.jurisdiction}[/] {layer.effect.value}, from {layer.effective_from}{until}{force}\n"
        f"   {escape(folder / layer.document)}:{layer.line}",
        soft_wrap=True,
    )
    if layer.norm:
        console.print(f"   norm: {escape(layer.norm)}", soft_wrap=True)
    if layer.changed:
        verb = "sets" if layer.effect in (LayerEffect.BASE, LayerEffect.ADD) else "changes"
        console.print(f"   {verb}: {', '.join(layer.changed)}", soft_wrap=True)
    console.print(Padding(escape(one.text), (0, 0, 0, 3)))


def print_diff(found: RulebookDiff) -> None:
    """Print what differs between two rulebooks."""
    console.print(
        f"[bold]{found.before.jurisdiction} {found.before.version}[/] compared with "
        f"[bold]{found.after.jurisdiction} {found.after.version}[/]"
    )
    for mark, colour, rules in (("+", "green", found.added), ("-", "red", found.removed)):
        for rule in rules:
            console.print(f"[{colour}]{mark} {rule.rule_id}  {escape(rule.title)}[/]")
    for change in found.changed:
        console.print(f"[yellow]~ {change.rule_id}  {escape(change.title)}[/]")
        for field in change.fields:
            for line in _field_lines(field):
                console.print(f"    {line}", soft_wrap=True)
    console.print(f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed")


def _field_lines(change: FieldChange) -> list[str]:
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        gone = [f"{change.field} [red]- {_shown(item)}[/]" for item in before if item not in after]
        return gone + [f"{change.field} [green]+ {_shown(item)}[/]" for item in after if item not in before]
    if isinstance(before, str) and isinstance(after, str) and after.startswith(before):
        return [f"{change.field} [green]+ {_shown(after[len(before) :].strip())}[/]"]
    return [f"{change.field} [red]{_shown(before)}[/] → [green]{_shown(after)}[/]"]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {' > '.join(steps) or 'none'}" for name, steps in value.items())
    return escape(value)
