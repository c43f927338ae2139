"""Whether a verdict's reasons hold: rules that were there, quotes that stand there, spans that decide, and actions that depend on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from livesteward.contracts import Evidence, Finding, Modality, Rule
from livesteward.errors import PolicyError
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.spans import Overlap, overlap, stands_in
from livesteward.evals.outcomes import ProbeKind
from livesteward.evals.scorecard import Figures
from livesteward.evals.stats.intervals import mean_shares, share

Rules = Callable[[str, date], Mapping[str, Rule]]
"""The rules in force in a jurisdiction on a day, by id."""


def evidence_figures(rows: Sequence[Judgement], *, rules: Rules | None = None) -> Figures:
    """Return citation validity and accuracy, evidence precision, recall and F1, and faithfulness.

    Args:
        rows: Of a run.
        rules: Looks up the rules in force, to compare the category of a finding with that of its rule; that is not checked without it.
    """
    return {**citations(rows, rules=rules), **evidence_spans(rows), **faithfulness(rows)}


def citations(rows: Sequence[Judgement], *, rules: Rules | None = None) -> Figures:
    """Return the share of findings that are validly cited, and that cite a rule of the label.

    - Citation validity: valid findings / findings. A finding is valid in a region where its rule was retrieved for the region and is of
      the finding's category, and every quote stands verbatim in its item. What attribution research calls a supported citation, checked
      word by word: Rashkin et al., "Measuring attribution in natural language generation models", Computational Linguistics 49, 2023.
    - Citation accuracy: findings that name a rule of the label / findings, on broken rows whose label names rules.
    """
    all_rules = _Rulebooks(rules)
    valid = [(row.cluster, is_valid(finding, row, all_rules.category)) for row in rows for finding in row.findings]
    right = [
        (row.cluster, finding.rule_id in {rule for expected in row.gold.findings for rule in expected.rules})
        for row in rows
        if row.broken and all(expected.rules for expected in row.gold.findings)
        for finding in row.findings
    ]
    found = {"citation_validity": share(valid), "citation_accuracy": share(right)}
    return {name: estimate for name, estimate in found.items() if estimate.n}


def is_valid(finding: Finding, row: Judgement, category_of: Callable[[Judgement, str], str | None]) -> bool:
    """Whether a finding cites what is there: see :func:`citations`."""
    if finding.rule_id not in row.record.retrieved.get(row.region, ()):
        return False
    category = category_of(row, finding.rule_id)
    if category is not None and category != finding.category.value:
        return False
    return all(_stands(evidence, row) for evidence in finding.evidence)


class _Rulebooks:
    """Categories of rules; asks for each rulebook once."""

    def __init__(self, rules: Rules | None) -> None:
        self._rules = rules
        self._read: dict[tuple[str, date], Mapping[str, Rule]] = {}

    def category(self, row: Judgement, rule_id: str) -> str | None:
        """The category of a rule in the row's region, "" where it is not in force, None where nobody knows."""
        if self._rules is None:
            return None
        key = (row.region, row.segment.starts_at.date())
        if key not in self._read:
            try:
                self._read[key] = self._rules(*key)
            except PolicyError:
                # The region has no rules (any more): nothing that cites one is valid.
                self._read[key] = {}
        rule = self._read[key].get(rule_id)
        return rule.category.value if rule else ""


def _stands(evidence: Evidence, row: Judgement) -> bool:
    texts = {item.item_id: item.text for item in (*row.record.perceived, *row.segment.items())}
    if not evidence.quote:
        # A picture is cited without words; a text is not.
        return evidence.modality is Modality.FRAME
    return evidence.item_id in texts and stands_in(evidence.quote, texts[evidence.item_id])


def evidence_spans(rows: Sequence[Judgement]) -> Figures:
    """Return evidence precision, recall and F1: per row, then the mean over rows, with clustered BCa intervals.

    ``P = |C & G| / |C|``, ``R = |C & G| / |G|``, ``F1 = 2 |C & G| / (|C| + |G|)`` for the cited characters ``C`` and those of
    the gold spans ``G``, see :func:`livesteward.evals.metrics.spans.overlap`; Pavlopoulos et al., "SemEval-2021 task 5: toxic spans
    detection". Rows count where a rule is broken and a finding is of its category: other rows have nothing to compare.
    """
    found: list[tuple[str, Overlap]] = []
    for row in rows:
        named = [finding for finding in row.findings if finding.category in row.gold.categories]
        if not row.broken or not named:
            continue
        categories = {finding.category for finding in named}
        gold = [span for expected in row.gold.findings if expected.category in categories for span in expected.evidence]
        cited = [(evidence.item_id, evidence.quote) for finding in named for evidence in finding.evidence]
        found.append((row.cluster, overlap(gold, cited, row.segment, row.record.perceived)))
    if not found:
        return {}
    columns = [[one.precision for _, one in found], [one.recall for _, one in found], [one.f1 for _, one in found]]
    names = ("evidence_precision", "evidence_recall", "evidence_f1")
    return dict(zip(names, mean_shares(columns, [cluster for cluster, _ in found]), strict=True))


def faithfulness(rows: Sequence[Judgement]) -> Figures:
    """Return how far actions depend on the evidence that is cited for them, from the probes of a run.

    - Comprehensiveness: actions that fall away without the cited evidence / actions probed so.
    - Stability: actions that hold when as many other items are taken away / actions probed so. Evidence that is sufficient on its own does
      not need those others.

    Both after comprehensiveness and sufficiency of DeYoung et al., "ERASER: a benchmark to evaluate rationalized NLP models", ACL 2020,
    which compare probabilities; here the decision is what counts, since that is what happens to a host.
    """
    records = {row.record.key: row for row in rows}
    found: Figures = {}
    for name, kind, wanted in (
        ("comprehensiveness", ProbeKind.WITHOUT_EVIDENCE, False),
        ("stability", ProbeKind.WITHOUT_OTHER, True),
    ):
        held = [(row.cluster, probe.still is wanted) for row in records.values() for probe in row.record.probes if probe.kind is kind]
        if held:
            found[name] = share(held)
    return found
