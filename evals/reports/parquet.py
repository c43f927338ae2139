"""Every judged row as a Parquet file, for questions that no report answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from livesteward.contracts import Category, Decision
from livesteward.evals.cases import Case, StreamCase
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.decisions import is_right, is_severe
from livesteward.evals.outcomes import Timing
from livesteward.evals.reports.view import ReportView
from livesteward.evals.reports.words import FLIPS
from livesteward.evals.scorecard import Flip


def write_parquet(view: ReportView, path: Path) -> None:
    """Write one row for each segment, region and trial.

    Lists apart, columns are flat; decisions and categories are words. ``before`` and ``flip`` are null where nothing flipped or nothing was
    compared, and ``latency_ms`` is of the whole segment, for all its regions. With DuckDB::

        SELECT region, count(*) AS rows, avg(wrongful::INT) AS wrongful_action
        FROM 'records.parquet'
        WHERE innocent AND list_contains(categories, 'fraud_scam')
        GROUP BY region ORDER BY wrongful_action DESC, rows DESC;

    Args:
        view: The run.
        path: The file to write.

    Raises:
        ImportError: If pyarrow is not installed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    timings = {(timing.case_id, timing.step, timing.trial): timing for timing in view.timings}
    flips = {flip.unit: flip for flip in view.comparison.flips} if view.comparison else {}
    places = {one.entry.case_id: (one.file.as_posix(), one.line) for one in view.dataset.located}
    text, words, flag, number, whole = pa.string(), pa.list_(pa.string()), pa.bool_(), pa.float64(), pa.int32()
    types: dict[str, Any] = {
        **dict.fromkeys(("run", "unit", "case_id"), text),
        **dict.fromkeys(("step", "trial"), whole),
        **dict.fromkeys(("region", "split", "form", "language", "gold", "decided", "gold_of_stream", "decided_of_stream"), text),
        **dict.fromkeys(("acted", "caught", "broken", "innocent", "right", "severe", "missed", "wrongful"), flag),
        **dict.fromkeys(("before", "flip"), text),
        **dict.fromkeys(("categories", "kinds"), words),
        **dict.fromkeys(("severity", "subject"), text),
        **dict.fromkeys(("gold_rules", "rules", "decided_categories", "decided_subjects", "review_codes"), words),
        "failure": text,
        **{f"score_{category.value}": number for category in Category},
        **dict.fromkeys(("latency_ms", "prompt_tokens", "completion_tokens"), number),
        "from_cache": flag,
        **dict.fromkeys(("cluster", "injection_via", "injection_aim", "file"), text),
        "line": whole,
        "reason": text,
    }
    run = view.scorecard.run.name
    found = [{"run": run, **_row(row, timings.get(row.record.key), flips.get(row.unit), places)} for row in view.rows]
    table = pa.Table.from_pylist(found, schema=pa.schema(list(types.items())))
    pq.write_table(table, path, compression="zstd")


def _row(row: Judgement, timing: Timing | None, flip: Flip | None, places: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    entry, record, verdict = row.entry, row.record, row.record.verdict
    injection = entry.injection if isinstance(entry, Case) else None
    file, line = places.get(entry.case_id, (None, None))
    gold = row.gold.findings
    return {
        "unit": row.unit,
        "case_id": entry.case_id,
        "step": record.step,
        "trial": record.trial,
        "region": row.region,
        "split": entry.split.value,
        "form": "stream" if isinstance(entry, StreamCase) else "case",
        "language": row.segment.language,
        "gold": row.gold.decision.value,
        "decided": row.decision.value,
        "gold_of_stream": row.gold.stream_decision.value,
        "decided_of_stream": row.stream_decision.value,
        "acted": row.acted,
        "caught": row.caught,
        "broken": row.broken,
        "innocent": row.innocent,
        "right": is_right(row),
        "severe": is_severe(row),
        "missed": row.broken and row.decision is Decision.ALLOW,
        "wrongful": row.innocent and row.acted,
        "before": flip.before.value if flip else None,
        "flip": FLIPS[flip.better] if flip else None,
        "categories": list(row.categories),
        "kinds": list(row.kinds),
        "severity": row.severity.value if row.severity else None,
        "subject": gold[0].subject.value if gold else None,
        "gold_rules": _each(rule for finding in gold for rule in finding.rules),
        "rules": _each(finding.rule_id for finding in row.findings),
        "decided_categories": _each(finding.category.value for finding in row.findings),
        "decided_subjects": _each(finding.subject.kind.value for finding in row.findings),
        "review_codes": _each(reason.code.value for reason in verdict.review_reasons),
        "failure": record.failure.value if record.failure else None,
        **{f"score_{category.value}": verdict.scores.get(category) for category in Category},
        "latency_ms": timing.wall_ms if timing else None,
        "prompt_tokens": verdict.provenance.tokens.prompt,
        "completion_tokens": verdict.provenance.tokens.completion,
        "from_cache": timing.from_cache if timing else None,
        "cluster": row.cluster,
        "injection_via": injection.via if injection else None,
        "injection_aim": injection.aim if injection else None,
        "file": file,
        "line": line,
        "reason": entry.reason,
    }


def _each(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
