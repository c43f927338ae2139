"""Whether the optional libraries of perception are there, and what to do if not."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from livesteward.errors import PerceptionError

INSTALL = 'pip install "livesteward[perception]"'


class AbsentError(PerceptionError):
    """A perception model's library is not installed."""


def installed_version(distribution: str, *modules: str) -> str:
    """Return ``name version`` of an optional library, without importing it.

    Args:
        distribution: Its name on the package index.
        modules: What must be importable for it to work.

    Raises:
        AbsentError: If it or one of the modules is missing; the message says how to install them.
    """
    missing = [module for module in modules if not _importable(module)]
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        version, missing = "", missing or [distribution]
    if missing:
        raise AbsentError(f"{', '.join(missing)} is not installed: {INSTALL}")
    return f"{distribution} {version}"


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
