"""Recordings: what a window of an mp4 or HLS file shows and sounds like, read within limits.

FFmpeg (through PyAV) never opens a file by name here: it is handed open files of the media folder, and the container format is given, so
that neither a URL nor a file in another format than its name says is ever followed.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from livesteward.agents.perception.deadline import Deadline
from livesteward.agents.perception.paths import inside, open_bounded
from livesteward.agents.perception.pictures import Pixels
from livesteward.agents.perception.playlist import check_playlist
from livesteward.errors import PerceptionError
from livesteward.settings import PerceptionSettings

SAMPLE_RATE = 16_000
MEDIA_SUFFIXES = (".mp4", ".m3u8")
LONGEST_SIDE = 1_920
"""Pictures larger than this many pixels on a side are scaled down while they are decoded."""
MAX_GAP_S = 4.0
"""Where key frames lie farther apart than this, the pictures between them are decoded too."""
CANDIDATES = 24
"""Pictures of one window that are compared before the most different ones are kept."""
CUT_OFF_S = 2.0
"""A recording that ends this much earlier than its header says is damaged."""

_FORMATS = {".mp4": "mp4", ".m4s": "mp4", ".m4v": "mp4", ".m4a": "mp4", ".m3u8": "hls"}


@dataclass(frozen=True)
class MediaFacts:
    """What a recording's header says. Width and height are 0 where there is no picture."""

    duration_s: float
    width: int
    height: int
    has_sound: bool


@dataclass(frozen=True)
class Picture:
    """One decoded picture, ``at_s`` seconds after the start of the window."""

    at_s: float
    pixels: Pixels


@dataclass(frozen=True)
class Sample:
    """What a window holds: pictures in the order of time, and mono sound of 16 kHz (``None`` where there is no sound track)."""

    facts: MediaFacts
    pictures: tuple[Picture, ...]
    sound: npt.NDArray[np.float32] | None


def probe(root: Path, relative: str, settings: PerceptionSettings) -> MediaFacts:
    """Read the header of a recording.

    Args:
        root: The media folder.
        relative: An mp4 or m3u8 file in it.
        settings: The limits.

    Raises:
        PerceptionError: If it cannot be read within the limits.
    """
    with _opened(root, relative, settings) as container:
        return _facts(container, relative, settings)


def media_digest(root: Path, relative: str, settings: PerceptionSettings) -> str:
    """Return the SHA-256 of a recording's bytes: for HLS, of the playlist and of every file that it names, in order.

    Raises:
        PerceptionError: If it cannot be read within the limits.
    """
    limit = settings.max_file_mb * 1_000_000
    names = [relative]
    if relative.lower().endswith(".m3u8"):
        names += check_playlist(root, relative, max_bytes=limit)
    digests = []
    for name in names:
        with open_bounded(inside(root, name), max_bytes=limit, name=name) as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def sample(
    root: Path, relative: str, *, start_s: float, duration_s: float, settings: PerceptionSettings, deadline: Deadline, sound: bool = True
) -> Sample:
    """Decode what a window of a recording shows and sounds like.

    Args:
        root: The media folder.
        relative: An mp4 or m3u8 file in it.
        start_s: Where the window begins, in seconds of the recording.
        duration_s: Its length in seconds.
        settings: The limits, and how many pictures are wanted in the end.
        deadline: When to give up.
        sound: Whether the sound is wanted.

    Raises:
        PerceptionError: If it cannot be read within the limits, is damaged, or ends before the window begins.
    """
    with _opened(root, relative, settings) as container:
        facts = _facts(container, relative, settings)
        if facts.duration_s and start_s >= facts.duration_s:
            raise PerceptionError(f"{relative}: the window starts at {start_s:g} s, but the recording lasts {facts.duration_s:.1f} s")
        window = _Window(container, relative, facts, start_s, duration_s, settings, deadline)
        pictures = window.pictures(keys_only=True)
        if facts.width and _widest_gap(pictures, min(duration_s, facts.duration_s - start_s)) > MAX_GAP_S:
            pictures = window.pictures(keys_only=False)
        heard = window.sound() if sound and facts.has_sound else None
        return Sample(facts=facts, pictures=tuple(pictures), sound=heard)


def sound_of(
    root: Path, relative: str, *, start_s: float, duration_s: float, settings: PerceptionSettings, deadline: Deadline
) -> npt.NDArray[np.float32] | None:
    """Decode what a window of a recording sounds like, and nothing of its pictures; see :func:`sample`.

    Raises:
        PerceptionError: If it cannot be read within the limits, or is damaged.
    """
    with _opened(root, relative, settings) as container:
        facts = _facts(container, relative, settings)
        return _Window(container, relative, facts, start_s, duration_s, settings, deadline).sound() if facts.has_sound else None


class _Window:
    """One window of one open recording; each reading seeks anew."""

    def __init__(
        self,
        container: Any,
        name: str,
        facts: MediaFacts,
        start_s: float,
        duration_s: float,
        settings: PerceptionSettings,
        deadline: Deadline,
    ) -> None:
        self._container, self._name, self._settings, self._deadline = container, name, settings, deadline
        self._base = (container.start_time or 0) / 1_000_000
        self._start, self._length = start_s, duration_s
        self._stop = min(duration_s, facts.duration_s - start_s) if facts.duration_s else duration_s

    def pictures(self, *, keys_only: bool) -> list[Picture]:
        """Return at most about :data:`CANDIDATES` pictures, evenly spread over those that there are."""
        stream = self._container.streams.best("video")
        if stream is None:
            return []
        # Seeking does not clear a decoder's choice of frames: set it for each reading.
        stream.codec_context.skip_frame = "NONKEY" if keys_only else "DEFAULT"
        step = self._length / max(CANDIDATES, self._settings.max_frames)
        found: list[Picture] = []
        for frame in self._frames(stream):
            if frame.width * frame.height > self._settings.max_pixels:
                raise PerceptionError(_too_many_pixels(self._name, frame.width, frame.height, self._settings))
            at_s = float(frame.time) - self._base - self._start
            if found and at_s < found[-1].at_s + step:
                continue
            found.append(Picture(at_s=round(max(0.0, at_s), 3), pixels=_pixels(frame)))
        return found

    def sound(self) -> npt.NDArray[np.float32]:
        """Return the sound of the window as mono samples of -1 to 1 at 16 kHz."""
        import av

        stream = self._container.streams.best("audio")
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        most = int((self._length + 5) * SAMPLE_RATE)
        parts: list[npt.NDArray[np.float32]] = []
        first: float | None = None
        total = 0
        for frame in self._frames(stream):
            first = float(frame.time) - self._base - self._start if first is None else first
            for piece in resampler.resample(frame):
                parts.append(piece.to_ndarray().reshape(-1).astype(np.float32))
                total += parts[-1].size
            if total > most:
                raise PerceptionError(f"{self._name}: the sound holds more than its clock says; the file is damaged or made to mislead")
        if not parts:
            return np.zeros(0, dtype=np.float32)
        samples = np.nan_to_num(np.concatenate(parts))
        late = round((first or 0.0) * SAMPLE_RATE)
        samples = np.concatenate([np.zeros(late, dtype=np.float32), samples]) if late > 0 else samples[-late:]
        return np.clip(samples[: int(self._length * SAMPLE_RATE)], -1.0, 1.0)

    def _frames(self, stream: Any) -> Iterator[Any]:
        import av

        self._container.seek(int((self._start + self._base) * 1_000_000))
        last = 0.0
        try:
            for packet in self._container.demux(stream):
                self._deadline.check(f"reading {self._name}")
                at_s = None if packet.pts is None else float(packet.pts * packet.time_base) - self._base - self._start
                if at_s is not None:
                    last = max(last, at_s + float((packet.duration or 0) * packet.time_base))
                for frame in packet.decode():
                    if frame.is_corrupt:
                        raise PerceptionError(f"{self._name}: damaged near {max(0.0, last) + self._start:.1f} s")
                    if frame.time is not None and -1e-3 <= float(frame.time) - self._base - self._start < self._length:
                        yield frame
                # Decoders reorder pictures: read a little past the end before stopping.
                if at_s is not None and at_s > self._length + 1:
                    break
        except av.FFmpegError as error:
            raise PerceptionError(f"{self._name}: damaged near {max(0.0, last) + self._start:.1f} s ({_reason(error)})") from error
        if last < self._stop - CUT_OFF_S and (
            stream.duration is None or last + self._start < float(stream.duration * stream.time_base) - CUT_OFF_S
        ):
            raise PerceptionError(f"{self._name}: cut off after {last + self._start:.1f} s, although it says that it goes on")


@contextlib.contextmanager
def _opened(root: Path, relative: str, settings: PerceptionSettings) -> Iterator[Any]:
    import av

    suffix = posixpath.splitext(relative)[1].lower()
    if suffix not in MEDIA_SUFFIXES:
        raise PerceptionError(f"{relative}: a recording is an .mp4 or .m3u8 file; convert it, for example with ffmpeg")
    limit = settings.max_file_mb * 1_000_000
    allowed = frozenset(check_playlist(root, relative, max_bytes=limit)) if suffix == ".m3u8" else frozenset[str]()
    with contextlib.ExitStack() as files:

        def io_open(url: str, flags: int, options: dict[str, str]) -> BinaryIO:
            name = posixpath.normpath(url)
            if name not in {posixpath.normpath(file) for file in allowed}:
                raise PerceptionError(f"{relative}: FFmpeg asked for {url[:200]!r}, which the playlist does not name")
            return files.enter_context(open_bounded(inside(root, name), max_bytes=limit, name=name))

        main = files.enter_context(open_bounded(inside(root, relative), max_bytes=limit, name=relative))
        try:
            container = av.open(
                _Named(main, relative.replace("\\", "/")),
                format=_FORMATS[suffix],
                options={"protocol_whitelist": "file", "allowed_extensions": "ts,m4s,mp4,m4a,m4v,aac,m3u8"} if allowed else {},
                metadata_errors="ignore",
                io_open=io_open,
                timeout=settings.timeout_s,
            )
        except (av.FFmpegError, ValueError, OverflowError) as error:
            raise PerceptionError(f"{relative}: cannot be read as {suffix[1:]} ({_reason(error)})") from error
        with container:
            yield container


class _Named:
    """An open file with a name of our choice, from which FFmpeg derives the names in a playlist."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name, self.read, self.seek, self.tell = name, file.read, file.seek, file.tell


def _facts(container: Any, name: str, settings: PerceptionSettings) -> MediaFacts:
    video, audio = container.streams.best("video"), container.streams.best("audio")
    if video is None and audio is None:
        raise PerceptionError(f"{name}: holds neither picture nor sound")
    width, height = (video.codec_context.width, video.codec_context.height) if video is not None else (0, 0)
    if width * height > settings.max_pixels:
        raise PerceptionError(_too_many_pixels(name, width, height, settings))
    if video is not None:
        # A stream may change its size on the way: FFmpeg refuses the larger picture before it allocates it.
        video.codec_context.options = {"max_pixels": str(settings.max_pixels)}
        video.codec_context.thread_count = settings.threads
    return MediaFacts(duration_s=max(0.0, (container.duration or 0) / 1_000_000), width=width, height=height, has_sound=audio is not None)


def _too_many_pixels(name: str, width: int, height: int, settings: PerceptionSettings) -> str:
    return f"{name}: {width}x{height} are more than the {settings.max_pixels:,} pixels allowed (perception.max_pixels)"


def _pixels(frame: Any) -> Pixels:
    scale = min(1.0, LONGEST_SIDE / max(frame.width, frame.height))
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    picture: Pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(picture, k=round(frame.rotation / 90) % 4))


def _widest_gap(pictures: list[Picture], length: float) -> float:
    times = [0.0, *(picture.at_s for picture in pictures), length]
    return max(later - earlier for earlier, later in itertools.pairwise(times))


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)[:200]
