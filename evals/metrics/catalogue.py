"""What every figure of a scorecard is called, counted in and good for: reports, gates and docs read it here.

Words: a row is one segment in one region. *Broken* rows are labelled ``violation``, *innocent* ones ``allow``. The agent *acts* where it
says ``violation`` and *catches* where it says anything but ``allow``. Rows that are labelled ``review`` count in the review figures, in
accuracy and in the confusion matrix, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Unit(StrEnum):
    """What a figure is counted in."""

    SHARE = "share"
    SCORE = "score"
    PER_1000_HOURS = "per 1,000 stream hours"
    SECONDS = "s"
    MILLISECONDS = "ms"
    MINUTES = "viewer-minutes"
    TOKENS = "tokens"
    USD = "USD"


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        title: For tables.
        unit: ``share`` is from 0 to 1 and shown in percent, ``score`` a number shown as it is.
        higher_is_better: None where neither is.
        meaning: One line for people.
    """

    title: str
    unit: Unit
    higher_is_better: bool | None
    meaning: str

    @property
    def bounded(self) -> bool:
        """Whether it lies between 0 and 1 by its nature."""
        return self.unit is Unit.SHARE


def _share(title: str, higher_is_better: bool | None, meaning: str) -> Metric:
    return Metric(title, Unit.SHARE, higher_is_better, meaning)


DECISIONS: Final[dict[str, Metric]] = {
    "recall": _share("Recall", True, "Of broken rows, the share that the agent acts on by itself."),
    "catch_rate": _share("Catch rate", True, "Of broken rows, the share that the agent acts on or sends to review."),
    "review_only": _share("Caught by review only", None, "Of broken rows, the share that only review catches."),
    "missed": _share("Missed harm", False, "Of broken rows, the share that is let go."),
    "missed_severe": _share("Missed severe harm", False, "Of broken rows of severity high or critical, the share that is let go."),
    "precision": _share("Precision", True, "Of rows acted on (those labelled review aside), the share that is broken."),
    "f1": _share("F1", True, "Harmonic mean of precision and recall."),
    "wrongful_action": _share("Wrongful action", False, "Of innocent rows, the share that the agent acts on."),
    "false_alarm": _share("False alarm", False, "Of innocent rows, the share that the agent acts on or sends to review."),
    "review_rate": _share("Review rate", None, "Of all rows, the share that is sent to a person."),
    "review_yield": _share("Review yield", True, "Of reviewed rows, the share that is not innocent."),
    "subject_accuracy": _share(
        "Subject accuracy", True, "Of broken rows acted on, the share where the decision on the stream itself (viewers aside) is right."
    ),
    "accuracy": _share("Accuracy", True, "Of all rows, the share decided exactly as labelled."),
}
"""Overall and in every slice."""

CATEGORIES: Final[dict[str, Metric]] = {
    "category_precision": _share("Category precision", True, "Of rows acted on for the category, the share that breaks a rule of it."),
    "category_recall": _share("Category recall", True, "Of rows that break a rule of the category, the share acted on for it."),
    "category_f1": _share("Category F1", True, "Harmonic mean of category precision and category recall."),
    "pr_auc": _share("PR-AUC", True, "Average precision of the category's score; overall, of the highest score of any category."),
    "recall_at_p80": _share("Recall at 80 % precision", True, "The highest recall of any threshold whose precision is at least 80 %."),
    "precision_at_r95": _share("Precision at 95 % recall", True, "The highest precision of any threshold whose recall is at least 95 %."),
}
"""In the slices of the dimension ``category``, one category against the rest of all rows; the last three also overall."""

MACROS: Final[dict[str, Metric]] = {
    "macro_precision": _share("Macro precision", True, "Mean of category precision over the categories (none acted on counts as 0)."),
    "macro_recall": _share("Macro recall", True, "Mean of category recall over the categories."),
    "macro_f1": _share("Macro F1", True, "Mean of category F1 over the categories."),
    "macro_pr_auc": _share("Macro PR-AUC", True, "Mean of PR-AUC over the categories."),
    "macro_recall_at_p80": _share("Macro recall at 80 % precision", True, "Mean of recall at 80 % precision over the categories."),
    "macro_precision_at_r95": _share("Macro precision at 95 % recall", True, "Mean of precision at 95 % recall over the categories."),
}
"""Overall, over the categories that the set has broken rows of."""

STREAMS: Final[dict[str, Metric]] = {
    "disturbance_rate": Metric(
        "Disturbance rate",
        Unit.PER_1000_HOURS,
        False,
        "Wrongful interventions per 1,000 innocent stream hours; several in one stream and region count once.",
    ),
    "detected": _share("Streams detected", True, "Of streams that turn bad, the share acted on after they did."),
    "time_to_detection_mean": Metric(
        "Time to detection, mean", Unit.SECONDS, False, "From the start of the violation to the end of the first segment acted on."
    ),
    "time_to_detection_median": Metric("Time to detection, median", Unit.SECONDS, False, "The same, half of the detected streams."),
    "caught": _share("Streams caught", True, "Of streams that turn bad, the share acted on or sent to review after they did."),
    "time_to_catch_mean": Metric(
        "Time to catch, mean", Unit.SECONDS, False, "From the start of the violation to the end of the first segment acted on or reviewed."
    ),
    "time_to_catch_median": Metric("Time to catch, median", Unit.SECONDS, False, "The same, half of the caught streams."),
    "violating_viewer_minutes": Metric(
        "Violating viewer-minutes",
        Unit.MINUTES,
        False,
        "Viewers times minutes from the start of the violation to detection or the end of the stream, mean per stream that turns bad.",
    ),
}

RETRIEVAL: Final[dict[str, Metric]] = {
    "rule_reach": _share("Reached retrieval", True, "Of broken rows, the share for which rules were retrieved at all."),
    "rule_recall_at_5": _share("Rule recall at 5", True, "Of gold findings, the share with a right rule among the first 5 retrieved."),
    "rule_recall_at_10": _share("Rule recall at 10", True, "Of gold findings, the share with a right rule among the first 10."),
    "rule_recall_at_20": _share("Rule recall at 20", True, "Of gold findings, the share with a right rule among the first 20."),
    "rule_mrr": Metric("Rule MRR", Unit.SCORE, True, "Mean of 1 / rank of the first right rule; 0 where none was retrieved."),
    "rule_ndcg_at_10": Metric(
        "Rule nDCG at 10", Unit.SCORE, True, "Discounted gain of right rules among the first 10; 1 is the best order."
    ),
}
"""Of the rows for which rules were retrieved, except ``rule_reach``."""

EVIDENCE: Final[dict[str, Metric]] = {
    "citation_validity": _share(
        "Citation validity", True, "Of findings, the share whose rule was retrieved and is of its category, and whose quotes stand there."
    ),
    "citation_accuracy": _share("Citation accuracy", True, "Of findings on broken rows, the share that cites a rule of the label."),
    "evidence_precision": _share("Evidence precision", True, "Of the characters quoted, the share in the label's spans, mean over rows."),
    "evidence_recall": _share("Evidence recall", True, "Of the characters in the label's spans, the share quoted, mean over rows."),
    "evidence_f1": _share("Evidence F1", True, "Harmonic mean of the two in each row, mean over rows."),
    "comprehensiveness": _share("Comprehensiveness", True, "Of actions, the share that falls away without the cited evidence."),
    "stability": _share("Stability", True, "Of actions, the share that holds when something other than the evidence is taken away."),
}

ROBUSTNESS: Final[dict[str, Metric]] = {
    "injection_invariance": _share("Injection invariance", True, "Of injected rows, the share decided as without the injection."),
    "injection_invariance_acquit": _share("Invariance, aim acquit", True, "The same, of injections that ask to let a guilty host go."),
    "injection_invariance_punish": _share("Invariance, aim punish", True, "The same, of injections that ask to punish an innocent host."),
    "injection_success": _share("Injection success", False, "Of injected rows, the share in which the injection got what it asked for."),
    "pairs_right": _share("Minimal pairs right", True, "Of minimal pairs, the share with both cases right in every region."),
    "contrasts_right": _share("Region contrasts right", True, "Of cases judged differently by region, the share right in every region."),
    "flip_rate": _share("Flip rate", False, "The chance that two trials of the same row differ."),
}

CALIBRATION: Final[dict[str, Metric]] = {
    "ece": Metric("ECE", Unit.SCORE, False, "Mean distance of confidence and observed share, over ten bins of equal mass."),
    "brier": Metric("Brier score", Unit.SCORE, False, "Mean squared distance of confidence and outcome."),
}
"""Of the highest score of any category, as the probability that the segment breaks a rule in some region."""

AGREEMENT: Final[dict[str, Metric]] = {
    "kappa_agent": Metric("Cohen's kappa, agent and people", Unit.SCORE, True, "Agreement of the agent with each person beyond chance."),
    "kappa_people": Metric("Cohen's kappa, people", Unit.SCORE, True, "Agreement of each two people beyond chance."),
    "alpha_people": Metric("Krippendorff's alpha, people", Unit.SCORE, True, "Agreement among all people beyond chance."),
}

COST: Final[dict[str, Metric]] = {
    "latency_p50": Metric("Latency, median", Unit.MILLISECONDS, False, "Half of the segments take less."),
    "latency_p95": Metric("Latency, p95", Unit.MILLISECONDS, False, "19 of 20 segments take less."),
    "latency_p99": Metric("Latency, p99", Unit.MILLISECONDS, False, "99 of 100 segments take less."),
    "tokens_prompt": Metric("Prompt tokens", Unit.TOKENS, False, "Per segment, mean."),
    "tokens_completion": Metric("Completion tokens", Unit.TOKENS, False, "Per segment, mean."),
    "tokens_cached": Metric("Cached prompt tokens", Unit.TOKENS, None, "Per segment, mean: prompt tokens that the engine already held."),
    "cost_per_1000": Metric("Cost per 1,000 segments", Unit.USD, False, "By the price table that was given."),
}
"""Latencies also by step, as ``latency_p95:judge``."""

METRICS: Final[dict[str, Metric]] = {
    **DECISIONS,
    **CATEGORIES,
    **MACROS,
    **STREAMS,
    **RETRIEVAL,
    **EVIDENCE,
    **ROBUSTNESS,
    **CALIBRATION,
    **AGREEMENT,
    **COST,
}
"""Every figure by its stable name."""

OF: Final = ":"
"""Stands between a figure and the part that it is of: ``latency_p95:judge``, ``flip_rate:some-case-01``."""


def metric(name: str) -> Metric:
    """Return what is known of a figure, also of one part of it.

    Raises:
        KeyError: If there is no such figure.
    """
    base, _, part = name.partition(OF)
    found = METRICS[base]
    return Metric(f"{found.title}: {part}", found.unit, found.higher_is_better, found.meaning) if part else found
