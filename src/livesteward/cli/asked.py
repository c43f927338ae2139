"""What the user asked to judge, checked before anything is loaded that takes long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from livesteward.cli.plain import plain
from livesteward.contracts import check_jurisdiction
from livesteward.errors import InputError

if TYPE_CHECKING:
    from livesteward.cli.watched import WatchedStream
    from livesteward.settings import Settings


def checked_regions(regions: Sequence[str] | None) -> tuple[str, ...]:
    """Return the regions of ``--region``, each once.

    Raises:
        InputError: If one is neither a country, a group of countries nor ``global``.
    """
    for region in regions or ():
        try:
            check_jurisdiction(region)
        except ValueError as error:
            raise InputError(str(error), field="--region") from error
    return tuple(dict.fromkeys(regions or ()))


def checked_date(text: str | None) -> date | None:
    """Return the day of ``--date``.

    Raises:
        InputError: If it is no date.
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InputError(f"{text!r} is no date; write it as 2026-11-22", field="--date") from error


def load(
    path: Path,
    *,
    settings: Settings,
    regions: Sequence[str] = (),
    language: str | None = None,
    title: str = "",
    media_root: Path | None = None,
) -> WatchedStream:
    """Load what ``path`` names, with its media folder.

    Raises:
        InputError: If it is missing, wrong, or a folder of several streams.
    """
    from livesteward.agents.streams import STREAM_FILE, load_path
    from livesteward.cli.watched import WatchedStream

    if not path.exists():
        raise InputError("there is no such file or folder", field=str(path))
    if media_root is not None and not media_root.is_dir():
        raise InputError("there is no such folder", field=f"--media-root {media_root}")
    if path.is_dir() and not (path / STREAM_FILE).exists() and stream_folders(path):
        raise InputError(f"this is a folder of several streams; use: livesteward watch {path}", field=str(path))
    loaded = load_path(
        path, settings=settings, region=next(iter(regions), None), audience_regions=tuple(regions[1:]), language=language, title=title
    )
    return WatchedStream(source=path, segments=loaded.segments, media_root=media_root or loaded.media_root)


def load_all(paths: Iterable[Path], *, settings: Settings) -> list[WatchedStream]:
    """Load every stream of ``paths``: each is a stream folder, or a folder of stream folders.

    Raises:
        InputError: If one is missing or wrong, or two streams have the same id.
    """
    from livesteward.agents.streams import STREAM_FILE

    found: dict[Path, Path] = {}
    for path in paths:
        if not path.is_dir():
            raise InputError(
                "there is no such folder" if not path.exists() else "this is no folder; use: livesteward moderate", field=str(path)
            )
        folders = [path] if (path / STREAM_FILE).exists() else stream_folders(path)
        if not folders:
            raise InputError(f"neither this folder nor one in it has a {STREAM_FILE}, which says what the stream is", field=str(path))
        found.update({folder.resolve(): folder for folder in folders})
    streams = [load(folder, settings=settings) for folder in found.values()]
    sources: dict[str, Path] = {}
    for stream in streams:
        first = sources.setdefault(stream.stream_id, stream.source)
        if first != stream.source:
            raise InputError(f"stream_id {plain(stream.stream_id)!r} is also that of {first}", field=str(stream.source))
    return streams


def stream_folders(path: Path) -> list[Path]:
    """Return the stream folders directly in ``path``, by name."""
    from livesteward.agents.streams import STREAM_FILE

    return sorted(child for child in path.iterdir() if child.is_dir() and (child / STREAM_FILE).exists())


def all_regions(streams: Iterable[WatchedStream], regions: Sequence[str]) -> tuple[str, ...]:
    """Return the jurisdictions whose rulebooks will be needed."""
    if regions:
        return tuple(regions)
    return tuple(dict.fromkeys(region for stream in streams for segment in stream.segments for region in segment.regions))
