"""The report as a comment on a pull request: the verdict first, then what flipped and why, then the figures.

Text of cases cannot become anything but text: no element, link, picture, mention, reference, formula or emoji. Marks of Markdown are
written as character references; where GitHub reads the text once more after that, for ``@name``, ``#1`` or an address, a zero-width space
keeps the parts from joining.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from livesteward.contracts import Decision
from livesteward.evals.reports.changes import FlippedSegment, by_category, differences, flipped_segments, moved_slices, overall_tests, tally
from livesteward.evals.reports.headline import HEADLINE, Named, extent, judge_words, picked, shortcomings
from livesteward.evals.reports.view import ReportView
from livesteward.evals.reports.words import (
    RESULTS,
    SYMBOLS,
    amount,
    basis,
    change,
    corrected,
    count,
    interval,
    known,
    one_line,
    probability,
    reading,
    slice_name,
)
from livesteward.evals.scorecard import Comparison, GateLine, PairedTest, Result

LONGEST: Final = 60_000
"""Characters; GitHub takes comments of 65,536."""

OPEN_FLIPS: Final = 20
"""Flipped segments that are shown at once; the others are folded away."""

MARKER: Final = "<!-- livesteward eval -->"
"""Ends the report, so that a later one can take the place of this comment."""

_MOVED: Final = 30
_GATES: Final = 40
_REASON: Final = 220
_MARKS: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "<span>$</span>", **{mark: f"&#{ord(mark)};" for mark in "\\`*_[]|~"}}
)
_JOINS: Final = re.compile(r"@|#|:(?=\S)|(?<=[Ww])\.|(?<=[Gg][Hh])-(?=\d)")
"""Where a mention, a reference, an address or an emoji would begin."""
_APART: Final = "&#8203;"


def markdown(view: ReportView) -> str:
    """Return the report as Markdown for GitHub, of at most :data:`LONGEST` characters."""
    flips = flipped_segments(view.comparison.flips) if view.comparison else []
    most = len(flips)
    while len(text := _report(view, flips, most)) > LONGEST and most:
        most = most * 3 // 4
    return text


def escaped(text: str, limit: int | None = None) -> str:
    """Return a stranger's text so that it stays text in a paragraph or a table of Markdown."""
    marked = one_line(text, limit).translate(_MARKS)
    return _JOINS.sub(_kept_apart, marked)


def _kept_apart(found: re.Match[str]) -> str:
    # Character references that were just written hold a "#" of their own.
    at = found.start()
    if found.group() == "#" and found.string[at - 1 : at] == "&":
        return "#"
    return _APART + found.group() + _APART if found.group() in ".-" else found.group() + _APART


def _report(view: ReportView, flips: Sequence[FlippedSegment], most: int) -> str:
    parts = [_verdict(view), _about(view)]
    parts += [f"> **Note:** {escaped(text)}" for text in shortcomings(view)]
    if view.outcome is not None and view.outcome.gates:
        parts.append(_gates(view.outcome.gates))
    if view.comparison is not None:
        parts += _flips(view.comparison, flips, most)
        parts += [_slices(view.comparison), _overall(view.comparison)]
    parts.append(_headline(picked(view, HEADLINE)))
    parts.append(f"<sub>Every case with what was said and shown is in <code>report.html</code> of the run.</sub>\n\n{MARKER}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(view: ReportView) -> str:
    if view.outcome is not None:
        return f"### {RESULTS[view.outcome.result]} {escaped(view.outcome.line, 600)}"
    if not view.scorecard.complete:
        return f"### {RESULTS[Result.INCONCLUSIVE]} INCOMPLETE: the run did not finish"
    return "### Figures only: no gates were asked"


def _about(view: ReportView) -> str:
    run = view.scorecard.run
    against = f" Against {_code(view.comparison.before.name)}: {escaped(differences(view.comparison))}." if view.comparison else ""
    return f"{_code(run.name)}: {extent(view)}, judged by {escaped(judge_words(view))}.{against}"


def _gates(gates: Sequence[GateLine]) -> str:
    loud = [line for line in gates if line.result is not Result.PASS]
    calm = [line for line in gates if line.result is Result.PASS]
    parts = ["#### Gates", _list(map(_gate, loud[:_GATES]))]
    if len(loud) > _GATES:
        parts.append(f"and {len(loud) - _GATES} more.")
    if calm:
        parts.append(_folded(f"{count(len(calm), 'gate')} hold" + ("s" if len(calm) == 1 else ""), _list(map(_gate, calm[:_GATES]))))
    return "\n\n".join(part for part in parts if part)


def _gate(line: GateLine) -> str:
    return f"{RESULTS[line.result]} {escaped(line.message, 400)}"


def _flips(comparison: Comparison, flips: Sequence[FlippedSegment], most: int) -> list[str]:
    numbers = tally(flips)
    rows = count(comparison.common, "row")
    if not flips:
        return [f"#### What flipped\n\nNothing, in {rows} that both runs have. {_detectable(comparison)}"]
    said = ", ".join(f"**{number} {kind}**" if kind == "worse" else f"{number} {kind}" for kind, number in numbers.items() if number)
    head = f"#### What flipped\n\n{count(len(flips), 'segment')} in {rows}: {said}."
    parts = [head, _tables(flips[: min(most, OPEN_FLIPS)])]
    if most > OPEN_FLIPS:
        parts.append(_folded(f"{most - OPEN_FLIPS} more", _tables(flips[OPEN_FLIPS:most])))
    if most < len(flips):
        parts.append(f"And {count(len(flips) - most, 'segment')} for which there is no room here; they are in the HTML report.")
    return [part for part in parts if part]


def _tables(flips: Iterable[FlippedSegment]) -> str:
    """One table a category: who looks after one reads one."""
    parts = []
    for category, members in by_category(flips).items():
        rows = [
            (
                f"**{flip.kind}**" if flip.kind == "worse" else flip.kind,
                _code(flip.case_id) + (f" segment {flip.step + 1}" if flip.step else ""),
                escaped(", ".join(flip.regions), 80),
                f"{_decision(flip.before)} → {_decision(flip.after)}",
                _decision(flip.gold) + (", severe" if flip.severe else ""),
                escaped(flip.reason, _REASON),
            )
            for flip in members
        ]
        title = f"**{escaped(slice_name(category)).capitalize()}** ({len(rows)})"
        parts.append(f"{title}\n\n{_table(('', 'Case', 'Region', 'Before → now', 'Label', 'Why it is labelled so'), rows)}")
    return "\n\n".join(parts)


def _slices(comparison: Comparison) -> str:
    moved = moved_slices(comparison)
    if not moved:
        return ""
    rows = [
        (
            f"{escaped(test.dimension)} **{escaped(slice_name(test.slice))}**",
            known(test.metric).title,
            *_compared(test),
        )
        for test in moved[:_MOVED]
    ]
    more = f"\n\nand {len(moved) - _MOVED} more in the HTML report." if len(moved) > _MOVED else ""
    columns = ("Slice", "Figure", "Before", "Now", "Change in points (95 %)", "p (Holm)", "Segments worse / better", "Reading")
    return f"#### Slices that moved, the surest first\n\n{_table(columns, rows)}{more}"


def _overall(comparison: Comparison) -> str:
    rows = [(known(test.metric).title, *_compared(test)) for test in overall_tests(comparison)]
    columns = ("Figure", "Before", "Now", "Change in points (95 %)", "p", "Segments worse / better", "Reading")
    return f"#### Overall, paired on the same cases\n\n{_table(columns, rows)}" if rows else ""


def _compared(test: PairedTest) -> tuple[str, ...]:
    """The cells from the figure before to what the test says."""
    unit = known(test.metric).unit
    moved = f"{test.worse} / {test.better} of {test.n}"
    return amount(test.before, unit), amount(test.after, unit), change(test), probability(corrected(test)), moved, reading(test)


def _detectable(comparison: Comparison) -> str:
    first = next(iter(overall_tests(comparison)), None)
    return f"{known(first.metric).title}: {reading(first)}." if first else ""


def _headline(figures: Sequence[Named]) -> str:
    rows = [
        (
            one.metric.title,
            f"**{amount(one.estimate.value, one.metric.unit)}**",
            interval(one.estimate, one.metric.unit),
            basis(one.estimate, one.metric.unit),
            one.metric.meaning,
        )
        for one in figures
    ]
    return f"#### Figures of this run\n\n{_table(('Figure', 'Value', '95 %', 'Of', 'What it says'), rows)}" if rows else ""


def _decision(decision: Decision) -> str:
    return f"{SYMBOLS[decision]} {decision.value}"


def _code(text: str) -> str:
    # Case ids have no letters that mean anything; names of runs may.
    return f"<code>{escaped(text, 96)}</code>"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
