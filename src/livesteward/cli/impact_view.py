"""The impact of changed rules on a terminal. Everything is put together from ``Text``, never from markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from livesteward.evals.impact.impact import Impact
from livesteward.evals.impact.markdown import change_words, headline, queue_lines, reached, region_words, shift_words, test_lines, warnings
from livesteward.evals.reports.changes import FlippedSegment, flipped_segments
from livesteward.evals.reports.words import SYMBOLS, count, one_line, slice_name

MOST: Final = 20
"""Flips, places and other changes that are shown; `--json` and `--markdown` have more."""

_KINDS: Final = {"worse": "bold red", "better": "green", "other": "yellow"}
_CHANGES: Final = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def view(impact: Impact) -> RenderableType:
    """Return the report."""
    parts: list[RenderableType] = [Text(f"{one_line(impact.before)} → {one_line(impact.after)}", "dim")]
    if impact.rules:
        parts.append(_rules(impact))
    parts.append(Text(f"\n{one_line(headline(impact))}", "bold"))
    if flips := flipped_segments(impact.flips):
        parts += [_section("What flips"), *_most((_flip(flip) for flip in flips), len(flips))]
    if impact.places:
        parts += [_section("Where"), _places(impact)]
    if impact.rules:
        parts += [_section("The review queue"), *(Text(one_line(text)) for text in queue_lines(impact))]
    if tests := test_lines(impact):
        parts += [_section("Beyond chance?"), *(Text(one_line(text)) for text in tests)]
    if impact.shifts:
        parts.append(_section(f"{count(len(impact.shifts), 'row')} decided as before, for another reason or with another action"))
        lines = (Text(f"{one.unit} {one.decision.value}: {one_line(shift_words(one))}") for one in impact.shifts)
        parts += _most(lines, len(impact.shifts))
    parts += [Padding(Text(f"! {one_line(text)}", "bold yellow"), (1, 0, 0, 0)) for text in warnings(impact)]
    return Group(*parts)


def _section(title: str) -> Text:
    return Text(f"\n{title}", "bold")


def _most(lines: Iterable[RenderableType], total: int) -> list[RenderableType]:
    shown = [line for _, line in zip(range(MOST), lines, strict=False)]
    return [*shown, Text(f"and {total - MOST:,} more; --json has all", "dim")] if total > MOST else shown


def _table(*columns: str) -> Table:
    table = Table(box=None, show_edge=False, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column)
    return table


def _rules(impact: Impact) -> Table:
    table = _table("", "rule", "what happened", "in", "cases it can touch")
    for rule in impact.rules:
        mark, style = _CHANGES[rule.change]
        title = Text(f"{rule.rule_id} {one_line(rule.title, 60)}")
        table.add_row(
            Text(mark, style), title, Text(change_words(rule)), Text(region_words(rule.regions)), Text(str(reached(impact, rule.rule_id)))
        )
    return table


def _flip(flip: FlippedSegment) -> RenderableType:
    where = f", segment {flip.step + 1}" if flip.step else ""
    line = Text.assemble((f"{flip.kind:<6} ", _KINDS[flip.kind]), (one_line(flip.case_id), "bold"), f"{where} {', '.join(flip.regions)}")
    line.append(" severe" if flip.severe else "", "red")
    before, after, gold = (f"{SYMBOLS[one]} {one.value}" for one in (flip.before, flip.after, flip.gold))
    return Group(line, Text(f"       {before} → {after}, label {gold}"), Padding(Text(one_line(flip.reason, 140), "dim"), (0, 0, 0, 7)))


def _places(impact: Impact) -> RenderableType:
    table = _table("category", "region", "touched rows", "worse", "better", "other", "in review")
    for one in impact.places[:MOST]:
        counts = (f"{number:,}" if number else "" for number in (one.worse, one.better, one.other))
        table.add_row(slice_name(one.category), one.region, f"{one.rows:,}", *counts, f"{one.reviews_before:,} → {one.reviews_after:,}")
    more = len(impact.places) - MOST
    return Group(table, Text(f"and {more:,} more; --json has all", "dim")) if more > 0 else table
