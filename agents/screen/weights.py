"""The fitted numbers: loading, checking, and scoring with plain numpy."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from livesteward.agents.screen.labels import LABELS, SCREEN_LABELS
from livesteward.agents.screen.ngrams import BITS, buckets
from livesteward.errors import ConfigurationError

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
    """Logistic heads over a sentence embedding and the screen's margins, one a label, calibrated.

    Attributes:
        weights: (embedding dimensions + screen labels) x labels.
        bias: Labels.
        mean: Of the embedding, taken away first; embeddings of one model share a large common part.
        fingerprint: Of the embedder that the weights belong to.
    """

    weights: Floats
    bias: Floats
    mean: Floats
    fingerprint: str

    def scores(self, vectors: Floats, margins: Floats) -> Floats:
        """Return probabilities, texts x labels, from ``vectors`` (texts x dimensions) and the screen's ``margins``."""
        return sigmoid(features(vectors, margins, self.mean) @ self.weights + self.bias)


def features(vectors: Floats, margins: Floats, mean: Floats) -> Floats:
    """Return what the heads see: centred embeddings, scaled to unit variance or so, and the clipped margins."""
    return np.hstack([(vectors - mean) * 16.0, np.clip(margins, -6, 6) * 0.5]).astype(np.float32)


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
    if hashlib.sha256(raw).hexdigest() != manifest.get("sha256"):
        raise ConfigurationError(f"{folder / 'weights.npz'} is not the file that its manifest names; install livesteward again")
    if manifest.get("labels") != list(LABELS) or manifest.get("ngram_bits") != BITS:
        raise ConfigurationError(f"the weights in {folder} were fitted for another version; run `livesteward train screen`")
    with np.load(folder / "weights.npz", allow_pickle=False) as stored:
        screen = NgramScreen(
            weights=np.ascontiguousarray(stored["screen_weights"]),
            scale=stored["screen_scale"],
            slope=stored["screen_slope"],
            offset=stored["screen_offset"],
            floor=float(stored["screen_floor"]),
        )
        heads = Heads(
            weights=stored["heads_weights"].astype(np.float32),
            bias=stored["heads_bias"],
            mean=stored["heads_mean"].astype(np.float32),
            fingerprint=manifest["embedder"],
        )
    return Weights(screen=screen, heads=heads, manifest=manifest)
