"""What each kind of perception does with a segment's pictures and sound, and what is kept of it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from livesteward.agents.perception.deadline import Deadline
from livesteward.agents.perception.language import detect_language
from livesteward.agents.perception.nudity import nudity_scores
from livesteward.agents.perception.ocr import TextBlock, merge_blocks, read_blocks
from livesteward.agents.perception.pictures import Pixels
from livesteward.agents.perception.qr import read_codes
from livesteward.agents.perception.sources import MediaSource, Seen, SeenFrame
from livesteward.agents.perception.speech import Transcript, transcribe
from livesteward.agents.perception.store import FrameStore, ResultCache, cache_key
from livesteward.contracts import Contract, Segment, Signal, SignalKind
from livesteward.contracts.base import Probability
from livesteward.errors import PerceptionError
from livesteward.settings import Settings

NAMES = ("ocr", "qr", "nudity", "speech", "language")
KINDS_VERSION = 1
"""Counts up when the same model would be used in another way, so that older cached results are not used."""


class QrCode(Contract):
    """What a QR code says, and where it was first seen."""

    frame_id: str
    at_s: float
    text: str


class _Blocks(Contract):
    items: tuple[TextBlock, ...]


class _Codes(Contract):
    items: tuple[str, ...]


class _Score(Contract):
    value: Probability


@dataclass(frozen=True)
class Given:
    """What a kind works on."""

    segment: Segment
    seen: Seen
    settings: Settings
    deadline: Deadline
    frames: FrameStore
    cache: ResultCache
    _decoded: dict[str, Pixels] = field(default_factory=dict)

    @property
    def no_pictures(self) -> str:
        """Why there is nothing to look at, or nothing."""
        return "" if self.seen.frames else self.seen.problem or "there are no pictures"

    @property
    def no_sound(self) -> str:
        """Why there is nothing to listen to, or nothing."""
        if self.segment.utterances:
            return "the platform gave the transcript"
        return "" if self.seen.has_sound else self.seen.problem or "there is no sound"

    def pixels(self, frame: SeenFrame) -> Pixels:
        """Decode a picture from the store; the kinds share it."""
        digest = frame.ref.sha256
        if digest not in self._decoded:
            data = self.frames.get(digest)
            if data is None:
                raise PerceptionError(f"frame {frame.ref.frame_id!r} is no longer kept; run again")
            with Image.open(io.BytesIO(data)) as image:
                self._decoded[digest] = np.asarray(image.convert("RGB"))
        return self._decoded[digest]


def read_texts(given: Given, model: str) -> tuple[TextBlock, ...]:
    """Read the text of all pictures, each text once, without those that the platform gave."""
    found: list[TextBlock] = []
    for frame in given.seen.frames:
        given.deadline.check("reading the text on the picture")
        key = cache_key("ocr", KINDS_VERSION, model, frame.ref.sha256)
        kept = given.cache.get("ocr", key, _Blocks)
        if kept is None:
            blocks = read_blocks(given.pixels(frame), at_s=0, frame_id="", threads=given.settings.perception.threads)
            kept = _Blocks(items=blocks)
            given.cache.put("ocr", key, kept)
        found += [block.model_copy(update={"at_s": frame.ref.at_s, "frame_id": frame.ref.frame_id}) for block in kept.items]
    return merge_blocks(found, known=[overlay.text for overlay in given.segment.overlays])


def read_qr(given: Given, model: str) -> tuple[QrCode, ...]:
    """Read the QR codes of all pictures, each once."""
    found: dict[str, QrCode] = {}
    for frame in given.seen.frames:
        given.deadline.check("reading QR codes")
        key = cache_key("qr", KINDS_VERSION, model, frame.ref.sha256)
        kept = given.cache.get("qr", key, _Codes)
        if kept is None:
            kept = _Codes(items=read_codes(given.pixels(frame)))
            given.cache.put("qr", key, kept)
        for text in kept.items:
            found.setdefault(text, QrCode(frame_id=frame.ref.frame_id, at_s=frame.ref.at_s, text=text))
    return tuple(found.values())


def score_nudity(given: Given, model: str) -> tuple[Signal, ...]:
    """Score every picture."""
    keys = {frame: cache_key("nudity", KINDS_VERSION, model, frame.ref.sha256) for frame in given.seen.frames}
    scores = {frame: kept.value for frame in keys if (kept := given.cache.get("nudity", keys[frame], _Score)) is not None}
    missing = [frame for frame in keys if frame not in scores]
    given.deadline.check("looking for nudity")
    fresh = nudity_scores([given.pixels(frame) for frame in missing], threads=given.settings.perception.threads) if missing else ()
    for frame, score in zip(missing, fresh, strict=True):
        scores[frame] = score
        given.cache.put("nudity", keys[frame], _Score(value=score))
    return tuple(
        Signal(kind=SignalKind.NUDITY, at_s=frame.ref.at_s, value=scores[frame], ref=frame.ref.frame_id, model=model) for frame in keys
    )


def hear(given: Given, model: str, source: MediaSource) -> Transcript:
    """Recognise what is said."""
    media = source.segment.media
    assert media is not None
    language = given.segment.language
    key = cache_key("speech", KINDS_VERSION, model, given.seen.media_digest, media.start_s, given.segment.duration_s, language)
    kept = given.cache.get("speech", key, Transcript)
    if kept is not None:
        return kept
    sound = given.seen.sound()
    if sound is None:
        raise PerceptionError(f"{media.path}: the sound could not be decoded")
    transcript = transcribe(
        sound,
        language=language,
        cache_dir=given.settings.cache_dir,
        threads=given.settings.perception.threads,
        deadline=given.deadline,
    )
    given.cache.put("speech", key, transcript)
    return transcript


def texts_by_source(segment: Segment, transcript: Transcript, blocks: tuple[TextBlock, ...] | None) -> dict[str, str]:
    """Return what can be read for its language: what is said (else what is shown), and what the chat writes."""
    said = " ".join(utterance.text for utterance in (*segment.utterances, *transcript.utterances))
    shown = " ".join([segment.title, *(overlay.text for overlay in segment.overlays), *(block.text for block in blocks or ())])
    chat = " ".join(message.text for message in segment.chat[:100])
    texts = {"speech": said, "picture": "" if said else shown, "chat": chat}
    return {name: text for name, text in texts.items() if text.strip()}


def languages(texts: dict[str, str], model: str) -> tuple[Signal, ...]:
    """Say which language each text is in; one that is too short says nothing."""
    found = {name: detect_language(text) for name, text in texts.items()}
    return tuple(
        Signal(kind=SignalKind.LANGUAGE, label=guess[0], value=guess[1], model=f"{model}, on {name}")
        for name, guess in found.items()
        if guess is not None
    )
