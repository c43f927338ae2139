"""A new workspace from its first run to a baseline, and to a change that somebody must look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from livesteward.cli.main import run
from livesteward.workspace import lay_out

pytestmark = pytest.mark.slow

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            run(list(arguments))
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call


def judged(command: Command) -> tuple[int, dict[str, Any], str]:
    code, out, err = command("eval", "run", "--split", "golden", "--json")
    return code, json.loads(out), err


def test_the_first_run_asks_for_a_baseline_a_blessed_one_passes_and_a_flip_is_seen(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path / "ours", regions=["SG"])
    monkeypatch.chdir(tmp_path / "ours")
    code, found, err = judged(command)
    assert (code, found["outcome"]["result"]) == (2, "inconclusive"), err
    assert "no baseline" in found["outcome"]["line"]
    code, out, err = command("eval", "bless", found["run"], "--note", "the rules that we begin with")
    assert code == 0, out + err
    assert (tmp_path / "ours" / "golden-baseline.jsonl").is_file()
    code, found, err = judged(command)
    assert (code, found["outcome"]["result"]) == (0, "pass"), found["outcome"]
    thresholds = tmp_path / "ours" / "thresholds.toml"
    blind = "\n[category.hate_harassment]\nviolation = 0.9999\nreview = 0.9999\n"
    thresholds.write_text(thresholds.read_text(encoding="utf-8") + blind, encoding="utf-8")
    code, found, err = judged(command)
    assert code == 2, found["outcome"]
    assert [(flip["case_id"], flip["better"]) for flip in found["comparison"]["flips"]] == [("raid-on-host", False)]
