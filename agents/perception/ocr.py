"""Text on the picture, read by RapidOCR with the models that its package carries (PP-OCRv4, Chinese and Latin letters; Apache-2.0)."""

from __future__ import annotations

import difflib
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from livesteward.agents.perception.extras import installed_version
from livesteward.agents.perception.pictures import Pixels
from livesteward.contracts import Contract
from livesteward.contracts.base import Probability, Seconds

MAX_LINES = 120
"""Of one picture; a screen full of text has more than anyone reads in a stream."""
DETECTION_SIDE = 544
"""The shorter side, in pixels, to which a smaller picture is enlarged before text is looked for. The library's 736 finds no more and takes
half again as long."""
SPACE = 0.05
"""The recogniser prefers "no letter" to a space, but where a word ends it gives the space at least this probability."""
SAME = 0.86
"""Two texts with this much in common are one text that was read twice."""

SHORT_AND_SURE = 0.85
"""A text of fewer than four letters needs this confidence."""

_LOOK_ALIKE = str.maketrans("oil", "011")
_one_at_a_time = threading.Lock()


class TextBlock(Contract):
    """Neighbouring lines of text in one picture, with the lowest confidence among them. ``at_s`` is when it was first seen."""

    at_s: Seconds
    text: Annotated[str, Field(min_length=1, max_length=4_000)]
    confidence: Probability
    frame_id: str


def ocr_version() -> str:
    """Return the reader with its version.

    Raises:
        AbsentError: If it is not installed.
    """
    return installed_version("rapidocr-onnxruntime", "rapidocr_onnxruntime", "cv2", "onnxruntime")


class _SpacingDecoder:
    """Turns the recogniser's output into text like the library's own decoder, but keeps the spaces between words."""

    def __init__(self, characters: Sequence[str]) -> None:
        self._characters = characters
        self._space = characters.index(" ")

    def __call__(self, outputs: npt.NDArray[np.float32], *_: object, **__: object) -> list[tuple[str, float]]:
        return [self._decode(output) for output in outputs]

    def _decode(self, output: npt.NDArray[np.float32]) -> tuple[str, float]:
        best = output.argmax(axis=1)
        text: list[str] = []
        sure: list[float] = []
        previous, space = 0, 0.0
        for column, index in enumerate(best):
            if index in (0, previous):
                # Index 0 is "no letter"; a repeated index is the same letter, still seen.
                space = max(space, float(output[column, self._space]))
            else:
                letter = self._characters[index]
                if space >= SPACE and letter != " " and text and text[-1] != " ":
                    text.append(" ")
                text.append(letter)
                sure.append(float(output[column, index]))
                space = 0.0
            previous = int(index)
        return "".join(text).strip(), float(np.mean(sure)) if sure else 0.0


@lru_cache(maxsize=1)
def _reader(threads: int) -> Any:
    from rapidocr_onnxruntime import RapidOCR

    reader = RapidOCR(intra_op_num_threads=threads, inter_op_num_threads=1, det_limit_side_len=DETECTION_SIDE)
    reader.text_rec.postprocess_op = _SpacingDecoder(reader.text_rec.postprocess_op.character)
    # In a batch, short lines are padded to the longest: one at a time is a third faster on a processor.
    reader.text_rec.rec_batch_num = 1
    return reader


def read_blocks(pixels: Pixels, *, at_s: float, frame_id: str, threads: int) -> tuple[TextBlock, ...]:
    """Read the text of one picture, from top to bottom.

    Args:
        pixels: The picture.
        at_s: When it was shown, in seconds of the segment.
        frame_id: Its id, for the record.
        threads: How many may be used.
    """
    with _one_at_a_time:
        # The library takes OpenCV's order of colours; upside-down text, its third model, is not looked for.
        lines, _ = _reader(threads)(pixels[:, :, ::-1], use_cls=False)
    blocks = _blocks([(np.asarray(box, dtype=float), text, float(score)) for box, text, score in (lines or [])[:MAX_LINES]])
    return tuple(
        TextBlock(at_s=at_s, text=text[:4_000], confidence=round(min(1.0, max(0.0, score)), 3), frame_id=frame_id) for text, score in blocks
    )


def merge_blocks(blocks: Iterable[TextBlock], known: Iterable[str] = ()) -> tuple[TextBlock, ...]:
    """Make one block of a text that was read in several pictures, and drop what is known already.

    Args:
        blocks: In the order of time.
        known: Texts that the platform gave.

    Returns:
        Each text once: in its surest reading, at the time of its first.
    """
    given = [_bare(text) for text in known]
    merged: list[tuple[str, TextBlock]] = []
    for block in blocks:
        bare = _bare(block.text)
        # A lone letter, or few unsure ones, are nearly always a pattern that looks like them: lane marks, window frames.
        if (
            len(bare) < 2
            or (len(bare) < 4 and block.confidence < SHORT_AND_SURE)
            or any(bare in text or _alike(bare, text) for text in given)
        ):
            continue
        for index, (other, first) in enumerate(merged):
            if _alike(bare, other):
                if block.confidence > first.confidence:
                    merged[index] = (bare, first.model_copy(update={"text": block.text, "confidence": block.confidence}))
                break
        else:
            merged.append((bare, block))
    return tuple(block for _, block in merged)


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    plain, other_plain = one.translate(_LOOK_ALIKE), other.translate(_LOOK_ALIKE)
    if plain == other_plain:
        return True
    # A price or a name that changes by one letter matters in a short text: only longer ones may differ, and never in their figures.
    if min(len(one), len(other)) < 8 or (_figures(one) != _figures(other) and _figures(plain) != _figures(other_plain)):
        return False
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= SAME and matcher.quick_ratio() >= SAME and matcher.ratio() >= SAME


def _figures(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _bare(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())


def _blocks(lines: list[tuple[npt.NDArray[np.float64], str, float]]) -> list[tuple[str, float]]:
    """Join lines of like height that stand close under each other: a sentence on a banner is often broken into lines."""
    joined: list[tuple[npt.NDArray[np.float64], float, list[str], float]] = []
    for box, text, score in sorted(lines, key=lambda line: float(line[0][:, 1].min())):
        if not text.strip():
            continue
        low, high = box.min(axis=0), box.max(axis=0)
        height = max(1.0, float(high[1] - low[1]))
        edges = np.array([low[0], low[1], high[0], high[1]])
        for index, (area, line_height, texts, worst) in enumerate(joined):
            below = edges[1] - area[3]
            overlaps = min(edges[2], area[2]) - max(edges[0], area[0]) > 0.5 * min(edges[2] - edges[0], area[2] - area[0])
            if -0.5 * height < below < 0.8 * height and overlaps and 0.7 < height / line_height < 1.4:
                grown = np.array([*np.minimum(area[:2], edges[:2]), *np.maximum(area[2:], edges[2:])])
                joined[index] = (grown, height, [*texts, text.strip()], min(worst, score))
                break
        else:
            joined.append((edges, height, [text.strip()], score))
    return [(" ".join(texts), worst) for _, _, texts, worst in joined]
