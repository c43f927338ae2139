"""Streams and segments from files: a stream folder, one segment as JSON, or a bare recording.

A stream folder holds ``stream.json`` and, where there are any, ``stream.mp4``, ``chat.jsonl``, ``utterances.jsonl``,
``overlays.jsonl`` and ``gifts.jsonl``. Each line of a JSONL file is one message, utterance, overlay or gift as
:mod:`livesteward.contracts` has it, with ``at_s`` in seconds of the stream.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from livesteward.agents.perception.paths import inside, open_bounded
from livesteward.contracts import ChatMessage, Contract, Gift, HostFacts, MediaRef, OverlayText, Segment, Utterance
from livesteward.contracts.base import Identifier, Language, Region, UtcTime
from livesteward.errors import InputError, PerceptionError
from livesteward.settings import Settings

STREAM_FILE = "stream.json"
MAX_LINE_BYTES = 64_000
SHORTEST_LAST_S = 0.25
"""A rest of the stream shorter than this part of a segment is added to the segment before it."""

ContractT = TypeVar("ContractT", bound=Contract)


class StreamFile(Contract):
    """What ``stream.json`` says.

    Attributes:
        media: The recording, in the folder; without it ``stream.mp4``, if there is one.
        segment_s: Length of the segments that the stream is cut into, in seconds.
        duration_s: Length of the stream; only needed where there is no recording.
    """

    stream_id: Identifier
    region: Region
    audience_regions: Annotated[tuple[Region, ...], Field(max_length=60)] = ()
    language: Language | None = None
    title: Annotated[str, Field(max_length=500)] = ""
    stream_category: Annotated[str, Field(max_length=100)] = ""
    host: HostFacts = HostFacts()
    starts_at: UtcTime
    media: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    segment_s: Annotated[float, Field(ge=2, le=600)] = 20
    duration_s: Annotated[float, Field(gt=0, le=86_400 * 7)] | None = None
    viewers: Annotated[int, Field(ge=0)] | None = None


class LoadedStream(Contract):
    """The ordered segments of one stream, and the folder that their recording is in."""

    segments: Annotated[tuple[Segment, ...], Field(min_length=1)]
    media_root: Path | None = None


def load_path(
    path: Path,
    *,
    settings: Settings,
    region: str | None = None,
    audience_regions: Sequence[str] = (),
    language: str | None = None,
    title: str = "",
    segment_s: float = 20,
) -> LoadedStream:
    """Load whatever a path names: a stream folder, a segment as JSON, or a bare mp4 or m3u8 recording.

    Args:
        path: The folder or file.
        settings: The limits.
        region: Where the host broadcasts from, as ISO 3166-1 alpha-2; a bare recording needs it, and only it uses this and what follows.
        audience_regions: Where a bare recording is watched.
        language: The language of a bare recording, as a BCP 47 tag.
        title: The title of a bare recording.
        segment_s: Length of a bare recording's segments in seconds.

    Raises:
        InputError: If it is none of these, or wrong in itself; names file, line and field.
    """
    if path.is_dir():
        return load_stream(path, settings=settings)
    if path.suffix.lower() == ".json":
        return LoadedStream(segments=(load_segment(path, settings=settings),), media_root=path.parent)
    if path.suffix.lower() not in (".mp4", ".m3u8"):
        raise InputError("give a stream folder, a segment as .json, or a recording as .mp4 or .m3u8", field=str(path))
    if region is None:
        raise InputError("a bare recording does not say where it is from: give the region, such as --region SG", field=str(path))
    try:
        about = StreamFile(
            stream_id=path.stem[:128] or "stream",
            region=region,
            audience_regions=tuple(audience_regions),
            language=language,
            title=title,
            starts_at=datetime.now(UTC).replace(microsecond=0),
            media=path.name,
            segment_s=segment_s,
        )
    except ValidationError as error:
        raise InputError.from_validation(error, source=str(path)) from error
    return _cut(about, {}, path.parent, path, settings)


def load_segment(path: Path, *, settings: Settings) -> Segment:
    """Load one segment from a JSON file; its media are looked for beside it.

    Raises:
        InputError: If the file is missing, too large, or not a segment; names the field.
    """
    return _parse(Segment, _read(path.parent, path.name, settings), str(path))


def load_stream(path: Path, *, settings: Settings) -> LoadedStream:
    """Load a stream folder and cut it into segments.

    Raises:
        InputError: If a file is missing, too large or wrong; names file, line and field.
    """
    if not (path / STREAM_FILE).exists():
        raise InputError(f"there is no {STREAM_FILE}, which says what the stream is", field=str(path))
    about = _parse(StreamFile, _read(path, STREAM_FILE, settings), str(path / STREAM_FILE))
    items: dict[str, list[Any]] = {}
    seen: dict[str, str] = {"title": STREAM_FILE}
    for name, (model, id_field) in _ITEM_FILES.items():
        items[name] = _lines(path, f"{name}.jsonl", model, id_field, seen, settings) if (path / f"{name}.jsonl").exists() else []
    return _cut(about, items, path, path / STREAM_FILE, settings)


_ITEM_FILES: dict[str, tuple[type[Contract], str]] = {
    "chat": (ChatMessage, "message_id"),
    "utterances": (Utterance, "utterance_id"),
    "overlays": (OverlayText, "overlay_id"),
    "gifts": (Gift, "gift_id"),
}


def _cut(about: StreamFile, items: dict[str, list[Any]], root: Path, source: Path, settings: Settings) -> LoadedStream:
    media = about.media or ("stream.mp4" if (root / "stream.mp4").exists() else None)
    duration = _duration(about, items, root, media, source, settings)
    count = max(1, math.ceil(duration / about.segment_s))
    if count > 1 and duration - (count - 1) * about.segment_s < SHORTEST_LAST_S * about.segment_s and about.segment_s <= 480:
        count -= 1
    windows: list[dict[str, list[Any]]] = [{name: [] for name in items} for _ in range(count)]
    for name, entries in items.items():
        for entry in entries:
            index = min(int(entry.at_s // about.segment_s), count - 1)
            windows[index][name].append(_moved(entry, index * about.segment_s))
    segments = []
    for index, window in enumerate(windows):
        start = index * about.segment_s
        try:
            segments.append(
                Segment(
                    stream_id=about.stream_id,
                    segment_id=f"{index + 1:04d}",
                    starts_at=about.starts_at + timedelta(seconds=start),
                    offset_s=start,
                    duration_s=round((duration if index == count - 1 else start + about.segment_s) - start, 3),
                    region=about.region,
                    audience_regions=about.audience_regions,
                    language=about.language,
                    title=about.title,
                    stream_category=about.stream_category,
                    host=about.host,
                    viewers=about.viewers,
                    media=MediaRef(path=media, start_s=start) if media else None,
                    **{name: tuple(sorted(entries, key=_at)) for name, entries in window.items()},
                )
            )
        except ValidationError as error:
            raise InputError.from_validation(error, source=f"{source}: segment {index + 1} from {start:g} s on") from error
    return LoadedStream(segments=tuple(segments), media_root=root)


def _duration(about: StreamFile, items: dict[str, list[Any]], root: Path, media: str | None, source: Path, settings: Settings) -> float:
    last = max((entry.at_s for entries in items.values() for entry in entries), default=0.0)
    if media is None:
        # The last message belongs to the stream, also where it falls on a full segment.
        return about.duration_s or max(last + 0.001, about.segment_s)
    from livesteward.agents.perception.media import probe

    try:
        duration = probe(root, media, settings.perception).duration_s
    except PerceptionError as error:
        raise InputError(str(error), field=f"{source}: media") from error
    duration = duration or about.duration_s or 0.0
    if duration <= 0:
        raise InputError(f"{media} does not say how long it is: give duration_s", field=str(source))
    if last > duration + about.segment_s:
        late = next(name for name, entries in items.items() for entry in entries if entry.at_s == last)
        raise InputError(
            f"something at {last:g} s, but the recording lasts {duration:.1f} s; at_s counts seconds from the start of the stream",
            field=f"{root / late}.jsonl",
        )
    return duration


def _moved(entry: Any, start: float) -> Any:
    moved = {"at_s": round(entry.at_s - start, 3)}
    if getattr(entry, "end_s", None) is not None:
        moved["end_s"] = round(max(0.0, entry.end_s - start), 3)
    return entry.model_copy(update=moved)


def _at(entry: Any) -> float:
    return float(entry.at_s)


def _lines(root: Path, name: str, model: type[Contract], id_field: str, seen: dict[str, str], settings: Settings) -> list[Any]:
    entries = []
    for number, line in enumerate(_read(root, name, settings).split(b"\n"), start=1):
        where = f"{root / name}:{number}"
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"the line has {len(line):,} bytes, more than {MAX_LINE_BYTES:,}", field=where)
        if not line.strip():
            continue
        entry = _parse(model, line, where)
        taken = seen.setdefault(getattr(entry, id_field), where)
        if taken != where:
            raise InputError(
                f"{getattr(entry, id_field)!r} is already used in {taken}; ids are unique in a stream", field=f"{where}: {id_field}"
            )
        entries.append(entry)
    return entries


def _read(root: Path, name: str, settings: Settings) -> bytes:
    limit = settings.limits.max_file_mb * 1_000_000
    shown = str(root / name)
    try:
        with open_bounded(inside(root, name), max_bytes=limit, name=name, may_be_empty=True) as file:
            return file.read().removeprefix(b"\xef\xbb\xbf")
    except PerceptionError as error:
        message = (
            str(error).removeprefix(f"{name}: ").replace("perception.max_file_mb", "limits.max_file_mb").replace("media folder", "folder")
        )
        raise InputError(message, field=shown) from error


def _parse(model: type[ContractT], data: bytes, where: str) -> ContractT:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = where if line == 1 else f"{where}:{line}"
        raise InputError(f"byte {error.start} is no UTF-8; save the file as UTF-8", field=place) from error
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise InputError.from_validation(error, source=where) from error
