"""HLS playlists: read as text and checked before FFmpeg sees them.

The format is RFC 8216. A playlist is a stranger's list of files to open, so that every name in it is held to the media folder.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from livesteward.agents.perception.paths import inside, open_bounded
from livesteward.errors import PerceptionError

MAX_PLAYLIST_BYTES = 1_000_000
MAX_FILES = 20_000
MAX_VARIANTS = 16
SEGMENT_SUFFIXES = frozenset({".ts", ".m4s", ".mp4", ".m4a", ".m4v", ".aac"})

_URI = re.compile(r'URI="([^"]*)"')
_METHOD = re.compile(r"METHOD=([A-Za-z0-9-]+)")


def check_playlist(root: Path, relative: str, *, max_bytes: int, nested: bool = False) -> tuple[str, ...]:
    """Return the files that a playlist needs, each as a path relative to the media folder.

    Args:
        root: The media folder.
        relative: The playlist in it.
        max_bytes: What all its media files together may have.
        nested: Whether a main playlist named this one; it may then name no further playlists.

    Raises:
        PerceptionError: If it is no finished playlist of plain files inside the folder, or names too much.
    """
    with open_bounded(inside(root, relative), max_bytes=MAX_PLAYLIST_BYTES, name=relative) as file:
        raw = file.read(MAX_PLAYLIST_BYTES + 1)
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise PerceptionError(f"{relative}: the playlist is not UTF-8 text") from error
    if not lines or lines[0].strip() != "#EXTM3U":
        raise PerceptionError(f"{relative}:1: an HLS playlist starts with #EXTM3U")
    named: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        for uri in _named(line.strip(), f"{relative}:{number}"):
            named.setdefault(uri, f"{relative}:{number}")
    if len(named) > MAX_FILES or sum(uri.lower().endswith(".m3u8") for uri in named) > MAX_VARIANTS:
        raise PerceptionError(f"{relative}: names more than {MAX_FILES} files or {MAX_VARIANTS} playlists; cut the recording into parts")
    files = [file for uri, where in named.items() for file in _check_uri(root, relative, uri, where, max_bytes, nested=nested)]
    if not files:
        raise PerceptionError(f"{relative}: the playlist names no media")
    is_main = any(line.startswith("#EXT-X-STREAM-INF") for line in lines)
    if not is_main and not any(line.strip() == "#EXT-X-ENDLIST" for line in lines):
        raise PerceptionError(f"{relative}: no #EXT-X-ENDLIST, so it is still being written; take it once it is finished")
    total = sum(inside(root, name).stat().st_size for name in set(files))
    if total > max_bytes:
        raise PerceptionError(
            f"{relative}: its files have {total / 1e6:.0f} MB, more than the {max_bytes / 1e6:.0f} MB allowed (perception.max_file_mb)"
        )
    return tuple(dict.fromkeys(files))


def _named(line: str, where: str) -> list[str]:
    if not line:
        return []
    if not line.startswith("#"):
        return [line]
    method = _METHOD.search(line) if line.startswith(("#EXT-X-KEY", "#EXT-X-SESSION-KEY")) else None
    if method and method.group(1) != "NONE":
        raise PerceptionError(f"{where}: the media is encrypted ({method.group(1)}); decrypt it first")
    return _URI.findall(line) if line.startswith("#EXT") else []


def _check_uri(root: Path, playlist: str, uri: str, where: str, max_bytes: int, *, nested: bool) -> list[str]:
    name = posixpath.join(posixpath.dirname(playlist.replace("\\", "/")), uri)
    if "%" in uri or "?" in uri or uri.startswith("/"):
        raise PerceptionError(f"{where}: {uri[:200]!r} is no plain file name; a playlist may only name files of its folder")
    try:
        inside(root, name)
    except PerceptionError as error:
        raise PerceptionError(f"{where}: {error}") from error
    suffix = posixpath.splitext(name)[1].lower()
    if suffix == ".m3u8" and not nested:
        return [name, *check_playlist(root, name, max_bytes=max_bytes, nested=True)]
    if suffix not in SEGMENT_SUFFIXES:
        raise PerceptionError(f"{where}: {uri[:200]!r} is no media file; known are {', '.join(sorted(SEGMENT_SUFFIXES))}")
    return [name]
