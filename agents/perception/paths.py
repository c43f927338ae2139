"""Files of a media folder, and nothing outside it."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from livesteward.errors import PerceptionError


def inside(root: Path, relative: str) -> Path:
    """Return the real path of a file of a folder.

    Links are followed before the check, so that a link which leads out of the folder is refused like ``..``.

    Args:
        root: The media folder.
        relative: A plain relative path, as a stranger wrote it.

    Raises:
        PerceptionError: If the path is no plain relative one, leads outside, or names no regular file.
    """
    parts = relative.replace("\\", "/").split("/")
    if relative.startswith(("/", "\\", "~")) or ".." in parts or ":" in relative or "\x00" in relative or not relative.strip():
        raise PerceptionError(f"{relative!r} is no plain relative path: name a file of the media folder, without '..' or a URL")
    try:
        folder = root.resolve(strict=True)
        path = (folder / relative).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise PerceptionError(f"{relative}: there is no such file in the media folder {root}") from error
    if not path.is_relative_to(folder):
        raise PerceptionError(f"{relative}: it is a link that leads out of the media folder {root}; put the file itself there")
    if not path.is_file():
        raise PerceptionError(f"{relative}: not a regular file")
    return path


def open_bounded(path: Path, *, max_bytes: int, name: str, may_be_empty: bool = False) -> BufferedReader:
    """Open a regular file that is no larger than ``max_bytes``.

    The kind and the size are read from the open file, so that they hold for what is read afterwards.

    Args:
        path: The file, as :func:`inside` returned it.
        max_bytes: Its largest size in bytes.
        name: How messages call it.
        may_be_empty: Whether a file of no bytes is right.

    Raises:
        PerceptionError: If it cannot be opened, is a device or a pipe, is empty or too large.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe put in the place of the file would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise PerceptionError(f"{name}: cannot be opened ({error.strerror})") from error
    file = os.fdopen(descriptor, "rb")
    found = os.fstat(file.fileno())
    problem = ""
    if not stat.S_ISREG(found.st_mode):
        problem = "not a regular file"
    elif found.st_size == 0 and not may_be_empty:
        problem = "the file is empty"
    elif found.st_size > max_bytes:
        problem = f"{found.st_size / 1e6:.0f} MB are more than the {max_bytes / 1e6:.0f} MB allowed (perception.max_file_mb)"
    if problem:
        file.close()
        raise PerceptionError(f"{name}: {problem}")
    return file
