"""Which figures come first, and in what order the rest follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Decision
from livesteward.evals.metrics.catalogue import Metric
from livesteward.evals.reports.changes import overall_tests
from livesteward.evals.reports.view import ReportView
from livesteward.evals.reports.words import count, known, one_line
from livesteward.evals.scorecard import Estimate, Figures, PairedTest, Scorecard

HEADLINE: Final = (
    "missed_severe",
    "wrongful_action",
    "recall",
    "precision",
    "review_rate",
    "macro_f1",
    "disturbance_rate",
    "time_to_detection_median",
)
"""What is looked at first, harm that is missed and harm that is done before all else."""

SHORT: Final = (*HEADLINE[:5], "missed", "false_alarm", "macro_f1", "macro_pr_auc", "injection_invariance", "ece", "latency_p95")
"""For a terminal, where whole streams have a table of their own."""

OF_SLICES: Final = ("recall", "missed", "missed_severe", "precision", "wrongful_action", "false_alarm", "review_rate", "accuracy")
"""The columns of tables by slice."""

GROUPS: Final = {
    "overall": "Decisions",
    "streams": "Whole streams",
    "retrieval": "Retrieval of rules",
    "evidence": "Citations and evidence",
    "robustness": "Robustness",
    "calibration": "Calibration",
    "agreement": "Agreement with people",
    "cost": "Latency, tokens and cost",
}
"""The groups of a scorecard with their titles."""


@dataclass(frozen=True)
class Named:
    """A figure with what is known of it and, where it was compared, the test."""

    name: str
    metric: Metric
    estimate: Estimate
    test: PairedTest | None = None


def group(card: Scorecard, name: str) -> Figures:
    """Return the figures of a group of :data:`GROUPS`."""
    found: Figures = getattr(card, name)
    return found


def picked(view: ReportView, names: tuple[str, ...]) -> list[Named]:
    """Return those of the named figures that the run has, from any group, in that order."""
    figures = {name: estimate for place in GROUPS for name, estimate in group(view.scorecard, place).items()}
    tests = {test.metric: test for test in overall_tests(view.comparison)} if view.comparison else {}
    return [
        Named(name=name, metric=known(name), estimate=figures[name], test=tests.get(name))
        for name in names
        if name in figures and figures[name].value is not None
    ]


def worst_first(slices: Mapping[str, Figures]) -> list[tuple[str, Figures]]:
    """Order slices by the share of rows that are missed or wrongly acted on, the worst first.

    Goes by the lower end of the interval of that share, so that one mistake in two rows does not stand above thirty in a hundred.
    """
    from livesteward.evals.stats.intervals import wilson

    def rank(entry: tuple[str, Figures]) -> tuple[float, float, str]:
        name, figures = entry
        mistakes = sum(figures[one].hits or 0.0 for one in ("missed", "wrongful_action") if one in figures)
        rows = figures.get("accuracy")
        if rows is None or not rows.n:
            return (0.0, 1.0, name)
        return (-(wilson(mistakes, rows.n).low or 0.0), rows.value or 0.0, name)

    return sorted(slices.items(), key=rank)


def judge_words(view: ReportView) -> str:
    """Say what judged: ``embedded-heads 34c35b275688``, ``qwen3 with prompt judge@v2``."""
    of = view.scorecard.run.fingerprint
    model = "" if of.model == of.judge else of.model
    parts = [part for part in (of.judge, model, of.model_revision[:12]) if part]
    prompt = f" with prompt {of.prompt[:40]}" if of.prompt else ""
    return one_line(" ".join(parts) + prompt, 160)


def extent(view: ReportView) -> str:
    """Say how much was judged: ``640 cases, 980 segments, 2,100 rows``."""
    segments = {row.record.key[:2] for row in view.rows}
    parts = [
        count(len({case_id for case_id, _ in segments}), "case"),
        count(len(segments), "segment"),
        count(len({row.unit for row in view.rows}), "row"),
    ]
    if view.scorecard.run.trials > 1:
        parts.append(count(view.scorecard.run.trials, "trial"))
    return ", ".join(parts)


def shortcomings(view: ReportView) -> list[str]:
    """Say what makes the figures incomplete: a run that was stopped, segments that could not be judged."""
    card = view.scorecard
    found = []
    if not card.complete:
        found.append("The run is not complete: the figures are of the segments that were judged. Run it again to finish it.")
    if failed := sum(card.failures.values()):
        named = ", ".join(f"{number} {one_line(code).replace('_', ' ')}" for code, number in card.failures.items())
        verb = "was" if failed == 1 else "were"
        found.append(f"{count(failed, 'segment')} could not be judged and {verb} sent to review: {named}.")
    return found


def confusion_cells(card: Scorecard) -> list[list[int]]:
    """Return the confusion matrix, rows by label and columns by decision, both from allow to violation."""
    return [[card.confusion.get(gold, {}).get(decided, 0) for decided in Decision] for gold in Decision]
