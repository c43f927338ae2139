"""Writing every report of a run into its folder."""

from __future__ import annotations

from pathlib import Path

import structlog

from livesteward.evals.reports.html import html
from livesteward.evals.reports.junit import junit
from livesteward.evals.reports.markdown import markdown
from livesteward.evals.reports.parquet import write_parquet
from livesteward.evals.reports.view import ReportView

_log = structlog.get_logger(__name__)


def write_reports(view: ReportView, folder: Path) -> dict[str, Path]:
    """Write ``report.html``, ``report.md``, ``junit.xml`` and ``records.parquet``.

    Args:
        view: The run.
        folder: Where to; it is made where it is missing.

    Returns:
        What was written, by ``html``, ``markdown``, ``junit`` and ``parquet``; the last is left out where pyarrow is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    for name, file, text in (
        ("html", "report.html", html(view)),
        ("markdown", "report.md", markdown(view)),
        ("junit", "junit.xml", junit(view)),
    ):
        written[name] = folder / file
        written[name].write_text(text, encoding="utf-8", newline="\n")
    records = folder / "records.parquet"
    try:
        write_parquet(view, records)
        written["parquet"] = records
    except ImportError as error:
        # One of an earlier run would pass for this one's.
        records.unlink(missing_ok=True)
        _log.warning("no Parquet file was written; install livesteward[eval]", file=str(records), missing=error.name)
    return written
