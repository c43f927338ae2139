"""Which pictures of a segment a model is shown: those that tell most, and none that shows again what another one shows.

What a picture tells is a sum: that the scene changed against everything chosen already, that text stands on it (more for much text, and
for text that the screen found suspicious), that it has a QR code, what the nudity classifier says (before all else where it flags the
picture), and that it is the first or the last, so that the beginning and the end of the window are seen. The choice is greedy and has no
chance in it: the same segment gives the same pictures.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from livesteward.agents.judges.case import Case
from livesteward.agents.judges.unseen import NEAR_S, is_of
from livesteward.agents.perception.perceived import FrameRef
from livesteward.agents.perception.store import FrameStore
from livesteward.contracts import Origin, OverlayText, SignalKind

SAME: Final = 0.03
"""Two pictures whose most different part differs by less than this, from 0 to 1, show the same."""

MUCH_TEXT: Final = 80
"""Characters from which on more text tells no more."""

_SIDE: Final = 32
_PART: Final = 4
_TEXT: Final = 0.3
_QR: Final = 0.5
_EDGE: Final = 0.2
_FLAGGED: Final = 4.0
"""More than all the rest together: what the screen leaves to a judge that sees must be seen, whatever else there is."""

Thumbnail: TypeAlias = npt.NDArray[np.float32]
"""32 x 32 grey values from 0 to 1."""


@dataclass(frozen=True)
class _Candidate:
    ref: FrameRef
    small: Thumbnail
    worth: float
    has_own_text: bool


@dataclass(frozen=True)
class Choice:
    """Pictures to show.

    Attributes:
        frames: In the order of time.
        lost: Ids of those that there is no choosing: they are no longer kept, or cannot be read.
    """

    frames: tuple[FrameRef, ...]
    lost: tuple[str, ...]


def choose_frames(case: Case, frames: FrameStore, *, most: int) -> Choice:
    """Return at most ``most`` of the case's pictures; fewer where the others show nothing new.

    Args:
        case: With what perception read and measured.
        frames: Where the pictures are.
        most: Pictures that the model may be shown.
    """
    left, lost = _candidates(case, frames)
    chosen: list[_Candidate] = []
    nearest = [1.0] * len(left)
    while left and len(chosen) < most:
        # The earliest of equals; the difference counts only against what was chosen, so the first is the one that tells most by itself.
        best = max(range(len(left)), key=lambda place: (left[place].worth + (nearest[place] if chosen else 0.0), -place))
        taken = left.pop(best)
        nearest.pop(best)
        chosen.append(taken)
        nearest = [min(near, difference(one.small, taken.small)) for near, one in zip(nearest, left, strict=True)]
        # A picture on which something was read that no other has is no repetition, however alike the two look from afar.
        fresh = [near >= SAME or one.has_own_text for near, one in zip(nearest, left, strict=True)]
        left = [one for one, keep in zip(left, fresh, strict=True) if keep]
        nearest = [near for near, keep in zip(nearest, fresh, strict=True) if keep]
    return Choice(tuple(sorted((one.ref for one in chosen), key=lambda ref: (ref.at_s, ref.frame_id))), tuple(lost))


def difference(one: Thumbnail, other: Thumbnail) -> float:
    """Return how much the most different part of two pictures differs, from 0 (the same) to 1."""
    parts = _SIDE // _PART
    blocks = (one - other).reshape(parts, _PART, parts, _PART).mean(axis=(1, 3))
    return float(np.abs(blocks).max())


def thumbnail(data: bytes) -> Thumbnail | None:
    """Return a picture as 32 x 32 grey values, or ``None`` if it cannot be read."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            # Lets the decoder leave out the detail that is thrown away in any case.
            picture.draft("L", (_SIDE * 4, _SIDE * 4))
            small = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def _candidates(case: Case, frames: FrameStore) -> tuple[list[_Candidate], list[str]]:
    known = {frame.frame_id for frame in case.segment.frames}
    refs = sorted((ref for ref in case.frames if ref.frame_id in known), key=lambda ref: (ref.at_s, ref.frame_id))
    worths = _worths(case, refs)
    own = {overlay.frame_id for overlay in case.segment.overlays}
    found: list[_Candidate] = []
    lost: list[str] = []
    for ref in refs:
        data = frames.get(ref.sha256)
        small = None if data is None else thumbnail(data)
        if small is None:
            lost.append(ref.frame_id)
        else:
            found.append(_Candidate(ref, small, worths[ref.frame_id], ref.frame_id in own))
    return found, lost


def _worths(case: Case, refs: list[FrameRef]) -> dict[str, float]:
    suspects = {suspect.item_id: max(suspect.scores, default=0.0) for suspect in case.screened.suspects}
    worths = {}
    for ref in refs:
        texts = [overlay for overlay in case.segment.overlays if _is_on(overlay, ref)]
        worth = _TEXT * min(1.0, sum(len(overlay.text) for overlay in texts) / MUCH_TEXT)
        worth += _worst(suspects, texts)
        worth += _QR * any(overlay.origin is Origin.QR for overlay in texts)
        nudity = max(
            (signal.value for signal in case.segment.signals if signal.kind is SignalKind.NUDITY and is_of(signal, ref)),
            default=0.0,
        )
        worth += nudity + _FLAGGED * (nudity >= case.thresholds.screen.nudity)
        worths[ref.frame_id] = worth + _EDGE * (ref in (refs[0], refs[-1]))
    return worths


def _is_on(overlay: OverlayText, ref: FrameRef) -> bool:
    return overlay.frame_id == ref.frame_id if overlay.frame_id else abs(overlay.at_s - ref.at_s) <= NEAR_S


def _worst(suspects: Mapping[str, float], texts: Iterable[OverlayText]) -> float:
    return max((suspects.get(overlay.overlay_id, 0.0) for overlay in texts), default=0.0)
