"""Verdicts on a terminal: the decision first, then why, what is to be done, and how it came about.

Everything is put together from ``Text``, never from markup, and what strangers wrote passes :func:`plain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from livesteward.cli.output import console
from livesteward.cli.plain import plain
from livesteward.cli.watched import Moment, WatchedStream, is_violation, moments_of, speaker_of
from livesteward.cli.words import (
    ACTIONS,
    CATEGORIES,
    PLACES,
    REASONS,
    SEVERITIES,
    SYMBOLS,
    call_words,
    clock,
    count,
    judge_words,
    span,
    subject_words,
    time_line,
    told_words,
)
from livesteward.contracts import Decision, Evidence, PerceptionState, ReviewCode, Segment, Verdict

if TYPE_CHECKING:
    from livesteward.sdk import Examined

STYLES: Final[dict[Decision, str]] = {Decision.ALLOW: "bold green", Decision.REVIEW: "bold yellow", Decision.VIOLATION: "bold red"}
QUOTE_CHARS: Final = 160
BAR: Final = 24
REASONS_SHOWN: Final = 8
WIDE: Final = 120
"""Characters from which on the table of a watch has a column for each thing."""


def decision_text(decision: Decision) -> Text:
    """Return a decision as symbol, word and colour."""
    return Text(f"{SYMBOLS[decision]} {decision.value}", STYLES[decision])


def verdict_view(examined: Examined, *, verbose: bool = False) -> RenderableType:
    """Return a whole verdict.

    Args:
        examined: The verdict with what it was made from.
        verbose: Also every score, and all that perception and provenance say.
    """
    verdict, segment = examined.verdict, examined.segment
    parts: list[RenderableType] = [_headline(verdict, segment)]
    for moment in moments_of(examined):
        parts.append(_indented(_finding(moment)))
    if verdict.rulings and (verdict.decision is not Decision.ALLOW or len(verdict.rulings) > 1):
        parts.append(_indented(_rulings(verdict)))
    if verdict.review_reasons:
        parts.append(_indented(_reasons(verdict)))
    if verbose and verdict.scores:
        parts.append(_indented(_scores(verdict)))
    parts.append(_indented(_provenance(verdict, verbose=verbose)))
    return Group(*parts)


def verdict_line(examined: Examined) -> Text:
    """Return a verdict in one line, as it appears while a stream runs."""
    verdict, segment = examined.verdict, examined.segment
    took = span(sum(verdict.provenance.latency_ms.values()))
    line = Text.assemble((f"{clock(segment.offset_s):>8} ", "dim"), (f"{took:>7} ", "dim"), _decision_of(verdict))
    moment = min(moments_of(examined), key=lambda found: (not is_violation(found), -found.finding.severity.rank), default=None)
    if moment is not None:
        line.append(f"  {moment.finding.rule_id} {plain(moment.finding.rule_title)}")
        line.append(f", by {subject_words(moment.finding.subject)}")
        quote = plain(moment.evidence.quote, limit=70)
        line.append(f" “{quote}”" if quote else "", "italic")
    elif verdict.review_reasons:
        line.append(f"  {_short(verdict.review_reasons[0].code)}: {plain(verdict.review_reasons[0].detail, limit=90)}")
    return line


def print_line(line: Text) -> None:
    """Print one line: cut to the width of a terminal, whole in a pipe."""
    if console.is_terminal:
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        console.print(line, soft_wrap=True)


def stream_summary(stream: WatchedStream) -> RenderableType:
    """Return what a stream's segments come to."""
    head = Text.assemble(decision_text(stream.decision), "  ", (stream.title, "bold"))
    head.append(f"  {count(len(stream.examined), 'segment')} of {len(stream.segments)}, {clock(stream.duration_s)}", "dim")
    regions = Text("  ").join(_by_region(stream))
    parts: list[RenderableType] = [head, _indented(regions)]
    moment = stream.first_violation()
    if moment is not None:
        parts.append(_indented(Text.assemble("first at ", (clock(moment.at_s), "bold"), ": ", _rule_name(moment))))
    parts.append(_indented(Text(f"{time_line(stream.latency_ms)}; {span(stream.seconds * 1_000)} in all", "dim")))
    return Group(*parts)


def watch_table(streams: list[WatchedStream], *, width: int) -> Table:
    """Return the table that ends a watch: one row a stream, with fewer and fuller columns where ``width`` is small."""
    table = Table(show_edge=False, pad_edge=False, header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), leading=1)
    wide = width >= WIDE
    table.add_column("stream", overflow="fold")
    table.add_column("decision by region", no_wrap=True)
    for name in ("category", "rule", "first at", "evidence") if wide else ("because of",):
        table.add_column(name, overflow="fold")
    table.add_column("took", justify="right", no_wrap=True)
    for stream in streams:
        moment = stream.first_violation()
        regions = Text("\n").join(_by_region(stream) or [decision_text(stream.decision)])
        evidence = Text(f"stopped: {plain(stream.error)}", "red") if stream.error else _short_evidence(stream, moment)
        about = [CATEGORIES[moment.finding.category], moment.finding.rule_id, clock(moment.at_s)] if moment else ["", "", ""]
        if not wide:
            about = [" ".join((about[1], about[0])), about[2]] if moment else []
        because = [*map(Text, about), evidence]
        table.add_row(
            Text(plain(stream.stream_id)), regions, *(because if wide else [Text("\n").join(because)]), Text(span(stream.seconds * 1_000))
        )
    return table


def _by_region(stream: WatchedStream) -> list[Text]:
    return [
        Text.assemble((f"{place} ", "bold"), decision_text(found), " by viewers" if stream.only_viewers(place) else "")
        for place, found in stream.by_region.items()
    ]


def _headline(verdict: Verdict, segment: Segment) -> Text:
    line = _decision_of(verdict, loud=True)
    where = f"{plain(segment.stream_id)} · segment {plain(segment.segment_id)}"
    line.append(f"  {where} · {clock(segment.offset_s)}–{clock(segment.offset_s + segment.duration_s)}", "dim")
    return line


def _decision_of(verdict: Verdict, *, loud: bool = False) -> Text:
    word = verdict.decision.value.upper() if loud else f"{verdict.decision.value:<9}"
    line = Text.assemble((f"{SYMBOLS[verdict.decision]} {word}", STYLES[verdict.decision]))
    if verdict.stream_decision is not verdict.decision:
        line.append(f" by viewers (the stream itself: {SYMBOLS[verdict.stream_decision]} {verdict.stream_decision.value})")
    return line


def _finding(moment: Moment) -> RenderableType:
    finding = moment.finding
    about = f"{SEVERITIES[finding.severity]} · {CATEGORIES[finding.category]} · by {subject_words(finding.subject)}"
    about += f" · {finding.confidence:.0%} sure · holds in {', '.join(finding.jurisdictions)}"
    places = Table.grid(padding=(0, 2, 0, 0))
    places.add_column(justify="right", no_wrap=True)
    places.add_column(no_wrap=True)
    places.add_column(overflow="fold")
    for evidence in sorted(finding.evidence, key=lambda found: found.at_s):
        places.add_row(*_evidence(moment, evidence))
    return Group(
        Text(""), _rule_name(moment, style="bold"), Text(about, "dim"), Text(plain(finding.rationale)), Padding(places, (0, 0, 0, 2))
    )


def _evidence(moment: Moment, evidence: Evidence) -> tuple[Text, Text, Text]:
    segment = moment.examined.segment
    who = speaker_of(segment, evidence)
    quote = plain(evidence.quote, limit=QUOTE_CHARS)
    return (
        Text(clock(segment.offset_s + evidence.at_s), "cyan"),
        Text(PLACES[evidence.modality] + (f" by {who}" if who else ""), "dim"),
        Text(f"“{quote}”" if quote else f"the picture {plain(evidence.item_id, limit=40)}", "italic"),
    )


def _rule_name(moment: Moment, style: str = "") -> Text:
    return Text(f"{moment.finding.rule_id} {plain(moment.finding.rule_title)}", style)


def _rulings(verdict: Verdict) -> RenderableType:
    table = Table(show_edge=False, pad_edge=False, header_style="bold", box=None, padding=(0, 3, 0, 0))
    for name in ("region", "decision", "what to do", "to whom", "because of"):
        table.add_column(name, overflow="fold")
    for ruling in verdict.rulings:
        first = [Text(ruling.jurisdiction, "bold"), decision_text(ruling.decision)]
        for action in ruling.actions:
            what = ACTIONS[action.action] + (f" (strike {action.strike})" if action.strike > 1 else "")
            table.add_row(*first, Text(what), Text(subject_words(action.subject)), Text(", ".join(action.rule_ids)))
            first = [Text(""), Text("")]
        if not ruling.actions:
            what = "a person decides" if ruling.decision is Decision.REVIEW else "nothing is done"
            table.add_row(*first, Text(what, "dim"), Text(""), Text(""))
    return Group(Text(""), table)


def _reasons(verdict: Verdict) -> RenderableType:
    text = Text("\nWhy a person should look", "bold")
    for reason in verdict.review_reasons[:REASONS_SHOWN]:
        text.append(f"\n? {REASONS[reason.code]}: ", "yellow not bold")
        text.append(plain(reason.detail), "not bold")
    more = len(verdict.review_reasons) - REASONS_SHOWN
    return text.append(f"\n  and {more} more (--json has them all)", "dim not bold") if more > 0 else text


def _scores(verdict: Verdict) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for category, score in sorted(verdict.scores.items(), key=lambda entry: -entry[1]):
        filled = round(score * BAR)
        grid.add_row(Text(CATEGORIES[category]), Text.assemble(("█" * filled, "cyan"), ("·" * (BAR - filled), "dim")), Text(f"{score:.2f}"))
    return Group(Text("\nScores", "bold"), grid)


def _provenance(verdict: Verdict, *, verbose: bool) -> Text:
    made = verdict.provenance
    lines = [time_line(made.latency_ms)]
    lines.append(f"judged by {judge_words(made)}")
    for call in made.inquiry:
        lines.append(f"{call.step}. it asked {call_words(call)}: {told_words(call)}")
    if made.rulebooks:
        lines.append("rulebooks " + ", ".join(f"{book.jurisdiction} {plain(book.version)}" for book in made.rulebooks))
    for report in made.perception:
        missing = report.state in (PerceptionState.ABSENT, PerceptionState.FAILED)
        if missing or verbose:
            lines.append(f"{'! ' if missing else ''}{plain(report.name)} {report.state.value}: {plain(report.detail or report.model)}")
    if made.trimmed:
        lines.append("left out: " + ", ".join(f"{number} {plain(kind)}" for kind, number in made.trimmed.items()))
    if verbose:
        lines.append(f"tokens {made.tokens.prompt} in ({made.tokens.cached} cached), {made.tokens.completion} out")
        lines.append(f"verdict {plain(verdict.verdict_id)}, input {made.input_digest[:16]}, thresholds {made.thresholds_digest[:16]}")
    return Text("\n" + "\n".join(lines) + "\n", "dim")


def _short_evidence(stream: WatchedStream, moment: Moment | None) -> Text:
    if moment is not None:
        quote = plain(moment.evidence.quote, limit=60)
        return Text(f"{PLACES[moment.evidence.modality]} “{quote}”" if quote else PLACES[moment.evidence.modality])
    reason = next((reason for seen in stream.examined for reason in seen.verdict.review_reasons), None)
    return Text(f"{_short(reason.code)}: {plain(reason.detail, limit=60)}" if reason else "")


def _short(code: ReviewCode) -> str:
    return code.value.replace("_", " ")


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2))
