"""What `livesteward bench model` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livesteward.cli.output import console

if TYPE_CHECKING:
    from livesteward.evals.load.running import LoadReport
    from livesteward.evals.load.yardstick import Yardstick
    from livesteward.evals.scorecard import Estimate


def print_load(report: LoadReport) -> None:
    """Print the figures of a load run."""
    from rich.table import Table
    from rich.text import Text

    from livesteward.cli.plain import plain

    books = f"{report.rulebooks} rulebook{'s' * (report.rulebooks > 1)} of {report.rules_tokens:,} tokens"
    title = f"{report.model}, {books}, in time within {report.objective_s:g} s"
    latency = Table(title=Text(plain(title)), title_justify="left")
    spent = Table(title="Tokens and cost", title_justify="left")
    for table, names in (
        (latency, ("rate", "arm", "good/s", "p50 s", "p90", "p95", "p99", "late", "failed")),
        (spent, ("rate", "arm", "tokens/s in", "out", "cached", "by server", "$/1,000 h")),
    ):
        for name in names:
            table.add_column(name, justify="left" if name == "arm" else "right", overflow="fold", no_wrap=name == "arm")
    for one in sorted(report.points, key=lambda one: one.rate):
        latency.add_row(
            f"{one.rate:g}",
            Text(plain(one.arm)),
            f"{one.goodput_per_s.value or 0:.2f}",
            *(f"{one.latency_s[name]:.2f}" if one.latency_s else "" for name in ("p50", "p90", "p95", "p99")),
            str(one.late),
            str(sum(one.failures.values())),
        )
        spent.add_row(
            f"{one.rate:g}",
            Text(plain(one.arm)),
            f"{one.tokens_in_per_s:,.0f}",
            f"{one.tokens_out_per_s:,.0f}",
            *("" if share is None else f"{100 * share:.0f} %" for share in (one.cached_share, one.cached_share_server)),
            "\n".join(f"{value:,.0f} ({name})" for name, value in one.usd_per_1000_stream_hours.items()),
        )
    console.print(latency)
    console.print(spent)
    for ratio in report.ratios:
        where = "best rate of each" if ratio.rate is None else f"{ratio.rate:g}/s"
        console.print(Text(plain(f"{report.arms[0].name} / {report.arms[1].name}, goodput at {where}: {_interval(ratio.goodput)}")))
    for one in report.points:
        if one.failures:
            counts = ", ".join(f"{count} {name}" for name, count in one.failures.items())
            console.print(Text(plain(f"{one.arm} at {one.rate:g}/s, without a valid answer: {counts}")))
        if one.trimmed:
            console.print(Text(plain(f"{one.arm} at {one.rate:g}/s: {one.trimmed} prompts were cut to model.context_tokens; raise it")))
    for complaint in report.complaints:
        console.print(Text(plain(f"a failure said: {complaint}", limit=300), "dim"))


def _interval(estimate: Estimate) -> str:
    if estimate.value is None:
        return "no ratio: the second has no good answer"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} (95 %: {estimate.low:.2f} to {estimate.high:.2f})"


def print_yardstick(found: Yardstick) -> None:
    """Print the runs of both clients, and what ours costs."""
    from rich.table import Table

    title = f"{found.prompts} prompts, {found.concurrency} at once, the same for both"
    table = Table(title=title, title_justify="left")
    for name in ("client", "requests/s", "tokens/s", "seconds", "failed", "tokens in", "out"):
        table.add_column(name, justify="left" if name == "client" else "right")
    for run in found.runs:
        table.add_row(
            run.client,
            f"{run.requests_per_s:.2f}",
            f"{run.tokens_per_s:,.0f}",
            f"{run.seconds:.1f}",
            str(run.failed),
            f"{run.tokens_in:,}",
            f"{run.tokens_out:,}",
        )
    console.print(table)
    low, high = min(found.overheads), max(found.overheads)
    pairs = f"in pairs of runs from {100 * low:+.0f} to {100 * high:+.0f} %"
    console.print(f"overhead of our client: {100 * found.overhead:+.1f} % (at most 5 %), {pairs}", soft_wrap=True)
