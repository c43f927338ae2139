"""screen: the cheap first tier. It lets a segment go only where every text and every picture signal is clearly fine."""

from __future__ import annotations

from typing import Final

import numpy as np

from livesteward.agents.screen.labels import COLUMN, HARM, INJECTION, LABELS, SCREEN_LABELS
from livesteward.agents.screen.weights import NgramScreen
from livesteward.agents.state import ItemScore, Screened
from livesteward.agents.thresholds import Thresholds
from livesteward.contracts import Category, Segment, SignalKind

LIKELY: Final = 0.5
"""A label this likely makes a text suspicious, however harmless it looks as a whole."""

HARM_COLUMN: Final = SCREEN_LABELS.index(HARM)


def screen_segment(segment: Segment, screen: NgramScreen, thresholds: Thresholds, *, judge_sees: bool) -> Screened:
    """Score every distinct text of ``segment`` and decide whether it may leave.

    Args:
        segment: After perception.
        screen: The fitted model.
        thresholds: Those of ``screen`` are used.
        judge_sees: Whether the judge that would come next looks at pictures.
    """
    items = [item for item in segment.items() if item.text.strip()]
    texts = list(dict.fromkeys(item.text for item in items))
    scores = screen.scores(texts)
    floor = screen.floor if thresholds.screen.floor == "trained" else thresholds.screen.floor
    likely = np.any(scores[:, : len(LABELS)] >= max(floor, LIKELY), axis=1)
    above = dict(zip(texts, (likely | (scores[:, HARM_COLUMN] >= floor)).tolist(), strict=True))
    by_text = dict(zip(texts, scores, strict=True))
    nudity = max((signal.value for signal in segment.signals if signal.kind is SignalKind.NUDITY), default=0.0)
    unseen = judge_sees and bool(segment.frames) and not thresholds.screen.clear_with_frames
    visual = nudity >= thresholds.screen.nudity or unseen
    suspects = tuple(
        ItemScore(item_id=item.item_id, scores=tuple(round(float(value), 4) for value in by_text[item.text][: len(LABELS)]))
        for item in items
        if above[item.text]
    )
    highest = scores.max(axis=0) if texts else np.zeros(len(SCREEN_LABELS), dtype=np.float32)
    return Screened(
        cleared=not suspects and not visual,
        suspects=suspects,
        scores={category: round(float(highest[COLUMN[category.value]]), 4) for category in Category},
        injections=tuple(item.item_id for item in items if by_text[item.text][COLUMN[INJECTION]] >= thresholds.verify.injection),
        visual=visual,
    )
