"""Workspaces: a folder with a team's own rules, prompts, thresholds, settings and golden cases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from livesteward.errors import ConfigurationError, InputError
from livesteward.settings import Settings

TEMPLATES: Final = Path(__file__).parent / "cli" / "templates" / "workspace"

_PLACES: Final = {
    "livesteward.toml": "livesteward.toml",
    "README.md": "README.md",
    # Under these names here, so that git and GitHub do not take them for the repository's own.
    "gitignore": ".gitignore",
    "moderation.yml": ".github/workflows/moderation.yml",
    "gates.toml": "gates.toml",
    "golden/cases.yaml": "golden/cases.yaml",
}
"""Templates, and where in a workspace they go."""

_ONLY_WITH: Final = re.compile(r"^# \{\{if (\w+)\}\}\n(.*?)^# \{\{end\}\}\n", re.DOTALL | re.MULTILINE)
"""A part of a template that makes sense only beside the rules of a jurisdiction."""


@dataclass(frozen=True)
class LaidOut:
    """What :func:`lay_out` did, as paths relative to the workspace.

    Attributes:
        workspace: The folder.
        jurisdictions: Whose rules it holds.
        written: New files.
        unchanged: Files that were there with the same content.
        kept: Files that were there with other content, and were left as they are.
    """

    workspace: Path
    jurisdictions: tuple[str, ...]
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]


def lay_out(folder: Path, *, regions: Sequence[str] = (), force: bool = False) -> LaidOut:
    """Make ``folder`` a workspace.

    Args:
        folder: New, or empty but for a ``.git``.
        regions: Copy the rules of these jurisdictions, of the groups that they are in, and the global ones; empty copies all.
        force: Whether it may hold files already. None of them is overwritten: what differs is left and reported.

    Raises:
        InputError: If ``folder`` is not empty, or a region is none or has no rules.
        ConfigurationError: If a file cannot be written.
    """
    # Those that ship, also where this is run inside another workspace.
    shipped = Settings(workspace=None)
    jurisdictions = _jurisdictions(shipped.policies_dir, regions)
    _check_folder(folder, force=force)
    files = _files(shipped, jurisdictions)
    found: dict[str, list[str]] = {"written": [], "unchanged": [], "kept": []}
    for name, content in files.items():
        try:
            found[_put(folder / name, content)].append(name)
        except OSError as error:
            raise ConfigurationError(f"{folder / name} cannot be written ({error.strerror}); nothing after it was") from error
    return LaidOut(workspace=folder, jurisdictions=jurisdictions, **{state: tuple(names) for state, names in found.items()})


def _put(path: Path, content: bytes) -> str:
    if path.is_file() and path.read_bytes() == content:
        return "unchanged"
    # A link that leads nowhere is something of somebody's, too.
    if path.exists() or path.is_symlink():
        return "kept"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return "written"


def _check_folder(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError("this is a file; name a new folder", field=str(folder))
    if folder.is_dir() and not force and any(path.name != ".git" for path in folder.iterdir()):
        raise InputError(
            "the folder is not empty; name a new one, or give --force, which adds what is missing and overwrites nothing", field=str(folder)
        )


def _jurisdictions(policies: Path, regions: Sequence[str]) -> tuple[str, ...]:
    from livesteward.contracts import GLOBAL, check_jurisdiction
    from livesteward.retrieval.consistency import lineage

    known = sorted(path.name for path in policies.iterdir() if path.is_dir() and any(path.glob("*.md")))
    if not regions:
        return (GLOBAL, *(name for name in known if name != GLOBAL))
    chosen: list[str] = []
    for region in regions:
        try:
            check_jurisdiction(region)
        except ValueError as error:
            raise InputError(str(error), field="--region") from error
        if region not in known:
            raise InputError(f"there are no rules of its own for {region}; there are for {', '.join(known)}", field="--region")
        chosen += [name for name in lineage(region) if name in known]
    return tuple(dict.fromkeys(chosen))


def _files(shipped: Settings, jurisdictions: Sequence[str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for template, place in _PLACES.items():
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        text = _ONLY_WITH.sub(lambda part: part[2] if part[1] in jurisdictions else "", text)
        text = text.replace("{{version}}", version("livesteward")).replace("{{jurisdictions}}", ", ".join(jurisdictions))
        files[place] = text.encode()
    files["thresholds.toml"] = shipped.thresholds_file.read_bytes()
    for name in jurisdictions:
        for document in sorted((shipped.policies_dir / name).glob("*.md")):
            files[f"policies/{name}/{document.name}"] = document.read_bytes()
    for prompt in (*sorted(shipped.prompts_dir.glob("*/*.md")), shipped.prompts_dir / "lock.json"):
        files[f"prompts/{prompt.relative_to(shipped.prompts_dir).as_posix()}"] = prompt.read_bytes()
    return files
