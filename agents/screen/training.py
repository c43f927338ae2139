"""Fitting the screen and the heads: `livesteward train screen`.

Both are logistic regressions, one a label, fitted on four fifths of every set and calibrated on a part of them (Platt 1999); the last fifth
says how good they are. scikit-learn fits; nothing of it is needed at run time.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from livesteward.agents.nodes.screen import HARM_COLUMN, LIKELY
from livesteward.agents.screen.datasets import SOURCES, LabelledText
from livesteward.agents.screen.labels import COLUMN, HARM, LABELS, SCREEN_LABELS
from livesteward.agents.screen.ngrams import BITS, buckets
from livesteward.agents.screen.normalise import folding_digest
from livesteward.agents.screen.weights import LAYOUT, Floats, bounded, nearness, scaled, sigmoid
from livesteward.errors import ConfigurationError, InputError

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and how much there is."""

MISSED: Final = 0.01
"""The share of harmful texts of the tuning part that the screen's floor may let go."""

MISSED_OF_ONE: Final = 0.03
"""The share that it may let go of the texts of any single label."""

LANDMARKS: Final = 3_000
"""Training texts whose embeddings the heads compare with; two thirds of them are from the cases and rules written for live streams."""

SHARPNESS: Final = 2.0
"""Of the kernel: its exponent at the median distance of two texts."""

STRETCH: Final = 4.0
"""What the kernel's values are multiplied by for fitting, so that one regularisation fits them and the margins."""

LEAST: Final = 20
"""Harmful texts without which a label is not fitted."""

OWN_WEIGHT: Final = 10.0
"""How much more a case written for live streams counts than a row of a set from elsewhere."""


@dataclass(frozen=True)
class Row:
    """One line of the report: how well a label is told apart on the held-out fifth of one set."""

    label: str
    dataset: str
    texts: int
    harmful: int
    screen_auc: float
    heads_auc: float


@dataclass(frozen=True)
class ScreenRow:
    """What the screen lets go of the held-out fifth: of the texts of one label, or of the ``harmless``."""

    label: str
    texts: int
    let_go: float


@dataclass(frozen=True)
class Fitted:
    """The result of fitting: the arrays to store, the manifest, and the report."""

    arrays: dict[str, npt.NDArray[Any]]
    manifest: dict[str, Any]
    rows: tuple[Row, ...]
    screen_rows: tuple[ScreenRow, ...]


def fit(texts: list[LabelledText], vectors: Floats, *, fingerprint: str, data_digests: dict[str, str], progress: Progress) -> Fitted:
    """Fit screen and heads.

    Args:
        texts: Everything labelled; each says whether it is held out.
        vectors: Their embeddings as queries, texts x dimensions, in the same order.
        fingerprint: Of the embedder.
        data_digests: SHA-256 of every source file by name, for the manifest.
        progress: Told after each label.

    Raises:
        ConfigurationError: If scikit-learn is missing.
        InputError: If a label has too few texts to fit.
    """
    try:
        from scipy import sparse
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise ConfigurationError('fitting needs scikit-learn: pip install "livesteward[train]"') from error

    grams = _sparse(texts, sparse)
    held = np.array([text.held_out for text in texts])
    tune = ~held & np.array([_tunes(text) for text in texts])
    weight = np.array(
        [OWN_WEIGHT if text.dataset in OWN_SETS else TEMPLATE_WEIGHT if text.dataset in TEMPLATE_SETS else 1.0 for text in texts]
    )
    yes, known = _targets(texts)
    rarity = _rarity(yes, held)
    columns = len(SCREEN_LABELS)
    screen = np.zeros((1 << BITS, columns), dtype=np.float32)
    slope, offset = np.zeros(columns, dtype=np.float32), np.zeros(columns, dtype=np.float32)
    for column, label in enumerate(SCREEN_LABELS):
        enough = int(yes[known[:, column] & ~held, column].sum())
        if enough < LEAST:
            raise InputError(f"only {enough} texts to fit {label!r} on; at least {LEAST} are needed")
        part = known[:, column] & ~held & ~tune
        model = LogisticRegression(C=3.0, solver="liblinear", class_weight="balanced")
        balance = weight * rarity if label == HARM else weight
        model.fit(grams[part], yes[part, column], sample_weight=balance[part])
        screen[:, column] = model.coef_[0]
        progress("screen", column + 1, columns)
    scale = np.abs(screen).max(axis=0) / 127.0
    quantised = np.rint(screen / scale).astype(np.int8)
    margins = np.asarray((grams @ quantised.astype(np.float32)) * scale, dtype=np.float32)
    for column in range(columns):
        on = tune & known[:, column]
        slope[column], offset[column] = _calibrate(margins[on, column], yes[on, column], weight[on])
    scores = sigmoid(margins * slope + offset)
    floor, screen_rows = _floor(scores, yes, tune, held)

    mean = vectors[~held].mean(axis=0).astype(np.float32)
    points = scaled(vectors, mean.astype(np.float16).astype(np.float32))
    chosen = points[_landmarks(texts, held)]
    unit = np.float32(np.abs(chosen).max() / 127.0)
    landmarks = np.rint(chosen / unit).astype(np.int8)
    gamma = SHARPNESS / float(np.median(((points[1:] - points[:-1]) ** 2).sum(axis=1)))
    near = nearness(points, landmarks.astype(np.float32) * unit, gamma)
    centre = near[~held].mean(axis=0)
    near = (near - centre) * STRETCH
    seen = np.hstack([near, bounded(_out_of_fold(grams, yes, known, held, weight, margins, progress))])
    at_run_time = np.hstack([near, bounded(margins)])
    heads = np.zeros((seen.shape[1], len(LABELS)), dtype=np.float32)
    bias = np.zeros(len(LABELS), dtype=np.float32)
    for column in range(len(LABELS)):
        part = known[:, column] & ~held & ~tune
        model = LogisticRegression(C=0.3, max_iter=300, class_weight="balanced")
        model.fit(seen[part], yes[part, column], sample_weight=weight[part])
        raw = at_run_time @ model.coef_[0].astype(np.float32) + np.float32(model.intercept_[0])
        on = tune & known[:, column]
        a, b = _calibrate(raw[on], yes[on, column], weight[on])
        heads[:, column] = model.coef_[0] * a
        bias[column] = model.intercept_[0] * a + b
        progress("heads", column + 1, len(LABELS))
    final = sigmoid(at_run_time @ heads + bias)
    # At run time the kernel is neither centred nor stretched: both go into the weights.
    heads[: len(landmarks)] *= STRETCH
    bias -= centre @ heads[: len(landmarks)]
    rows = _report(texts, held, yes, known, margins, final)
    arrays: dict[str, npt.NDArray[Any]] = {
        "screen_weights": quantised,
        "screen_scale": scale.astype(np.float32),
        "screen_slope": slope,
        "screen_offset": offset,
        "screen_floor": np.asarray(floor, dtype=np.float32),
        "heads_landmarks": landmarks,
        "heads_landmarks_scale": np.asarray(unit, dtype=np.float32),
        "heads_gamma": np.asarray(gamma, dtype=np.float32),
        "heads_weights": heads,
        "heads_bias": bias,
        "heads_mean": mean.astype(np.float16),
    }
    return Fitted(arrays, _manifest(texts, fingerprint, data_digests, rows, screen_rows), tuple(rows), tuple(screen_rows))


OWN_SETS: Final = frozenset({"livesteward_cases", "livesteward_rules"})
"""What was written for live streams: the training cases and the examples of the global rules."""


TEMPLATE_SETS: Final = frozenset({"hatecheck", "multilingual_hatecheck", "hatemojicheck"})
"""Sets of many sentences from few templates."""

TEMPLATE_WEIGHT: Final = 0.5
"""How much a row of them counts."""


def _floor(scores: Floats, yes: Any, tune: Any, held: Any) -> tuple[float, list[ScreenRow]]:
    harm = scores[:, HARM_COLUMN]
    likely = (scores[:, : len(LABELS)] >= LIKELY).any(axis=1)
    harmful = yes[:, HARM_COLUMN]
    # A text that one label finds likely never leaves, so only the others' scores set the floor.
    reach = np.where(likely, 1.0, harm)
    floor = float(np.quantile(reach[tune & harmful], MISSED))
    for column in range(len(LABELS)):
        # No single label may pay for the others: the rare ones would, since they count for little in the whole.
        floor = min(floor, float(np.quantile(reach[tune & yes[:, column]], MISSED_OF_ONE)))
    gone = reach < floor
    rows = [ScreenRow("harmless", int((held & ~harmful).sum()), float(gone[held & ~harmful].mean()))]
    for column, label in enumerate(SCREEN_LABELS):
        on = held & yes[:, column]
        rows.append(ScreenRow(label, int(on.sum()), float(gone[on].mean())))
    return floor, rows


def _tunes(text: LabelledText) -> bool:
    return hashlib.sha256(f"tune\x00{text.dataset}\x00{text.group}".encode()).digest()[0] % 6 == 0


def _targets(texts: list[LabelledText]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return, texts x screen labels, which labels hold and which are known. A text with no label counts as harmless as a whole."""
    yes = np.array([[label in text.positive for label in LABELS] + [bool(text.positive)] for text in texts])
    known = np.array([[label not in text.open for label in LABELS] + [True] for text in texts])
    return yes, known


def _landmarks(texts: list[LabelledText], held: Any) -> list[int]:
    """Rows of the texts to compare with, chosen by the digest of the text, so that the same data always give the same ones."""
    order = sorted(range(len(texts)), key=lambda row: hashlib.sha256(texts[row].text.encode()).digest())
    free = [row for row in order if not held[row]]
    own = [row for row in free if texts[row].dataset in OWN_SETS][: LANDMARKS * 2 // 3]
    return own + [row for row in free if texts[row].dataset not in OWN_SETS][: LANDMARKS - len(own)]


def _rarity(yes: Any, held: Any) -> npt.NDArray[Any]:
    """Weights with which the harmful texts of a rare label count as much together as half of those of a common one."""
    counts = yes[~held, : len(LABELS)].sum(axis=0)
    of_label = np.sqrt(counts.max() / np.maximum(counts, 1))
    return np.asarray(np.maximum(1.0, (yes[:, : len(LABELS)] * of_label).max(axis=1)))


def _sparse(texts: list[LabelledText], sparse: Any) -> Any:
    found = [buckets(text.text) for text in texts]
    starts = np.cumsum([0, *(one.size for one in found)])
    values = np.concatenate([np.full(one.size, 1 / np.sqrt(max(1, one.size)), dtype=np.float32) for one in found])
    return sparse.csr_matrix((values, np.concatenate(found).astype(np.int32), starts), shape=(len(texts), 1 << BITS))


def _out_of_fold(grams: Any, yes: Any, known: Any, held: Any, weight: Any, margins: Floats, progress: Progress) -> Floats:
    # The heads must see margins of texts that the screen was not fitted on, or they would trust it too much.
    from sklearn.linear_model import LogisticRegression

    found = margins.copy()
    parts = np.arange(len(held)) % 3
    for column in range(len(SCREEN_LABELS)):
        for part in range(3):
            fit_on = known[:, column] & ~held & (parts != part)
            model = LogisticRegression(C=3.0, solver="liblinear", class_weight="balanced")
            model.fit(grams[fit_on], yes[fit_on, column], sample_weight=weight[fit_on])
            apply = ~held & (parts == part)
            found[apply, column] = model.decision_function(grams[apply]) - model.intercept_[0]
        progress("margins", column + 1, len(SCREEN_LABELS))
    return found


def _calibrate(values: Floats, yes: npt.NDArray[np.bool_], weight: npt.NDArray[Any]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=100.0, max_iter=500)
    model.fit(values.reshape(-1, 1), yes, sample_weight=weight)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _report(texts: list[LabelledText], held: Any, yes: Any, known: Any, margins: Floats, final: Floats) -> list[Row]:
    from sklearn.metrics import roc_auc_score

    datasets = np.array([text.dataset for text in texts])
    rows = []
    for label, column in COLUMN.items():
        for name in ("all", *dict.fromkeys(datasets.tolist())):
            on = held & known[:, column] & ((datasets == name) if name != "all" else True)
            harmful = int(yes[on, column].sum())
            if 5 <= harmful < on.sum():
                rows.append(
                    Row(
                        label,
                        name,
                        int(on.sum()),
                        harmful,
                        float(roc_auc_score(yes[on, column], margins[on, column])),
                        float(roc_auc_score(yes[on, column], final[on, column])),
                    )
                )
    return rows


def _manifest(
    texts: list[LabelledText], fingerprint: str, digests: dict[str, str], rows: list[Row], screen_rows: list[ScreenRow]
) -> dict[str, Any]:
    used, kept = (Counter(text.dataset for text in texts if text.held_out is held) for held in (False, True))
    sources = [
        {
            "name": source.name,
            "licence": source.licence,
            "citation": source.citation,
            "rows_fitted": used[source.name],
            "rows_held_out": kept[source.name],
            "sha256": {name: digests[name] for name in source.files},
        }
        for source in SOURCES
    ]
    sources += [
        {
            "name": name,
            "licence": "Apache-2.0",
            "citation": "written for livesteward",
            "rows_fitted": used[name],
            "rows_held_out": kept[name],
        }
        for name in sorted(OWN_SETS)
    ]
    return {
        "fitted_on": datetime.now(UTC).date().isoformat(),
        "labels": list(LABELS),
        "layout": LAYOUT,
        "folding": folding_digest(),
        "ngram_bits": BITS,
        "embedder": fingerprint,
        "sources": sources,
        "held_out_auc": {
            row.label: {"screen": round(row.screen_auc, 4), "heads": round(row.heads_auc, 4)} for row in rows if row.dataset == "all"
        },
    }


def store(fitted: Fitted, folder: Path) -> Path:
    """Write weights and manifest to ``folder`` and return the weights' path."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **fitted.arrays)
    raw = buffer.getvalue()
    (folder / "weights.npz").write_bytes(raw)
    manifest = {"sha256": hashlib.sha256(raw).hexdigest(), **fitted.manifest}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder / "weights.npz"
