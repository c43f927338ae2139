"""Check text files: no blanks at ends of lines, one newline at the end, Unix line ends, no merge marks; and no large files.

With ``--fix`` the first three are mended. Recordings of what models said and released prompts are left alone: their bytes are digested.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

MAX_BYTES = 2_000_000
LARGE_ON_PURPOSE = ("uv.lock", "agents/screen/weights/", "examples/streams/")
LEFT_ALONE = ("prompts/", "LICENSE", "tests/")
"""Released prompts are fixed by their digest, and tests hold text that is wrong on purpose."""

_MERGE_MARK = re.compile(rb"^(<{7} |>{7} |={7}$)", re.MULTILINE)
_BLANKS = re.compile(rb"[ \t]+$", re.MULTILINE)


def mended(data: bytes, *, keep_breaks: bool) -> bytes:
    """Return the text as it should be; two blanks at the end of a line are a line break in Markdown and may stay."""
    data = data.replace(b"\r\n", b"\n")
    if not keep_breaks:
        data = _BLANKS.sub(b"", data)
    return data.rstrip(b"\n") + b"\n" if data.strip() else b""


def problems(path: Path, *, fix: bool) -> list[str]:
    """Say what is wrong with one file, and mend it where asked."""
    if path.is_symlink() or not path.is_file():
        return []
    name = path.as_posix()
    if path.stat().st_size > MAX_BYTES:
        return [] if name.startswith(LARGE_ON_PURPOSE) else [f"{name}: has more than {MAX_BYTES:,} bytes"]
    data = path.read_bytes()
    if b"\0" in data or name.startswith(LEFT_ALONE):
        return []
    if _MERGE_MARK.search(data):
        return [f"{name}: has the marks of a merge that was not finished"]
    wanted = mended(data, keep_breaks=path.suffix == ".md")
    if wanted == data:
        return []
    if fix:
        path.write_bytes(wanted)
    return [f"{name}: blanks at ends of lines, or the wrong end of file{' (mended)' if fix else ''}"]


def main() -> int:
    """Check the given files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("files", nargs="*", type=Path)
    given = parser.parse_args()
    found = [problem for path in given.files for problem in problems(path, fix=given.fix)]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
