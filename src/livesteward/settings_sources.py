"""Where settings come from besides arguments: a workspace's file, and variables that must be known ones."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic_settings import BaseSettings, TomlConfigSettingsSource

from livesteward.errors import ConfigurationError

ENV_PREFIX: Final = "LIVESTEWARD_"

WORKSPACE_FILE: Final = "livesteward.toml"
"""The file that marks a workspace; ``livesteward init`` writes it."""

OTHER_VARIABLES: Final = frozenset({"LIVESTEWARD_DEBUG"})
"""Variables that the command line reads and that are no settings."""

_WHERE_LISTED: Final = "`livesteward init` writes a file that lists the settings"

PATH_SETTINGS: Final = (
    "workspace",
    "policies",
    "cache_dir",
    "checkpoints",
    "engine.weights",
    "model.tokenizer",
    "model.record",
    "model.replay",
)
"""Settings that name a file or folder; in a workspace's file they are relative to it."""


class WorkspaceFile(TomlConfigSettingsSource):
    """A workspace's file. It makes its folder the workspace, and its relative paths start there, not where the command was typed.

    Args:
        settings_cls: What the values are for.
        workspace: The folder with the file.
    """

    def __init__(self, settings_cls: type[BaseSettings], workspace: Path) -> None:
        self._workspace = workspace
        super().__init__(settings_cls, workspace / WORKSPACE_FILE)

    def __call__(self) -> dict[str, Any]:
        """Return the file's values."""
        values = {"workspace": self._workspace, **super().__call__()}
        for name in PATH_SETTINGS:
            *parents, key = name.split(".")
            table: Any = values
            for parent in parents:
                table = table.get(parent) if isinstance(table, dict) else None
            if isinstance(table, dict) and isinstance(table.get(key), str):
                table[key] = self._workspace / Path(table[key]).expanduser()
        return values


def find_workspace(start: Path | None = None) -> Path | None:
    """Return the nearest folder at or above ``start`` (default: here) that holds a ``livesteward.toml``."""
    named = os.environ.get(f"{ENV_PREFIX}WORKSPACE")
    if named:
        folder = Path(named).expanduser()
        return folder if (folder / WORKSPACE_FILE).is_file() else None
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / WORKSPACE_FILE).is_file()), None)


def refuse_unknown_variables(settings: type[BaseSettings]) -> None:
    """Look at the environment for settings that there are not.

    Raises:
        ConfigurationError: At the first one; proposes the one that was probably meant.
    """
    # pydantic-settings leaves such a variable out without a word: LIVESTEWARD_MODEL_BASE_URL, with one underscore, would do nothing.
    known = {name.upper() for name in settings.model_fields}
    for variable in sorted(os.environ):
        if not variable.startswith(ENV_PREFIX) or variable in OTHER_VARIABLES:
            continue
        if variable.removeprefix(ENV_PREFIX).split("__")[0] in known:
            continue
        names = [name.replace(".", "__").upper() for name in _names(settings)]
        near = difflib.get_close_matches(variable.removeprefix(ENV_PREFIX), names, n=1, cutoff=0.6)
        hint = f"did you mean {ENV_PREFIX}{near[0]}?" if near else _WHERE_LISTED
        raise ConfigurationError(f"the variable {variable} is no setting; {hint}")


def no_such_setting(settings: type[BaseSettings], name: str) -> str:
    """Say that there is no setting ``name``, such as ``model.base_uri``, and which one was probably meant."""
    section, dot, last = name.rpartition(".")
    # By their last part, since that of the section is alike in any case.
    names = [*_names(settings), *settings.model_fields]
    beside = {known.removeprefix(section + dot): known for known in names if known.rpartition(".")[0] == section}
    near = [beside[one] for one in difflib.get_close_matches(last, beside, n=1, cutoff=0.6)]
    return f"there is no setting {name}; {f'did you mean {near[0]}?' if near else _WHERE_LISTED}"


def _names(settings: type[BaseSettings]) -> list[str]:
    """Return all settings, with dots."""
    names: list[str] = []
    for name, field in settings.model_fields.items():
        part = field.annotation
        nested = part.model_fields if isinstance(part, type) and issubclass(part, BaseModel) else None
        names += [f"{name}.{inner}" for inner in nested] if nested else [name]
    return names
