"""Reading sets of golden cases from a folder or a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Case, Entry, Human, Split, StreamCase
from livesteward.evals.writing import read_entry

SHIPPED: Final = Path(__file__).parent / "golden"
"""The golden set that ships with livesteward."""

MEDIA: Final = "media"
REVIEWS: Final = "reviews.jsonl"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_FILE_MB: Final = 64


@dataclass(frozen=True)
class Located:
    """A case with the file and line that it begins on."""

    entry: Entry
    file: Path
    line: int


@dataclass(frozen=True)
class Dataset:
    """Cases with the folder that their media are in.

    Attributes:
        root: The folder that was read, or that the file is in.
        located: Every case with its place, in the order of files and lines.
        reviews: What people decided on cases without seeing the labels, where ``reviews.jsonl`` has it.
    """

    root: Path
    located: tuple[Located, ...]
    reviews: tuple[Human, ...] = ()
    file: Path | None = None
    """The file, where only one was read."""

    @property
    def source(self) -> Path:
        """What to read to have the set again."""
        return self.file or self.root

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Cases and streams."""
        return tuple(one.entry for one in self.located)

    @property
    def cases(self) -> tuple[Case, ...]:
        """Single segments."""
        return tuple(entry for entry in self.entries if isinstance(entry, Case))

    @property
    def streams(self) -> tuple[StreamCase, ...]:
        """Whole streams."""
        return tuple(entry for entry in self.entries if isinstance(entry, StreamCase))

    @property
    def media(self) -> Path:
        """The folder of pictures and recordings."""
        return self.root / MEDIA

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all cases, and over the media that they name, whatever the order."""
        lines = sorted(f"{entry.case_id} {entry.digest} {media_digest(entry, self.media)}" for entry in self.entries)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def select(self, *, splits: Iterable[Split] | None = None, only: Iterable[str] | None = None) -> Dataset:
        """Return the cases of some splits, and of these only the named ones.

        Raises:
            InputError: If a name in ``only`` is no case of the set.
        """
        wanted = set(splits) if splits is not None else None
        names = set(only) if only is not None else None
        unknown = sorted((names or set()) - {entry.case_id for entry in self.entries})
        if unknown:
            raise InputError(f"there is no case {unknown[0]!r} in {self.root}", field="case")
        kept = tuple(
            one for one in self.located if (wanted is None or one.entry.split in wanted) and (names is None or one.entry.case_id in names)
        )
        ids = {one.entry.case_id for one in kept}
        return replace(self, located=kept, reviews=tuple(review for review in self.reviews if review.case_id in ids))


def load_dataset(path: Path) -> Dataset:
    """Read every case under a folder (``*.yaml``, ``*.jsonl``; not under ``media``), or in one file.

    Raises:
        InputError: If a file cannot be read, or a case is wrong: names file, line, case and field.
        ConfigurationError: If there is nothing.
    """
    if not path.exists():
        raise ConfigurationError(f"{path} is not there; name a folder of cases, or one .yaml or .jsonl file")
    root = path if path.is_dir() else path.parent
    files = _files(path) if path.is_dir() else [path]
    located = tuple(one for file in files for one in _read_file(file))
    if not located:
        raise ConfigurationError(f"{path} holds no cases: there is no .yaml or .jsonl file with any")
    seen: dict[str, Located] = {}
    for one in located:
        other = seen.setdefault(one.entry.case_id, one)
        if other is not one:
            raise InputError(
                f"case_id {one.entry.case_id!r} is there already, in {other.file.name} line {other.line}", field=_at(one.file, one.line)
            )
    reviews = root / REVIEWS
    humans = tuple(_read_reviews(reviews)) if path.is_dir() and reviews.is_file() else ()
    return Dataset(root=root, located=located, reviews=humans, file=None if path.is_dir() else path)


def media_digest(entry: Entry, media: Path) -> str:
    """SHA-256 over the files that an entry names, by name and content; a file that is missing counts as such."""
    total = hashlib.sha256()
    for name in media_files(entry):
        file = media / name
        total.update(f"{name}\0{_file_digest(file) if file.is_file() else 'missing'}\n".encode())
    return total.hexdigest()


def media_files(entry: Entry) -> tuple[str, ...]:
    """The paths, relative to the media folder, of everything that an entry shows or plays."""
    names = []
    for segment in entry.segments:
        names += [frame.path for frame in segment.frames if frame.path]
        names += [segment.media.path] if segment.media else []
    return tuple(dict.fromkeys(names))


def _file_digest(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(
        file
        for pattern in ("*.yaml", "*.jsonl")
        for file in folder.rglob(pattern)
        if not any(part == MEDIA or part.startswith(".") for part in file.relative_to(folder).parts) and file.name != REVIEWS
    )


def _read_file(file: Path) -> Iterator[Located]:
    for line, raw in _raw_entries(file):
        name = raw.get("case_id") or raw.get("stream_id") if isinstance(raw, dict) else None
        where = _at(file, line) + (f" ({name})" if name else "")
        if not isinstance(raw, dict):
            raise InputError("a case is a mapping of fields", field=where)
        try:
            yield Located(entry=read_entry(raw), file=file, line=line)
        except ValidationError as error:
            raise InputError.from_validation(error, source=where) from error
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(str(error), field=where) from error


def _raw_entries(file: Path) -> Iterator[tuple[int, Any]]:
    try:
        if file.stat().st_size > _MAX_FILE_MB * 1_000_000:
            raise InputError(f"the file is larger than {_MAX_FILE_MB} MB; split it", field=str(file))
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 text ({error})", field=str(file)) from error
    if file.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield number, _json(line, _at(file, number))
    else:
        yield from _yaml_entries(text, file)


def _json(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise InputError(f"this is no JSON ({error})", field=where) from error


def _yaml_entries(text: str, file: Path) -> Iterator[tuple[int, Any]]:
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return
            if not isinstance(node, yaml.SequenceNode):
                raise InputError("a file of cases is a list: every case begins with '- '", field=str(file))
            for child in node.value:
                yield child.start_mark.line + 1, loader.construct_document(child)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(
            f"this is no YAML ({getattr(error, 'problem', error)})", field=_at(file, mark.line + 1) if mark else str(file)
        ) from error


def _read_reviews(file: Path) -> Iterator[Human]:
    for number, raw in _raw_entries(file):
        try:
            yield Human.model_validate(raw)
        except ValidationError as error:
            raise InputError.from_validation(error, source=_at(file, number)) from error


def _at(file: Path, line: int) -> str:
    return f"{file}:{line}"
