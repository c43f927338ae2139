"""A segment: a window of one live stream with everything that is known in it.

All times of things inside a segment (``at_s``) are seconds from the start of the segment; the time in the stream is
``segment.offset_s + at_s``.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Base64Bytes, Field, field_validator, model_validator

from livesteward.contracts.base import (
    Contract,
    Identifier,
    Language,
    Modality,
    Probability,
    Region,
    Seconds,
    Sha256,
    UtcTime,
)

MAX_ITEMS = 5_000
"""The most chat messages, utterances, overlays or gifts that one segment may hold."""


class Speaker(StrEnum):
    """Who speaks, as far as the platform can tell."""

    HOST = "host"
    GUEST = "guest"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Whether the platform supplied a text, a perception model read it, or a judge had it listened to once more."""

    PLATFORM = "platform"
    SPEECH_RECOGNITION = "speech_recognition"
    HEARD_AGAIN = "heard_again"
    OCR = "ocr"
    QR = "qr"


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _check_relative(value: str) -> str:
    parts = value.replace("\\", "/").split("/")
    if value.startswith(("/", "\\", "~")) or ".." in parts or ":" in value or _CONTROL.search(value) or not value.strip():
        raise ValueError(f"{value!r} must be a plain relative path inside the media folder, without '..' or a URL")
    return value


class Frame(Contract):
    """A picture of the stream: a file inside the media folder, or the encoded bytes (JPEG, PNG or WebP)."""

    frame_id: Identifier
    at_s: Seconds
    path: Annotated[str, Field(max_length=512)] | None = None
    image: Base64Bytes | None = Field(default=None, repr=False)
    sha256: Sha256 | None = None

    _relative = field_validator("path")(lambda value: value if value is None else _check_relative(value))


class Utterance(Contract):
    """Something said."""

    utterance_id: Identifier
    at_s: Seconds
    end_s: Seconds | None = None
    text: Annotated[str, Field(max_length=10_000)]
    speaker: Speaker = Speaker.HOST
    language: Language | None = None
    origin: Origin = Origin.PLATFORM
    confidence: Probability | None = None


class ChatMessage(Contract):
    """A message that a viewer (or the host) wrote."""

    message_id: Identifier
    at_s: Seconds
    viewer_id: Identifier
    text: Annotated[str, Field(max_length=4_000)]
    display_name: Annotated[str, Field(max_length=200)] = ""
    is_host: bool = False
    language: Language | None = None


class OverlayText(Contract):
    """Text on the picture: typed by the host, or read from a frame."""

    overlay_id: Identifier
    at_s: Seconds
    text: Annotated[str, Field(max_length=4_000)]
    frame_id: Identifier | None = None
    origin: Origin = Origin.PLATFORM
    confidence: Probability | None = None


class Gift(Contract):
    """A gift or payment from a viewer, with the message that came with it."""

    gift_id: Identifier
    at_s: Seconds
    viewer_id: Identifier
    name: Annotated[str, Field(max_length=200)]
    value_usd: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    message: Annotated[str, Field(max_length=1_000)] = ""


class SignalKind(StrEnum):
    """What a perception signal measures."""

    NUDITY = "nudity"
    LANGUAGE = "language"
    SCENE_CHANGE = "scene_change"


class Signal(Contract):
    """What a perception model says of a segment, beyond the texts that it read or heard.

    ``value`` is a probability for ``nudity`` and ``language`` and a difference from 0 to 1 for ``scene_change``; ``label`` is the
    language tag of a ``language`` signal.
    """

    kind: SignalKind
    at_s: Seconds = 0
    value: Probability
    label: Annotated[str, Field(max_length=64)] = ""
    ref: Identifier | None = None
    model: Annotated[str, Field(max_length=200)] = ""


class MediaRef(Contract):
    """The recording that a segment is a window of: an mp4 or HLS (.m3u8) file inside the media folder.

    Seconds from ``start_s`` of the file on belong to the segment, for its ``duration_s``.
    """

    path: Annotated[str, Field(max_length=512)]
    start_s: Seconds = 0
    sha256: Sha256 | None = None

    _relative = field_validator("path")(_check_relative)


class HostFacts(Contract):
    """What the platform knows of the host."""

    host_id: Identifier = "host"
    declared_age: Annotated[int, Field(ge=0, le=130)] | None = None
    verified: bool = False
    prior_strikes: Annotated[int, Field(ge=0, le=1_000)] = 0
    follower_count: Annotated[int, Field(ge=0)] | None = None


class Segment(Contract):
    """A window of one stream, usually 10-30 s, and what is known in it.

    Attributes:
        stream_id: The stream, as the platform names it.
        segment_id: This window; unique within its stream.
        starts_at: When it was broadcast, UTC.
        offset_s: Seconds from the start of the stream.
        duration_s: Its length in seconds, at most ten minutes.
        region: Where the host broadcasts from.
        audience_regions: Where it is watched; these decide which rulebooks apply unless the caller names others.
        language: The stream's language as declared.
        media: The recording to perceive from, if any.
    """

    stream_id: Identifier
    segment_id: Identifier
    starts_at: UtcTime
    offset_s: Seconds = 0
    duration_s: Annotated[float, Field(gt=0, le=600)] = 20
    region: Region
    audience_regions: Annotated[tuple[Region, ...], Field(max_length=60)] = ()
    language: Language | None = None
    title: Annotated[str, Field(max_length=500)] = ""
    stream_category: Annotated[str, Field(max_length=100)] = ""
    host: HostFacts = HostFacts()
    viewers: Annotated[int, Field(ge=0)] | None = None
    media: MediaRef | None = None
    frames: Annotated[tuple[Frame, ...], Field(max_length=600)] = ()
    utterances: Annotated[tuple[Utterance, ...], Field(max_length=MAX_ITEMS)] = ()
    chat: Annotated[tuple[ChatMessage, ...], Field(max_length=MAX_ITEMS)] = ()
    overlays: Annotated[tuple[OverlayText, ...], Field(max_length=MAX_ITEMS)] = ()
    gifts: Annotated[tuple[Gift, ...], Field(max_length=MAX_ITEMS)] = ()
    signals: Annotated[tuple[Signal, ...], Field(max_length=MAX_ITEMS)] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        # "title" is how evidence names the title.
        ids = {"title"} if self.title else set()
        for item_id in (
            *(utterance.utterance_id for utterance in self.utterances),
            *(message.message_id for message in self.chat),
            *(overlay.overlay_id for overlay in self.overlays),
            *(gift.gift_id for gift in self.gifts),
            *(frame.frame_id for frame in self.frames),
        ):
            if item_id in ids:
                raise ValueError(f"id {item_id!r} is used twice; frames, utterances, messages, overlays and gifts need ids of their own")
            ids.add(item_id)
        return self

    @property
    def regions(self) -> tuple[str, ...]:
        """The countries whose rules apply by default: the host's and the audience's, each once."""
        return tuple(dict.fromkeys((self.region, *self.audience_regions)))

    @property
    def spoken_by_unknown(self) -> frozenset[str]:
        """Ids of what somebody said of whom it is not known who; what a recogniser heard in the host's recording at first is not meant.

        What a judge had listened to again is: it would not have asked, had it been clear what was said and by whom.
        """
        return frozenset(
            utterance.utterance_id
            for utterance in self.utterances
            if utterance.speaker is Speaker.UNKNOWN and utterance.origin is not Origin.SPEECH_RECOGNITION
        )

    def items(self) -> tuple[TextItem, ...]:
        """Every text of the segment in one form, title first, then by time."""
        found = [TextItem(item_id="title", modality=Modality.TITLE, at_s=0, text=self.title)] if self.title else []
        timed = [
            *(
                TextItem(item_id=u.utterance_id, modality=Modality.SPEECH, at_s=u.at_s, text=u.text, speaker=u.speaker)
                for u in self.utterances
            ),
            *(TextItem(item_id=o.overlay_id, modality=Modality.OVERLAY, at_s=o.at_s, text=o.text) for o in self.overlays),
            *(
                TextItem(
                    item_id=c.message_id,
                    modality=Modality.CHAT,
                    at_s=c.at_s,
                    text=c.text,
                    viewer_id=None if c.is_host else c.viewer_id,
                )
                for c in self.chat
            ),
            *(
                TextItem(item_id=g.gift_id, modality=Modality.GIFT, at_s=g.at_s, text=g.message, viewer_id=g.viewer_id)
                for g in self.gifts
                if g.message
            ),
        ]
        return (*found, *sorted(timed, key=lambda item: item.at_s))


class TextItem(Contract):
    """One text of a segment, wherever it came from. ``viewer_id`` is set where a viewer wrote it."""

    item_id: Identifier
    modality: Modality
    at_s: Seconds
    text: Annotated[str, Field(max_length=10_000)]
    speaker: Speaker = Speaker.HOST
    viewer_id: Identifier | None = None
