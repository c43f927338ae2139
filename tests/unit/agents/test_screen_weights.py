from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.agents.parts import BENIGN, MARKERS, planted_weights

from livesteward.agents.screen.labels import COLUMN, LABELS, SCREEN_LABELS
from livesteward.agents.screen.ngrams import BITS
from livesteward.agents.screen.normalise import folding_digest
from livesteward.agents.screen.weights import LAYOUT, load_weights, sigmoid
from livesteward.errors import ConfigurationError

Arrays = dict[str, Any]


def write(folder: Path, *, change: Callable[[Arrays], object] = lambda _: None, **manifest: Any) -> Path:
    planted = planted_weights()
    arrays: Arrays = {
        "screen_weights": planted.screen.weights,
        "screen_scale": planted.screen.scale,
        "screen_slope": planted.screen.slope,
        "screen_offset": planted.screen.offset,
        "screen_floor": np.float32(planted.screen.floor),
        "heads_landmarks": planted.heads.landmarks.astype(np.int8),
        "heads_landmarks_scale": np.float32(1),
        "heads_gamma": np.float32(planted.heads.gamma),
        "heads_weights": planted.heads.weights.astype(np.float16),
        "heads_bias": planted.heads.bias,
        "heads_mean": planted.heads.mean.astype(np.float16),
    }
    change(arrays)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    raw = buffer.getvalue()
    (folder / "weights.npz").write_bytes(raw)
    facts = {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "labels": list(LABELS),
        "ngram_bits": BITS,
        "layout": LAYOUT,
        "folding": folding_digest(),
        "embedder": "test",
        **manifest,
    }
    (folder / "manifest.json").write_text(json.dumps({name: value for name, value in facts.items() if value is not None}))
    return folder


def test_what_was_written_is_read_and_scores_alike(tmp_path: Path) -> None:
    planted, read = planted_weights(), load_weights(write(tmp_path))
    texts = [BENIGN, *MARKERS.values(), "", "杀了你"]
    assert np.array_equal(read.screen.scores(texts), planted.screen.scores(texts))
    assert read.heads.fingerprint == "test"
    assert len(read.revision) == 12


def test_a_text_scores_for_its_label_and_a_harmless_one_for_none() -> None:
    screen = planted_weights().screen
    for label, word in MARKERS.items():
        scores = screen.scores([f"please {word} now"])[0]
        assert scores[COLUMN[label]] > 0.9
        assert [LABELS[column] for column in np.flatnonzero(scores[: len(LABELS)] > 0.5)] == [label]
    assert screen.scores([BENIGN]).max() < 0.1


def test_no_texts_have_no_scores() -> None:
    assert planted_weights().screen.scores([]).shape == (0, len(SCREEN_LABELS))


def test_the_logistic_function_is_safe_for_large_values() -> None:
    assert sigmoid(np.array([-1e9, 0, 1e9], dtype=np.float32)).tolist() == pytest.approx([0, 0.5, 1], abs=1e-6)


def missing_file(folder: Path) -> None:
    (folder / "weights.npz").unlink()


def missing_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def broken_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def manifest_of_another_kind(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")


def one_byte_changed(folder: Path) -> None:
    raw = bytearray((folder / "weights.npz").read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / "weights.npz").write_bytes(raw)


@pytest.mark.parametrize("damage", [missing_file, missing_manifest, broken_manifest, manifest_of_another_kind, one_byte_changed])
def test_missing_or_damaged_files_are_refused_with_what_to_do(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(write(tmp_path))
    with pytest.raises(ConfigurationError, match="install livesteward again") as caught:
        load_weights(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "manifest",
    [{"labels": ["a"]}, {"labels": None}, {"ngram_bits": 12}, {"layout": LAYOUT - 1}, {"layout": None}, {"folding": "other"}],
    ids=str,
)
def test_weights_of_another_version_are_refused(tmp_path: Path, manifest: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="livesteward train screen"):
        load_weights(write(tmp_path, **manifest))


WRONG: dict[str, Callable[[Arrays], object]] = {
    "array missing": lambda arrays: arrays.pop("screen_slope"),
    "a column too few": lambda arrays: arrays.update(screen_weights=arrays["screen_weights"][:, 1:]),
    "no number in the calibration": lambda arrays: arrays.update(screen_offset=arrays["screen_offset"] * np.nan),
    "no number as floor": lambda arrays: arrays.update(screen_floor=np.float32("nan")),
    "a landmark too few": lambda arrays: arrays.update(heads_landmarks=arrays["heads_landmarks"][1:]),
    "no number as width": lambda arrays: arrays.update(heads_gamma=np.float32("inf")),
    "no number in the heads": lambda arrays: arrays.update(heads_bias=arrays["heads_bias"] * np.inf),
    "heads of another embedder": lambda arrays: arrays.update(heads_mean=np.zeros(512, dtype=np.float16)),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_file_with_the_right_digest_and_wrong_numbers_is_refused(tmp_path: Path, change: Callable[[Arrays], object]) -> None:
    with pytest.raises(ConfigurationError, match="damaged"):
        load_weights(write(tmp_path, change=change))


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    write(tmp_path)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, screen_weights=np.array([object()], dtype=object))
    raw = buffer.getvalue()
    (tmp_path / "weights.npz").write_bytes(raw)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "sha256": hashlib.sha256(raw).hexdigest()}))
    with pytest.raises(ConfigurationError, match="damaged"):
        load_weights(tmp_path)


def test_the_shipped_weights_are_whole() -> None:
    weights = load_weights()
    assert 0 < weights.screen.floor < 0.5
    assert weights.manifest["sources"]
