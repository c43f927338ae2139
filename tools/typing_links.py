"""Keep ``.typing/livesteward/`` in step with the tree: one link for each module and folder that installs as ``livesteward``.

Type checkers do not follow setuptools' mapping of ``agents/`` to ``livesteward.agents``; this folder of links shows them the package as it
installs. Without ``--write`` the differences are printed and the exit code is 1 where there are any.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINKS = ROOT / ".typing" / "livesteward"
AREAS = ("agents", "evals", "prompts", "retrieval")
"""Folders at the top of the repository that install under ``livesteward``."""


def expected(root: Path = ROOT) -> dict[str, str]:
    """Return what each link must point at, by name; relative, so that the repository can be moved."""
    package = root / "src" / "livesteward"
    shared = [
        path.name
        for path in package.iterdir()
        if (path.is_dir() and (path / "__init__.py").is_file()) or path.suffix == ".py" or path.name == "py.typed"
    ]
    return {name: f"../../src/livesteward/{name}" for name in sorted(shared)} | {name: f"../../{name}" for name in AREAS}


def differences(root: Path = ROOT) -> list[str]:
    """Say, a line each, which links are missing, wrong, dangling or too many."""
    links = root / ".typing" / "livesteward"
    wanted = expected(root)
    found = {path.name: path for path in links.iterdir()} if links.is_dir() else {}
    problems = [f"{name} is missing" for name in sorted(wanted.keys() - found.keys())]
    for name, path in sorted(found.items()):
        if name not in wanted:
            problems.append(f"{name} has nothing to point at")
        elif not path.is_symlink():
            problems.append(f"{name} is no link")
        elif os.readlink(path) != wanted[name]:
            problems.append(f"{name} points at {os.readlink(path)}, not at {wanted[name]}")
        elif not path.exists():
            problems.append(f"{name} is dangling")
    return problems


def write(root: Path = ROOT) -> None:
    """Make the links what they must be; nothing but links is removed."""
    links = root / ".typing" / "livesteward"
    links.mkdir(parents=True, exist_ok=True)
    wanted = expected(root)
    for path in links.iterdir():
        if path.is_symlink() and os.readlink(path) != wanted.get(path.name):
            path.unlink()
    for name, target in wanted.items():
        if not (links / name).is_symlink():
            (links / name).symlink_to(target)


def main() -> int:
    """Check the links, or write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make the links what they must be")
    if parser.parse_args().write:
        write()
    problems = differences()
    for problem in problems:
        print(f"{LINKS.relative_to(ROOT)}: {problem}; run 'make format'", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
