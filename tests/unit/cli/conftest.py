from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result
from unit.cli.made_up import FakeSteward, segment

import livesteward.sdk
from livesteward.cli.main import app
from livesteward.cli.watched import without_bytes

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Run a command line, with a steward that needs no models, in a folder of its own."""
    monkeypatch.setattr(livesteward.sdk, "Steward", FakeSteward)
    monkeypatch.setattr(FakeSteward, "answer", FakeSteward.answer)
    monkeypatch.chdir(tmp_path)
    for name in ("LIVESTEWARD_WORKSPACE", "LIVESTEWARD_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "160")

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    yield invoke
    # The command line sends logs to the standard error of its run, which is over.
    logging.captureWarnings(False)
    for handler in list(logging.getLogger().handlers):
        if type(handler) is logging.StreamHandler:
            logging.getLogger().removeHandler(handler)
    structlog.reset_defaults()


@pytest.fixture
def segment_file(tmp_path: Path) -> Path:
    path = tmp_path / "segment.json"
    path.write_text(json.dumps(without_bytes(segment())), encoding="utf-8")
    return path


@pytest.fixture
def stream_folder(tmp_path: Path) -> Callable[..., Path]:
    def make(stream_id: str = "made-up", *, under: str = "streams", segments: int = 2, **about: Any) -> Path:
        folder = tmp_path / under / f"folder-{len(list((tmp_path / under).glob('*'))) if (tmp_path / under).exists() else 0}"
        folder.mkdir(parents=True)
        told = {"stream_id": stream_id, "region": "SG", "starts_at": "2026-11-22T12:00:00Z", "title": "A made-up stream", **about}
        (folder / "stream.json").write_text(json.dumps({**told, "duration_s": segments * 20}), encoding="utf-8")
        lines = [{"message_id": f"m{n}", "at_s": n * 20 + 1, "viewer_id": "jonno", "text": "hello"} for n in range(segments)]
        (folder / "chat.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return folder

    return make
