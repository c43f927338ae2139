"""The pictures and the sound of a segment: from its recording, and from the frames that the platform gave."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from livesteward.agents.perception.deadline import Deadline
from livesteward.agents.perception.media import Picture, Sample, media_digest, sample, sound_of
from livesteward.agents.perception.paths import inside, open_bounded
from livesteward.agents.perception.perceived import FrameRef
from livesteward.agents.perception.pictures import Pixels, choose, read_picture, to_jpeg
from livesteward.agents.perception.store import FrameStore, ResultCache, cache_key
from livesteward.contracts import Contract, Frame, Segment
from livesteward.contracts.base import Probability
from livesteward.errors import PerceptionError
from livesteward.settings import PerceptionSettings, Settings

SOURCES_VERSION = 1
"""Counts up when other pictures would be taken from the same recording, so that older cached choices are not used."""

Sound = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SeenFrame:
    """A picture of the segment: where its bytes are, and how much it differs from the one before."""

    ref: FrameRef
    change: float = 0.0
    key_frame: bool = False


@dataclass(frozen=True)
class Seen:
    """All pictures of a segment in the order of time, and what could not be read."""

    frames: tuple[SeenFrame, ...] = ()
    media_digest: str = ""
    has_sound: bool = False
    sound: Callable[[], Sound | None] = field(default=lambda: None, repr=False)
    problems: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class MediaSource:
    """Where a segment's pictures and sound come from."""

    segment: Segment
    root: Path | None
    settings: Settings
    want_sound: bool

    @property
    def limits(self) -> PerceptionSettings:
        """The limits within which media are read."""
        return self.settings.perception

    @property
    def why_not_needed(self) -> str:
        """Why nothing is looked at, or nothing at all."""
        if self.segment.media is None and not any(frame.path or frame.image for frame in self.segment.frames):
            return "the segment has no recording and no frames"
        on = self.limits
        return "" if on.ocr or on.qr or on.nudity or on.speech else "all perception of pictures and sound is switched off"

    @property
    def needed(self) -> bool:
        """Whether there is something to look at or listen to."""
        return not self.why_not_needed

    def sample(self, deadline: Deadline, *, sound: bool) -> Sample:
        """Decode the segment's window of its recording."""
        media = self.segment.media
        assert media is not None
        return sample(
            self.folder(media.path),
            media.path,
            start_s=media.start_s,
            duration_s=self.segment.duration_s,
            settings=self.limits,
            deadline=deadline,
            sound=sound,
        )

    def folder(self, name: str) -> Path:
        """Return the media folder.

        Raises:
            PerceptionError: If the caller gave none.
        """
        if self.root is None:
            raise PerceptionError(f"{name}: the segment names a file, but no media folder was given; pass media_root")
        return self.root


class _CachedLook(Contract):
    """The pictures that were chosen from a window."""

    frames: tuple[FrameRef, ...]
    changes: tuple[Probability, ...]
    has_sound: bool


def look(source: MediaSource, store: FrameStore, cache: ResultCache, deadline: Deadline) -> Seen:
    """Take a segment's pictures and put them into the store; the sound is decoded with them or when it is asked for.

    Raises:
        PerceptionError: If the recording cannot be read.
    """
    given, problems = _given_frames(source, store)
    if source.segment.media is None:
        return Seen(frames=given, problems=problems)
    try:
        digest = _checked_digest(source)
        from_recording, has_sound, sound = _recording(source, digest, store, cache, deadline)
    except PerceptionError as error:
        return Seen(frames=given, problems=(*problems, str(error)), problem="the media could not be read")
    frames = sorted([*given, *from_recording], key=lambda frame: frame.ref.at_s)
    return Seen(frames=tuple(frames), media_digest=digest, has_sound=has_sound, sound=sound, problems=problems)


def listen(source: MediaSource, deadline: Deadline) -> Seen:
    """Take the sound of a segment's recording, decoded when it is asked for, and none of its pictures.

    Raises:
        PerceptionError: If the recording is not the one that was meant, or cannot be read.
    """
    media = source.segment.media
    assert media is not None

    def sound() -> Sound | None:
        return sound_of(
            source.folder(media.path),
            media.path,
            start_s=media.start_s,
            duration_s=source.segment.duration_s,
            settings=source.limits,
            deadline=deadline,
        )

    return Seen(media_digest=_checked_digest(source), has_sound=True, sound=sound)


def _checked_digest(source: MediaSource) -> str:
    media = source.segment.media
    assert media is not None
    digest = _digest(source, media.path)
    if media.sha256 is not None and media.sha256 != digest:
        raise PerceptionError(
            f"{media.path}: its SHA-256 is {digest[:12]}..., but the segment says {media.sha256[:12]}...: not the file that was meant"
        )
    return digest


def _recording(
    source: MediaSource, digest: str, store: FrameStore, cache: ResultCache, deadline: Deadline
) -> tuple[list[SeenFrame], bool, Callable[[], Sound | None]]:
    media, limits = source.segment.media, source.limits
    assert media is not None
    key = cache_key("look", SOURCES_VERSION, digest, media.start_s, source.segment.duration_s, limits.max_frames, limits.max_pixels)
    taken = {frame.frame_id for frame in source.segment.frames} | {item.item_id for item in source.segment.items()}
    cached = cache.get("look", key, _CachedLook)
    if cached is not None and all(store.get(frame.sha256) is not None for frame in cached.frames):
        # The results on sound are cached too: it is decoded again only if those were not.
        frames, changes, has_sound = cached.frames, cached.changes, cached.has_sound

        def sound() -> Sound | None:
            return source.sample(deadline, sound=True).sound

    else:
        decoded = source.sample(deadline, sound=source.want_sound)
        chosen = choose([picture.pixels for picture in decoded.pictures], limits.max_frames)
        frames = tuple(_kept(decoded.pictures[index], number, store) for number, (index, _) in enumerate(chosen, start=1))
        changes = tuple(min(1.0, round(change, 4)) for _, change in chosen)
        has_sound = decoded.facts.has_sound
        cache.put("look", key, _CachedLook(frames=frames, changes=changes, has_sound=has_sound))

        def sound() -> Sound | None:
            return decoded.sound

    seen = [
        SeenFrame(ref=ref.model_copy(update={"frame_id": free_id(ref.frame_id, taken)}), change=change, key_frame=True)
        for ref, change in zip(frames, changes, strict=True)
    ]
    return seen, has_sound, sound


def free_id(wanted: str, taken: set[str]) -> str:
    """Return ``wanted``, or with a letter more where the platform (or a stranger through it) has used it, and mark it as taken."""
    while wanted in taken:
        wanted += "x"
    taken.add(wanted)
    return wanted


def _kept(picture: Picture, number: int, store: FrameStore) -> FrameRef:
    return FrameRef(frame_id=f"key-{number}", at_s=picture.at_s, sha256=store.put(to_jpeg(picture.pixels)))


def _given_frames(source: MediaSource, store: FrameStore) -> tuple[tuple[SeenFrame, ...], tuple[str, ...]]:
    """Read the frames that the platform gave; of many, the first, the last and an even choice between them."""
    frames = [frame for frame in source.segment.frames if frame.path or frame.image]
    most = source.limits.max_frames
    if len(frames) > most:
        frames = [frames[round(step * (len(frames) - 1) / max(1, most - 1))] for step in range(most)]
    seen: list[SeenFrame] = []
    problems: list[str] = []
    for frame in frames:
        try:
            pixels = _frame_pixels(source, frame)
        except PerceptionError as error:
            problems.append(f"frame {frame.frame_id!r}: {error}")
            continue
        seen.append(SeenFrame(FrameRef(frame_id=frame.frame_id, at_s=frame.at_s, sha256=store.put(to_jpeg(pixels)))))
    return tuple(seen), tuple(problems)


def _frame_pixels(source: MediaSource, frame: Frame) -> Pixels:
    if frame.image is not None:
        data, name = frame.image, "image"
        if len(data) > source.limits.max_file_mb * 1_000_000:
            raise PerceptionError(
                f"{name}: {len(data) / 1e6:.0f} MB are more than the {source.limits.max_file_mb} MB allowed (perception.max_file_mb)"
            )
    else:
        name = frame.path or ""
        with open_bounded(inside(source.folder(name), name), max_bytes=source.limits.max_file_mb * 1_000_000, name=name) as file:
            data = file.read()
    if frame.sha256 is not None and hashlib.sha256(data).hexdigest() != frame.sha256:
        raise PerceptionError(f"{name}: its SHA-256 is not the one that the segment says")
    return read_picture(data, max_pixels=source.limits.max_pixels, name=name)


_digests: OrderedDict[tuple[str, int, int, int], str] = OrderedDict()
_digests_lock = threading.Lock()


def _digest(source: MediaSource, relative: str) -> str:
    """Return the recording's digest; remembered as long as the file is the same, since many windows share a file."""
    root = source.folder(relative)
    found = inside(root, relative).stat()
    key = (str(inside(root, relative)), found.st_ino, found.st_size, found.st_mtime_ns)
    # A playlist's own file says nothing about the files that it names: those are read each time.
    if relative.lower().endswith(".m3u8"):
        return media_digest(root, relative, source.limits)
    with _digests_lock:
        known = _digests.get(key)
    if known is None:
        known = media_digest(root, relative, source.limits)
        with _digests_lock:
            _digests[key] = known
            while len(_digests) > 1_000:
                _digests.popitem(last=False)
    return known
