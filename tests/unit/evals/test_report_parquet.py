"""Every row as Parquet: one for each segment, region and trial, with flat columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from unit.evals.making import ALLOW, VIOLATION, case, dataset, record
from unit.evals.views import MENDED, MISSED, PUNISHED, compared_view, hostile_view, view_of

from livesteward.evals.reports.parquet import write_parquet


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    path = tmp_path_factory.mktemp("parquet") / "records.parquet"
    write_parquet(compared_view(), path)
    return {row["unit"]: row for row in pq.read_table(path).to_pylist()}


def test_there_is_one_row_for_each_segment_and_region(rows: dict[str, dict[str, Any]]) -> None:
    assert set(rows) == {row.unit for row in compared_view().rows}


def test_flags_say_what_became_of_a_row(rows: dict[str, dict[str, Any]]) -> None:
    missed, punished = rows[f"{MISSED}/0@SG"], rows[f"{PUNISHED}/0@SG"]
    assert {name for name in ("broken", "innocent", "acted", "caught", "missed", "wrongful", "severe", "right") if missed[name]} == {
        "broken",
        "missed",
        "severe",
    }
    assert {name for name in ("broken", "innocent", "acted", "caught", "missed", "wrongful", "severe", "right") if punished[name]} == {
        "innocent",
        "acted",
        "caught",
        "wrongful",
    }


def test_labels_and_verdicts_stand_beside_each_other(rows: dict[str, dict[str, Any]]) -> None:
    row = rows["fraud-picture-01/0@DE"]
    assert (row["gold"], row["decided"], row["severity"], row["subject"]) == ("violation", "violation", "high", "host")
    assert (row["gold_rules"], row["rules"], row["categories"]) == (["FRAUD-1.1"], ["FRAUD-1.1"], ["fraud_scam"])
    assert row["score_fraud_scam"] == pytest.approx(0.7)
    assert row["score_privacy_doxxing"] is None


def test_flips_are_told_where_there_are_any(rows: dict[str, dict[str, Any]]) -> None:
    assert (rows[f"{MISSED}/0@SG"]["before"], rows[f"{MISSED}/0@SG"]["flip"]) == ("violation", "worse")
    assert (rows[f"{MENDED}/0@SG"]["before"], rows[f"{MENDED}/0@SG"]["flip"]) == ("allow", "better")
    assert rows["everyday-01/0@SG"]["flip"] is None


def test_streams_failures_and_clusters_can_be_told_apart(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["slow-trap/3@SG"]["form"] == "stream"
    assert rows["broken-down-01/0@SG"]["failure"] == "model_timeout"
    assert rows[f"{MENDED}/0@SG"]["cluster"] == rows[f"{MISSED}/0@SG"]["cluster"]
    assert rows["everyday-01/0@SG"]["latency_ms"] > 0
    assert rows["everyday-01/0@SG"]["line"] == 7


def test_columns_keep_their_types_where_they_are_empty(tmp_path: Path) -> None:
    write_parquet(view_of(dataset(case("one-01")), []), tmp_path / "empty.parquet")
    write_parquet(compared_view(), tmp_path / "full.parquet")
    assert pq.read_schema(tmp_path / "empty.parquet") == pq.read_schema(tmp_path / "full.parquet")


def test_trials_are_rows_of_their_own(tmp_path: Path) -> None:
    one = case("one-01")
    cases = dataset(one)
    view = view_of(cases, [record(one, ALLOW), record(one, VIOLATION, trial=1)], trials=2)
    write_parquet(view, tmp_path / "records.parquet")
    assert [(row["trial"], row["decided"]) for row in pq.read_table(tmp_path / "records.parquet").to_pylist()] == [
        (0, "allow"),
        (1, "violation"),
    ]


def test_hostile_text_is_kept_as_it_is(tmp_path: Path) -> None:
    write_parquet(hostile_view(), tmp_path / "records.parquet")
    (row, _) = pq.read_table(tmp_path / "records.parquet").to_pylist()
    assert row["reason"] == hostile_view().rows[0].entry.reason
