from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from livesteward.errors import ConfigurationError
from livesteward.models.factory import model_from_settings
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.replay import RecordingModel, ReplayModel
from livesteward.settings import Settings
from livesteward.testing import ScriptedModel

URL = "http://127.0.0.1:8000/v1"


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    RecordingModel(ScriptedModel([]), tmp_path / "tape.jsonl")
    return tmp_path / "tape.jsonl"


def settings(**values: Any) -> Settings:
    return Settings(**values)


def test_by_default_there_is_no_model_and_the_heads_judge() -> None:
    assert model_from_settings(settings()) is None


def test_an_address_makes_the_server_judge() -> None:
    assert isinstance(model_from_settings(settings(model={"base_url": URL})), OpenAICompatibleModel)
    assert isinstance(model_from_settings(settings(judge="server", model={"base_url": URL})), OpenAICompatibleModel)


def test_heads_means_no_model_even_with_an_address() -> None:
    assert model_from_settings(settings(judge="heads", model={"base_url": URL})) is None


@pytest.mark.parametrize("judge", ["auto", "engine", "server"])
def test_a_recording_stands_in_for_any_model(tape: Path, judge: str) -> None:
    assert isinstance(model_from_settings(settings(judge=judge, model={"replay": tape})), ReplayModel)


def test_recording_wraps_the_model(tmp_path: Path) -> None:
    made = model_from_settings(settings(model={"base_url": URL, "record": tmp_path / "new.jsonl", "name": "m"}))
    assert isinstance(made, RecordingModel)
    assert made.name == "m"


def test_recording_and_replaying_at_once_is_refused(tape: Path) -> None:
    with pytest.raises(ConfigurationError, match="both set"):
        model_from_settings(settings(model={"replay": tape, "record": tape}))


def test_a_missing_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r'pip install "livesteward\[engine\]"'):
        model_from_settings(settings(judge="engine"))
