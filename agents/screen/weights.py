"""The fitted numbers: loading, checking, and scoring with plain numpy."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from livesteward.agents.screen.labels import LABELS, SCREEN_LABELS
from livesteward.agents.screen.ngrams import BITS, buckets
from livesteward.agents.screen.normalise import folding_digest
from livesteward.errors import ConfigurationError

LAYOUT: Final = 3
"""Of the arrays in the weights' file; it goes up when they change."""

FOLDER: Final = Path(__file__).parent / "weights"
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NgramScreen:
    """A linear model over hashed character n-grams, one column a screen label (harm of any kind last), with calibrated output.

    Attributes:
        weights: Buckets x screen labels, 8-bit integers.
        scale: Screen labels; multiplies the weights.
        slope: Screen labels; calibration (Platt 1999): probability = sigmoid(slope * sum / sqrt(n) + offset).
        offset: Screen labels.
        floor: Of harm; a text below it is clear unless a single label is likely all the same.
    """

    weights: npt.NDArray[np.int8]
    scale: Floats
    slope: Floats
    offset: Floats
    floor: float

    def margins(self, texts: list[str]) -> Floats:
        """Return uncalibrated sums, texts x screen labels; zeros for an empty text."""
        sums = np.zeros((len(texts), len(SCREEN_LABELS)), dtype=np.float32)
        for row, text in enumerate(texts):
            found = buckets(text)
            if found.size:
                sums[row] = self.weights[found].sum(axis=0, dtype=np.int32) * self.scale / np.sqrt(np.float32(found.size))
        return sums

    def scores(self, texts: list[str]) -> Floats:
        """Return probabilities, texts x screen labels."""
        return sigmoid(self.margins(texts) * self.slope + self.offset)


@dataclass(frozen=True)
class Heads:
    """Logistic heads, one a label, over the nearness of a sentence embedding to landmarks and over the screen's margins, calibrated.

    The landmarks are embeddings of training texts; nearness is a Gaussian kernel (Nyström method, Williams and Seeger 2001), which tells
    a warning from an offer where a straight line through the embedding space does not.

    Attributes:
        landmarks: Landmarks x dimensions, scaled embeddings.
        gamma: Of the kernel.
        weights: (landmarks + screen labels) x labels.
        bias: Labels.
        mean: Of the embedding, taken away first; embeddings of one model share a large common part.
        fingerprint: Of the embedder that the weights belong to.
    """

    landmarks: Floats
    gamma: float
    weights: Floats
    bias: Floats
    mean: Floats
    fingerprint: str

    def scores(self, vectors: Floats, margins: Floats) -> Floats:
        """Return probabilities, texts x labels, from ``vectors`` (texts x dimensions) and the screen's ``margins``."""
        near = nearness(scaled(vectors, self.mean), self.landmarks, self.gamma)
        return sigmoid(np.hstack([near, bounded(margins)]) @ self.weights + self.bias)


def scaled(vectors: Floats, mean: Floats) -> Floats:
    """Return embeddings without what they share, at a scale where distances are around ten."""
    return np.asarray((vectors - mean) * np.float32(16.0), dtype=np.float32)


def nearness(points: Floats, landmarks: Floats, gamma: float) -> Floats:
    """Return the Gaussian kernel between ``points`` and ``landmarks``, points x landmarks."""
    squared = (points**2).sum(axis=1)[:, None] + (landmarks**2).sum(axis=1)[None, :] - 2 * points @ landmarks.T
    return np.asarray(np.exp(-gamma * np.maximum(squared, 0)), dtype=np.float32)


def bounded(margins: Floats) -> Floats:
    """Return the screen's margins as the heads see them: none so large that it drowns the embedding."""
    return np.asarray(np.clip(margins, -6, 6) * np.float32(0.5), dtype=np.float32)


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function, safe for large values."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -40, 40))), dtype=np.float32)


@dataclass(frozen=True)
class Weights:
    """Screen and heads as fitted together, with the manifest that says from what."""

    screen: NgramScreen
    heads: Heads
    manifest: dict[str, Any]

    @property
    def revision(self) -> str:
        """The first twelve digits of the weights' digest."""
        return str(self.manifest["sha256"])[:12]


@cache
def load_weights(folder: Path = FOLDER) -> Weights:
    """Read the weights and check them against their manifest.

    Raises:
        ConfigurationError: If they are missing, damaged, or were fitted for other labels or n-grams.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        raw = (folder / "weights.npz").read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the weights in {folder} cannot be read ({error}); install livesteward again or run `livesteward train screen`"
        ) from error
    if not isinstance(manifest, dict) or hashlib.sha256(raw).hexdigest() != manifest.get("sha256"):
        raise ConfigurationError(f"{folder / 'weights.npz'} is not the file that its manifest names; install livesteward again")
    if manifest.get("labels") != list(LABELS) or manifest.get("ngram_bits") != BITS:
        raise ConfigurationError(f"the weights in {folder} were fitted for another version; run `livesteward train screen`")
    if manifest.get("layout") != LAYOUT or manifest.get("folding") != folding_digest():
        raise ConfigurationError(f"the weights in {folder} are laid out for another version; run `livesteward train screen`")
    try:
        weights = _unpacked(raw, manifest)
    except (KeyError, TypeError, ValueError, OSError, BadZipFile) as error:
        raise ConfigurationError(f"{folder / 'weights.npz'} is damaged ({error}); install livesteward again") from error
    return weights


def _unpacked(raw: bytes, manifest: dict[str, Any]) -> Weights:
    with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
        screen = NgramScreen(
            weights=np.ascontiguousarray(stored["screen_weights"]),
            scale=stored["screen_scale"],
            slope=stored["screen_slope"],
            offset=stored["screen_offset"],
            floor=float(stored["screen_floor"]),
        )
        heads = Heads(
            landmarks=stored["heads_landmarks"].astype(np.float32) * stored["heads_landmarks_scale"],
            gamma=float(stored["heads_gamma"]),
            weights=stored["heads_weights"].astype(np.float32),
            bias=stored["heads_bias"],
            mean=stored["heads_mean"].astype(np.float32),
            fingerprint=str(manifest["embedder"]),
        )
    columns = len(SCREEN_LABELS)
    shapes: dict[str, tuple[npt.NDArray[Any], tuple[int, ...]]] = {
        "screen_weights": (screen.weights, (1 << BITS, columns)),
        "screen_scale": (screen.scale, (columns,)),
        "screen_slope": (screen.slope, (columns,)),
        "screen_offset": (screen.offset, (columns,)),
        "screen_floor": (np.asarray(screen.floor), ()),
        "heads_landmarks": (heads.landmarks, (len(heads.landmarks), heads.mean.size)),
        "heads_gamma": (np.asarray(heads.gamma), ()),
        "heads_weights": (heads.weights, (len(heads.landmarks) + columns, len(LABELS))),
        "heads_bias": (heads.bias, (len(LABELS),)),
    }
    for name, (array, shape) in shapes.items():
        # A score that is no number is below every floor, and would let everything go.
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"{name} has the shape {array.shape}, not {shape}, or holds what is no number")
    return Weights(screen=screen, heads=heads, manifest=manifest)
