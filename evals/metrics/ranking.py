"""How well scores put broken rows before the others: precision-recall curves and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from livesteward.evals.scorecard import Curve
from livesteward.evals.stats.bootstrap import Floats, Ints

LEAST_PRECISION: Final = 0.8
LEAST_RECALL: Final = 0.95
READINGS: Final = ("pr_auc", "recall_at_p80", "precision_at_r95")
_HAIR: Final = 1e-9


@dataclass(frozen=True)
class Ranking:
    """Rows in the order of falling scores, cut into stretches that each end with a threshold.

    A threshold stands only where its score has a positive row: in between, recall stays and precision falls, so nothing is read off there.
    Rows of one score are never parted.

    Attributes:
        thresholds: Falling scores, of shape (stretches,).
        rows: How many rows of each cluster are in each stretch, of shape (clusters, stretches).
        positives: How many of them are positive.
    """

    thresholds: Floats
    rows: Floats
    positives: Floats

    @classmethod
    def of(cls, scores: Floats, positive: NDArray[np.bool_], codes: Ints) -> Ranking:
        """Cut rows with scores, of which some are positive, into stretches.

        Args:
            scores: A score for each row.
            positive: Whether it should have a high one.
            codes: Its cluster, from :func:`livesteward.evals.stats.bootstrap.cluster_codes`.
        """
        thresholds = np.unique(scores[positive])[::-1]
        # The first threshold that a score reaches; rows below the last one are in no stretch.
        stretch = np.searchsorted(-thresholds, -scores, side="left")
        inside = stretch < len(thresholds)
        shape = (int(codes.max()) + 1 if len(codes) else 0, len(thresholds))
        rows, positives = np.zeros(shape), np.zeros(shape)
        np.add.at(rows, (codes[inside], stretch[inside]), 1.0)
        np.add.at(positives, (codes[positive], stretch[positive]), 1.0)
        return cls(thresholds=thresholds, rows=rows, positives=positives)

    def points(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return recall and precision at each threshold, of shape (draws, thresholds); NaN where no positive row was drawn.

        Recall is TP / (TP + FN) and precision TP / (TP + FP), over rows whose score reaches the threshold.

        Args:
            counts: How often each cluster was drawn, of shape (draws, clusters).
        """
        hits, reached = np.cumsum(counts @ self.positives, axis=1), np.cumsum(counts @ self.rows, axis=1)
        with np.errstate(all="ignore"):
            recall = hits / hits[:, -1:]
            precision = np.where(reached > 0, hits / reached, 0.0)
        return recall, precision

    def readings(self, counts: Floats) -> Floats:
        """Return the figures of :data:`READINGS`, of shape (3, draws).

        - Average precision ``sum_k (R_k - R_{k-1}) P_k`` over thresholds, the area under the precision-recall curve without interpolation:
          Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006; Boyd, Eng and Page, "Area under the
          precision-recall curve", ECML 2013.
        - Recall at 80 % precision: ``max R_k with P_k >= 0.8``; 0 where no threshold is so precise.
        - Precision at 95 % recall: ``max P_k with R_k >= 0.95``.
        """
        recall, precision = self.points(counts)
        gained = np.diff(recall, axis=1, prepend=0.0)
        area = np.sum(gained * precision, axis=1)
        at_precision = np.max(np.where(precision >= LEAST_PRECISION - _HAIR, recall, 0.0), axis=1)
        at_recall = np.max(np.where(recall >= LEAST_RECALL - _HAIR, precision, 0.0), axis=1)
        undefined = np.isnan(recall[:, -1])
        return np.where(undefined, np.nan, np.stack([area, at_precision, at_recall]))

    def curve(self) -> Curve:
        """Return the points of the curve over all rows, by rising recall."""
        recall, precision = self.points(np.ones((1, len(self.rows))))
        return Curve(recall=tuple(recall[0].tolist()), precision=tuple(precision[0].tolist()), threshold=tuple(self.thresholds.tolist()))
