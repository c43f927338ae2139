"""screen: the cheap first tier. It lets a segment go only where every text and every picture signal is clearly fine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from livesteward.agents.judges.passages import LONG_CHARS, WINDOW_CHARS, pieces
from livesteward.agents.screen.labels import COLUMN, HARM, INJECTION, LABELS, SCREEN_LABELS
from livesteward.agents.screen.weights import Floats, NgramScreen
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
    scores = _scores(texts, screen)
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
        injections=_injections(segment, by_text, screen, thresholds.verify.injection),
        visual=visual,
    )


def _scores(texts: list[str], screen: NgramScreen) -> Floats:
    """Score each text; a long one by the worst of its pieces, or a threat would drown in what stands around it."""
    parts = [
        (row, text[start:end])
        for row, text in enumerate(texts)
        for start, end in (pieces(text, WINDOW_CHARS) if len(text) > LONG_CHARS else ((0, len(text)),))
    ]
    best = np.zeros((len(texts), len(SCREEN_LABELS)), dtype=np.float32)
    np.maximum.at(best, [row for row, _ in parts], screen.scores([part for _, part in parts]))
    return best


def _injections(segment: Segment, by_text: Mapping[str, Floats], screen: NgramScreen, threshold: float) -> tuple[str, ...]:
    """Return the ids of items that pose as instructions, by their text or by the name that goes with it: a judge reads both."""
    named = [(message.message_id, message.display_name) for message in segment.chat]
    named += [(gift.gift_id, gift.name) for gift in segment.gifts]
    named += [("title", segment.stream_category)]
    names = list(dict.fromkeys(name for _, name in named if name.strip()))
    steering = {name for name, row in zip(names, _scores(names, screen), strict=True) if row[COLUMN[INJECTION]] >= threshold}
    found = [item.item_id for item in segment.items() if item.text in by_text and by_text[item.text][COLUMN[INJECTION]] >= threshold]
    return tuple(dict.fromkeys([*found, *(item_id for item_id, name in named if name in steering)]))
