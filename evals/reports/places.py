"""Where a case is written down, as tools and people find it."""

from __future__ import annotations

from pathlib import Path


def relative(file: Path) -> str:
    """Return a file's path from the current folder, where it is below it, with forward slashes."""
    whole = file.resolve()
    try:
        return whole.relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return whole.as_posix()
