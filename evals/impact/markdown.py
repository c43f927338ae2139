"""The impact of changed rules in words, and as Markdown for a pull request.

Everything that somebody else wrote (titles of rules, reasons of cases, names of revisions) is put on one line and escaped: in a comment it
must neither become markup nor call anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from livesteward.evals.impact.impact import Impact, Place, Shift
from livesteward.evals.impact.review_queue import PER
from livesteward.evals.impact.rule_changes import ChangedRule
from livesteward.evals.reports.changes import FlippedSegment, flipped_segments, tally
from livesteward.evals.reports.markdown import escaped
from livesteward.evals.reports.words import SYMBOLS, count, known, one_line, reading, slice_name
from livesteward.evals.scorecard import Estimate

MOST: Final = 50
"""Lines of a table in a comment; `--json` has all."""

FEW_REGIONS: Final = 4


def headline(impact: Impact) -> str:
    """Say in a sentence what the change does."""
    if not impact.rules:
        same = "The rules in force on the days of the cases are the same on both sides."
        return f"{same} The documents differ, but not in what holds on these days." if impact.documents_differ else same
    if not impact.touched:
        return f"None of {count(impact.cases, 'case')} can come out differently."
    reach = f"{count(len(impact.touched), 'case')} of {impact.cases:,} can come out differently"
    flips = flipped_segments(impact.flips)
    if not flips:
        others = {shift.unit.partition("@")[0] for shift in impact.shifts}
        more = f", though {count(len(others), 'segment')} for another reason or with another action" if others else ""
        return f"{reach}; every decision stays{more}."
    numbers = tally(flips)
    kinds = ", ".join(f"{number} {kind}" for kind, number in numbers.items() if number)
    return f"{reach}; of their {count(impact.judged, 'segment')} {count(len(flips), 'flip')}: {kinds}."


def queue_lines(impact: Impact) -> list[str]:
    """Say what the change does to the review queue; a row is one segment in one region."""
    queue = impact.review
    if not queue.touched:
        return [f"Nothing enters or leaves the queue: none of the {count(queue.rows, 'row')} can be touched."]
    lines = [
        f"Of the {count(queue.touched, 'row')} that can be touched, {queue.before:,} went to review before{_share(queue.share_before)} "
        f"and {queue.after:,} do now{_share(queue.share_after)}: {queue.entered:,} entered, {queue.left:,} left."
    ]
    change = queue.change
    if queue.entered or queue.left:
        span = f" (95 %: {change.low:+.1f} to {change.high:+.1f})" if change.low is not None and change.high is not None else ""
        lines.append(f"Over all {count(queue.rows, 'row')} of the set that is {change.value or 0:+.1f} reviews per {PER:,}{span}.")
    elif queue.at_most is not None:
        lines.append(f"So few rows cannot rule out that up to {queue.at_most:.1f} per {PER:,} of the whole set would move (95 %).")
    lines.append("The set holds hard cases on purpose: its share is no forecast of what your streams bring.")
    return lines


def test_lines(impact: Impact) -> list[str]:
    """Say of the gravest figures what the paired tests show; untouched rows could add nothing to them."""
    return [
        f"{known(test.metric).title}, of the touched rows: {100 * (test.before or 0):.1f}% before, {100 * (test.after or 0):.1f}% now; "
        f"{reading(test)}"
        for test in impact.tests
        if test.better or test.worse
    ]


def warnings(impact: Impact) -> list[str]:
    """Say what the report cannot tell."""
    found = []
    if impact.failures:
        named = ", ".join(f"{number} {code.replace('_', ' ')}" for code, number in impact.failures.items())
        found.append(f"Some segments could not be judged and went to review, which says nothing about the rules: {named}.")
    blind = [one for one in impact.touched if one.detail]
    if blind:
        found.append(
            f"{count(len(blind), 'case')} could not be looked at beforehand and were judged to be sure, such as {blind[0].case_id}."
        )
    changed = {rule.rule_id for rule in impact.rules}
    if moved := [one for one in impact.touched if one.rules and not changed & set(one.rules)]:
        found.append(
            f"For {count(len(moved), 'case')} only rules that did not change differ in their order or selection: "
            "every rule has part in the word statistics of its rulebook."
        )
    if impact.unseen:
        found.append(f"Rules changed also where no case asks for them, so nothing is known of: {', '.join(impact.unseen)}.")
    return found


def change_words(rule: ChangedRule) -> str:
    """Say what happened to a rule: ``changed: breaks, ladder``."""
    return f"changed: {', '.join(rule.fields)}" if rule.fields else rule.change


def region_words(regions: Sequence[str]) -> str:
    """Name a few regions, or count many."""
    return ", ".join(regions) if len(regions) <= FEW_REGIONS else count(len(regions), "region")


def shift_words(shift: Shift) -> str:
    """Say what else changed in a row whose decision stays."""
    parts = []
    if shift.rules_before != shift.rules_after:
        parts.append(f"cites {_listed(shift.rules_after)}, not {_listed(shift.rules_before)}")
    if shift.actions_before != shift.actions_after:
        parts.append(f"{_listed(shift.actions_after)}, not {_listed(shift.actions_before)}")
    return "; ".join(parts)


def reached(impact: Impact, rule_id: str) -> int:
    """Count the cases that can come out differently through a rule."""
    return sum(rule_id in one.rules for one in impact.touched)


def to_markdown(impact: Impact) -> str:
    """Return the report for a pull request."""
    lines = ["## What the changed rules do", "", f"**{escaped(headline(impact))}**", ""]
    judge = f" Judged by {escaped(impact.judge.judge)}." if impact.judge else ""
    lines += [f"Rules of {escaped(impact.before)} against {escaped(impact.after)}; all else is as on disk.{judge}", ""]
    lines += [f"> ⚠️ {escaped(text)}\n" for text in warnings(impact)]
    if impact.rules:
        lines += _table(("rule", "what happened", "regions", "cases it can touch"), (_rule(impact, rule) for rule in impact.rules))
    if flips := flipped_segments(impact.flips):
        lines += ["### What flips", ""]
        lines += _table(("", "case", "where", "label", "before", "now", "why the label"), (_flip(flip) for flip in flips))
    if impact.places:
        lines += ["### Where", ""]
        head = ("category", "region", "touched rows", "worse", "better", "other", "in review before", "now")
        lines += _table(head, (_place(place) for place in impact.places))
    if impact.rules:
        lines += ["### The review queue", "", *(f"{escaped(text)}  " for text in queue_lines(impact)), ""]
    if tests := test_lines(impact):
        lines += [*(f"- {escaped(text)}" for text in tests), ""]
    if impact.shifts:
        title = f"{count(len(impact.shifts), 'row')} decided as before, for another reason or with another action"
        lines += ["<details>", f"<summary>{escaped(title)}</summary>", ""]
        lines += _table(("row", "decision", "what changed"), ((one.unit, one.decision.value, shift_words(one)) for one in impact.shifts))
        lines += ["</details>", ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    found = list(rows)
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in found[:MOST]:
        yield f"| {' | '.join(escaped(cell) for cell in row)} |"
    yield ""
    if len(found) > MOST:
        yield f"… and {len(found) - MOST:,} more.\n"


def _flip(flip: FlippedSegment) -> tuple[str, ...]:
    case = f"{flip.case_id}, segment {flip.step + 1}" if flip.step else flip.case_id
    kind = f"{flip.kind}, severe" if flip.severe else flip.kind
    decided = [f"{SYMBOLS[one]} {one.value}" for one in (flip.gold, flip.before, flip.after)]
    return (kind, case, ", ".join(flip.regions), *decided, one_line(flip.reason, 160))


def _rule(impact: Impact, rule: ChangedRule) -> tuple[str, ...]:
    title = f"{rule.rule_id} {one_line(rule.title, 80)}"
    return (title, change_words(rule), region_words(rule.regions), f"{reached(impact, rule.rule_id)}")


def _place(place: Place) -> tuple[str, ...]:
    numbers = (place.rows, place.worse, place.better, place.other, place.reviews_before, place.reviews_after)
    return (slice_name(place.category), place.region, *(f"{number:,}" for number in numbers))


def _share(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    return f" ({100 * estimate.value:.0f} %, 95 %: {100 * estimate.low:.0f} to {100 * estimate.high:.0f})"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or "nothing"
