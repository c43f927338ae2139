"""Build the wheel from a clean copy of the tree and compare what is in it with what should be.

The package list is written by hand, since folders at the top of the repository install under ``livesteward``; the classic failure is a
subpackage or a data file that is silently left out. Every file of the five folders must be in the wheel, and nothing else.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAPPED = {
    "src/livesteward": "livesteward",
    "agents": "livesteward/agents",
    "evals": "livesteward/evals",
    "prompts": "livesteward/prompts",
    "retrieval": "livesteward/retrieval",
}
"""Folders of the repository, and where they install."""

BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE")
SMALLER_THAN_MB = 40


def expected_files(root: Path) -> set[str]:
    """Return the names that the wheel must hold, besides its metadata."""
    return {
        f"{target}/{path.relative_to(root / source).as_posix()}"
        for source, target in MAPPED.items()
        for path in (root / source).rglob("*")
        if path.is_file() and not _is_scrap(path.relative_to(root / source))
    }


def _is_scrap(path: Path) -> bool:
    return "__pycache__" in path.parts or any(part.endswith(".egg-info") for part in path.parts) or path.name == ".DS_Store"


def build(root: Path, out: Path) -> Path:
    """Build the wheel from a copy and return it.

    The copy is clean: setuptools would put what an earlier build left behind into the wheel.
    """
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        for source in MAPPED:
            shutil.copytree(root / source, copy / source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for name in BUILD_FILES:
            shutil.copy2(root / name, copy / name)
        line = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out.resolve()), str(copy)]
        done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{done.stdout}\nerror: the wheel could not be built")
    (wheel,) = out.glob("*.whl")
    return wheel


def differences(wheel: Path, root: Path) -> list[str]:
    """Say, a line each, how the wheel differs from the tree."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    metadata = {name for name in names if ".dist-info/" in name}
    wanted, found = expected_files(root), names - metadata
    problems = [
        f"{name} is in the tree and not in the wheel: name it in [tool.setuptools] of pyproject.toml" for name in sorted(wanted - found)
    ]
    problems += [f"{name} is in the wheel and not in the tree" for name in sorted(found - wanted)]
    if not any(name.endswith("/licenses/LICENSE") for name in metadata):
        problems.append("the licence is missing from the wheel's metadata")
    if wheel.stat().st_size > SMALLER_THAN_MB * 1_000_000:
        problems.append(f"the wheel has {wheel.stat().st_size / 1e6:.0f} MB, more than {SMALLER_THAN_MB}")
    return problems


def main() -> int:
    """Build, compare, and say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "wheel", help="the folder for the wheel; it is emptied")
    wheel = build(ROOT, parser.parse_args().out)
    problems = differences(wheel, ROOT)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if not problems:
        print(f"{wheel.name}: {len(expected_files(ROOT))} files as in the tree, {wheel.stat().st_size / 1e6:.1f} MB")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
