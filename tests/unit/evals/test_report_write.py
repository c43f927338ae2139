"""Writing all reports of a run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from unit.evals.views import compared_view, hostile_view

from livesteward.evals.reports.write import write_reports


def test_every_report_is_written_under_its_name(tmp_path: Path) -> None:
    written = write_reports(compared_view(), tmp_path / "run")
    assert {name: path.name for name, path in written.items()} == {
        "html": "report.html",
        "markdown": "report.md",
        "junit": "junit.xml",
        "parquet": "records.parquet",
    }
    assert all(path.stat().st_size > 500 for path in written.values())


def test_reports_are_the_same_when_they_are_written_again(tmp_path: Path) -> None:
    first, second = (write_reports(compared_view(), tmp_path / name) for name in ("one", "two"))
    assert all(first[name].read_bytes() == second[name].read_bytes() for name in ("html", "markdown", "junit"))


def test_without_pyarrow_the_others_are_written_and_an_old_file_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "records.parquet").write_bytes(b"of an earlier run")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    written = write_reports(hostile_view(), tmp_path)
    assert set(written) == {"html", "markdown", "junit"}
    assert not (tmp_path / "records.parquet").exists()
    assert "livesteward[eval]" in "".join(capsys.readouterr())
