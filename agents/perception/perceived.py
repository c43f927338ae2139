"""What perception hands on: the segment with what was read and heard in it, and references to its pictures."""

from __future__ import annotations

from livesteward.contracts import Contract, PerceptionReport, Segment
from livesteward.contracts.base import Identifier, Seconds, Sha256


class FrameRef(Contract):
    """A picture that was looked at; ``sha256`` finds its encoded bytes (JPEG) in the :class:`FrameStore`."""

    frame_id: Identifier
    at_s: Seconds
    sha256: Sha256


class Perceived(Contract):
    """A segment after perception.

    Attributes:
        segment: With new utterances (``asr-1`` ...), overlays (``ocr-1`` ..., ``qr-1`` ...), frames (``key-1`` ...) and signals. Frames
            hold no bytes any more.
        reports: One for ``media`` and one for each kind: ``ocr``, ``qr``, ``nudity``, ``speech``, ``language``.
        frames: The pictures that were looked at, in the order of time.
    """

    segment: Segment
    reports: tuple[PerceptionReport, ...]
    frames: tuple[FrameRef, ...] = ()
