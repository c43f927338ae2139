"""Putting what was perceived into the segment."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from livesteward.agents.perception.kinds import QrCode
from livesteward.agents.perception.ocr import TextBlock
from livesteward.agents.perception.sources import Seen, free_id
from livesteward.agents.perception.speech import Transcript
from livesteward.contracts import Frame, Origin, OverlayText, Segment, Signal, SignalKind

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def enriched(
    segment: Segment,
    seen: Seen,
    *,
    ocr: Sequence[TextBlock] | None,
    codes: Sequence[QrCode] | None,
    nudity: Sequence[Signal] | None,
    transcript: Transcript,
    languages: Sequence[Signal] | None,
) -> Segment:
    """Return the segment with what was read, heard and measured, and with references in place of the bytes of its frames.

    The ids are ``key-1``, ``asr-1``, ``ocr-1`` and ``qr-1`` and so on; where the platform uses one of these already, the new one gets a
    letter more.
    """
    taken = (
        {item.item_id for item in segment.items()}
        | {frame.frame_id for frame in segment.frames}
        | {frame.ref.frame_id for frame in seen.frames}
    )
    digests = {frame.ref.frame_id: frame.ref.sha256 for frame in seen.frames}
    frames = [frame.model_copy(update={"image": None, "sha256": digests.get(frame.frame_id, frame.sha256)}) for frame in segment.frames]
    frames += [Frame(frame_id=frame.ref.frame_id, at_s=frame.ref.at_s, sha256=frame.ref.sha256) for frame in seen.frames if frame.key_frame]
    overlays = [
        OverlayText(
            overlay_id=free_id(f"ocr-{number}", taken),
            at_s=block.at_s,
            text=_clean(block.text),
            frame_id=block.frame_id,
            origin=Origin.OCR,
            confidence=block.confidence,
        )
        for number, block in enumerate(ocr or (), start=1)
    ]
    known = {overlay.text for overlay in segment.overlays}
    fresh = [code for code in codes or () if code.text not in known]
    overlays += [
        OverlayText(
            overlay_id=free_id(f"qr-{number}", taken),
            at_s=code.at_s,
            text=_clean(code.text)[:4_000],
            frame_id=code.frame_id,
            origin=Origin.QR,
        )
        for number, code in enumerate(fresh, start=1)
    ]
    utterances = [
        utterance.model_copy(update={"utterance_id": free_id(utterance.utterance_id, taken), "text": _clean(utterance.text)})
        for utterance in transcript.utterances
    ]
    changes = [
        Signal(kind=SignalKind.SCENE_CHANGE, at_s=frame.ref.at_s, value=frame.change, ref=frame.ref.frame_id)
        for frame in seen.frames
        if frame.key_frame
    ]
    # Built anew rather than copied, so that the contract is checked again with what strangers' media brought in.
    return Segment(
        **{
            **dict(segment),
            "frames": tuple(sorted(frames, key=lambda frame: frame.at_s)),
            "overlays": (*segment.overlays, *overlays),
            "utterances": (*segment.utterances, *utterances),
            "signals": (*segment.signals, *changes, *(nudity or ()), *(languages or ())),
        }
    )


def _clean(text: str) -> str:
    """Give a text the form that the platform's texts have by now, in which quotes are looked for: NFC, no control characters."""
    return _CONTROL.sub(" ", unicodedata.normalize("NFC", text))
