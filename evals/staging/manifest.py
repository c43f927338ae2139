"""The record of what was staged: for each file its digest, and the digest of the description that it was made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import ValidationError

from livesteward.agents.perception.store import write_atomically
from livesteward.contracts import Contract
from livesteward.contracts.base import Sha256
from livesteward.errors import InputError


class Made(Contract):
    """One staged file: SHA-256 of its bytes, and of its description."""

    file: Sha256
    recipe: Sha256


class _Manifest(Contract):
    files: dict[str, Made] = {}


def read_manifest(path: Path) -> dict[str, Made]:
    """Return what was staged by name; nothing if there is no manifest yet.

    Raises:
        InputError: If the file is damaged.
    """
    try:
        return dict(_Manifest.model_validate_json(path.read_bytes()).files)
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        raise InputError.from_validation(error, source=f"{path} (delete it to stage everything again)") from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", field=str(path)) from error


def write_manifest(path: Path, files: dict[str, Made]) -> None:
    """Write what was staged, sorted, a line for each digest, so that changes read well.

    Raises:
        OSError: If the folder cannot be written.
    """
    content = {"files": {name: files[name].model_dump() for name in sorted(files)}}
    write_readable(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def write_readable(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, readable for everyone: unlike a cache, a dataset is handed on.

    Raises:
        OSError: If the folder cannot be written.
    """
    write_atomically(path, data)
    path.chmod(0o644)


def file_digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if it is not there."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
