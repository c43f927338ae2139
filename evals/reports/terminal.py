"""The short report on a terminal: figures, slices, flips and gates, in 80 columns.

Everything is put together from ``Text``, never from markup, and what strangers wrote passes :func:`one_line`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from livesteward.contracts import Decision
from livesteward.evals.reports.changes import FlippedSegment, differences, flipped_segments, overall_tests, tally
from livesteward.evals.reports.headline import SHORT, Named, extent, judge_words, picked, shortcomings, worst_first
from livesteward.evals.reports.view import ReportView
from livesteward.evals.reports.words import (
    DASH,
    RESULTS,
    SYMBOLS,
    amount,
    basis,
    change,
    count,
    interval,
    known,
    one_line,
    probability,
    reading,
    slice_name,
)
from livesteward.evals.scorecard import Comparison, Estimate, Figures, GateLine, PairedTest, Result

MOST_FLIPS: Final = 10
MOST_REGIONS: Final = 8
_COLUMNS: Final = ("recall", "missed", "precision", "wrongful_action")
_SHORT_TITLES: Final = {"recall": "recall", "missed": "missed", "precision": "precision", "wrongful_action": "wrongful"}
_STYLES: Final = {Result.PASS: "green", Result.REGRESSION: "bold red", Result.INCONCLUSIVE: "bold yellow"}
_DECIDED: Final = {Decision.ALLOW: "green", Decision.REVIEW: "yellow", Decision.VIOLATION: "red"}
_KINDS: Final = {"worse": "bold red", "better": "green", "other": "yellow"}


def summary(view: ReportView) -> RenderableType:
    """Return the short report of a run."""
    card = view.scorecard
    parts: list[RenderableType] = [_header(view)]
    parts += [_section("Figures, with 95 % intervals"), _headline(picked(view, SHORT))]
    if by_category := card.slices.get("category"):
        parts += [_section("By category, in percent with 95 % intervals"), _slices(by_category.items())]
    if by_region := card.slices.get("region"):
        ordered = worst_first(by_region)
        more = f", {MOST_REGIONS} of {len(ordered)}" if len(ordered) > MOST_REGIONS else ""
        parts += [_section(f"By region, worst first{more}"), _slices(ordered[:MOST_REGIONS])]
    if card.streams:
        parts += [_section("Whole streams"), _headline(picked(view, tuple(card.streams)))]
    if view.comparison is not None:
        parts += _changes(view.comparison)
    if view.outcome is not None and view.outcome.gates:
        parts += [_section("Gates"), *map(_gate, view.outcome.gates)]
    parts += [Padding(Text(f"! {text}", "bold yellow"), (1, 0, 0, 0)) for text in shortcomings(view)]
    return Group(*parts, Text(""))


def _header(view: ReportView) -> Text:
    run = view.scorecard.run
    splits = f"split {', '.join(split.value for split in run.splits)}, " if run.splits else ""
    head = Text.assemble((one_line(run.name, 78), "bold"), f"\n{extent(view)}")
    return head.append(f"\n{splits}judged by {judge_words(view)}", "dim")


def _section(title: str) -> Text:
    return Text(f"\n{title}", "bold")


def _table(*columns: str, first: int = 0) -> Table:
    table = Table(box=None, show_edge=False, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", no_wrap=True, min_width=first if place == 0 else None)
    return table


def _headline(figures: Iterable[Named]) -> Table:
    table = _table("", "value", "interval", "of", first=26)
    for one in figures:
        table.add_row(
            Text(one.metric.title),
            Text(amount(one.estimate.value, one.metric.unit), "bold"),
            Text(interval(one.estimate, one.metric.unit), "dim"),
            Text(basis(one.estimate, one.metric.unit).removeprefix("n "), "dim"),
        )
    return table


def _slices(slices: Iterable[tuple[str, Figures]]) -> Table:
    table = _table("", "rows", *(_SHORT_TITLES[name] for name in _COLUMNS), first=18)
    for name, figures in slices:
        rows = figures.get("accuracy")
        if rows is None:
            # A category that only was cited: it has no rows of its own.
            continue
        table.add_row(
            Text(one_line(slice_name(name), 18)),
            Text(f"{rows.n:,.0f}", "dim"),
            *(_cell(figures.get(column)) for column in _COLUMNS),
        )
    return table


def _cell(estimate: Estimate | None) -> Text:
    """Return ``71 63–78``: whole percents, which is as much as slices can bear."""
    if estimate is None or estimate.value is None:
        return Text(DASH, "dim")
    text = Text(f"{100 * estimate.value:.0f}", "bold")
    if estimate.low is not None and estimate.high is not None:
        text.append(f" {100 * estimate.low:.0f}–{100 * estimate.high:.0f}", "dim not bold")
    return text


def _changes(comparison: Comparison) -> list[RenderableType]:
    flips = flipped_segments(comparison.flips)
    numbers = tally(flips)
    title = f"Against {one_line(comparison.before.name, 40)}: "
    counted = f"{count(len(flips), 'segment')} flipped, {numbers['worse']} worse and {numbers['better']} better"
    parts: list[RenderableType] = [_section(title + (counted if flips else "nothing flipped"))]
    parts.append(Text(one_line(differences(comparison), 400), "dim"))
    table = _table("", "before", "now", "change in points", "p")
    for test in overall_tests(comparison):
        table.add_row(*_test(test))
    parts.append(table)
    parts += [Padding(Text(f"{known(test.metric).title}: {reading(test)}", "dim"), (0, 0, 0, 2)) for test in overall_tests(comparison)[:2]]
    parts += [_flip(flip) for flip in flips[:MOST_FLIPS]]
    if len(flips) > MOST_FLIPS:
        parts.append(Text(f"  and {len(flips) - MOST_FLIPS} more in the reports", "dim"))
    return parts


def _test(test: PairedTest) -> tuple[Text, ...]:
    metric = known(test.metric)
    return (
        Text(metric.title),
        Text(amount(test.before, metric.unit)),
        Text(amount(test.after, metric.unit), "bold"),
        Text(change(test)),
        Text(probability(test.p), "dim"),
    )


def _flip(flip: FlippedSegment) -> RenderableType:
    where = f", segment {flip.step + 1}" if flip.step else ""
    line = Text.assemble((f"{flip.kind:<6} ", _KINDS[flip.kind]), (one_line(flip.case_id), "bold"), f"{where} {', '.join(flip.regions)}")
    line.append(" severe" if flip.severe else "", "red")
    decided = Text.assemble(_decision(flip.before), " → ", _decision(flip.after), ", label ", _decision(flip.gold))
    return Padding(Group(line, Padding(decided, (0, 0, 0, 7)), Padding(Text(one_line(flip.reason, 72), "dim"), (0, 0, 0, 7))), (0, 0, 0, 0))


def _decision(decision: Decision) -> Text:
    return Text(f"{SYMBOLS[decision]} {decision.value}", _DECIDED[decision])


def _gate(line: GateLine) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(RESULTS[line.result], _STYLES[line.result]), Text(one_line(line.message)))
    return grid
