"""A run that is killed at any moment and started again gives the same results as one that nobody disturbed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from livesteward.evals.dataset import SHIPPED, load_dataset
from livesteward.evals.runs.folder import JOURNAL, RESULTS, RunFolder

CASES = 24
REGIONS = {"GB", "IE", "SG", "US"}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real golden cases without media and of few regions, so that it is quick, and one stream."""
    shipped = load_dataset(SHIPPED)
    few = [case for case in shipped.cases if not case.segment.frames and not case.segment.media and set(case.regions) <= REGIONS][:CASES]
    stream = next(stream for stream in shipped.streams if set(stream.regions) <= REGIONS)
    file = tmp_path_factory.mktemp("cases") / "cases.jsonl"
    lines = [entry.model_dump_json(exclude_defaults=True) for entry in (*few, stream)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def start(cases: Path, folder: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        "from livesteward.cli.main import run; run()",
        "eval",
        "run",
        str(cases),
        "--runs",
        str(folder),
        "--name",
        "run",
        "--no-gates",
        "--json",
    ]
    # A cache of its own for each run: nothing may be taken over from the other.
    environment = os.environ | {"LIVESTEWARD_CACHE_DIR": str(folder / "cache")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()


@pytest.mark.slow
def test_killing_a_run_at_random_moments_changes_nothing(cases: Path, tmp_path: Path) -> None:
    finish(start(cases, tmp_path / "undisturbed"))
    seed = random.randrange(10_000)
    moments = random.Random(seed)
    killed = RunFolder(tmp_path / "killed" / "run")
    for _ in range(2):
        process = start(cases, tmp_path / "killed")
        before = len(killed.journal())
        until = time.monotonic() + 120
        while process.poll() is None and len(killed.journal()) <= before and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        # It was in the middle: something is done, and something is left.
        assert 0 < len(killed.journal()) < CASES + 1 or (killed.path / RESULTS).exists(), f"seed {seed}"
    finish(start(cases, tmp_path / "killed"))
    undisturbed = tmp_path / "undisturbed" / "run"
    assert (killed.path / RESULTS).read_bytes() == (undisturbed / RESULTS).read_bytes(), f"seed {seed}"
    assert not (killed.path / JOURNAL).exists()
    keys = [record.key for record in killed.records()]
    assert len(keys) == len(set(keys)) == CASES + len(load_dataset(cases).streams[0].steps)
    assert json.loads((killed.path / "run.json").read_bytes())["finished_at"]
