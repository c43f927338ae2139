"""The folder of one run: what was run, the journal that survives a crash, and the results.

While a run is under way every judged case is one line of ``journal.jsonl``, on disk before the next one begins. When all are there, they
are put into order as ``results.jsonl`` and ``timings.jsonl``, and the journal goes. A line that a crash cut off is judged again.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from livesteward.contracts import Contract
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import CaseId
from livesteward.evals.outcomes import Record, RunInfo, Timing

RUNS: Final = Path(".livesteward") / "runs"
"""Where runs are kept unless a folder is named, below the current one."""

INFO: Final = "run.json"
JOURNAL: Final = "journal.jsonl"
RESULTS: Final = "results.jsonl"
TIMINGS: Final = "timings.jsonl"


class Judged(Contract):
    """One case of one trial, judged: a record and a timing for each segment."""

    case_id: CaseId
    trial: Annotated[int, Field(ge=0)] = 0
    records: tuple[Record, ...]
    timings: tuple[Timing, ...]


_JUDGED: Final = TypeAdapter(Judged)
_T = TypeVar("_T")


class RunFolder:
    """Reads and writes one run.

    Args:
        path: Its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """Of the folder, and so of the run."""
        return self.path.name

    def info(self) -> RunInfo:
        """Return what was run.

        Raises:
            InputError: If this is no run, or of a version that cannot be read.
        """
        try:
            return RunInfo.model_validate_json((self.path / INFO).read_bytes())
        except OSError as error:
            raise InputError(
                f"there is no run here ({INFO}: {error.strerror}); `livesteward eval run` makes one", field=str(self.path)
            ) from error
        except ValidationError as error:
            raise InputError.from_validation(error, source=str(self.path / INFO)) from error

    def begin(self, info: RunInfo) -> None:
        """Start a run here, or clear away the one that is there."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name in (JOURNAL, RESULTS, TIMINGS):
                (self.path / name).unlink(missing_ok=True)
            self.write_json(INFO, info)
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be written ({error.strerror}); name another folder with --runs") from error

    def append(self, judged: Judged) -> None:
        """Put a judged case on disk; it is there when this returns."""
        journal = self.path / JOURNAL
        line = f"{judged.model_dump_json()}\n".encode()
        descriptor = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # A line that a crash cut off has no end: begin a new one, so that only it is lost.
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            while line:
                line = line[os.write(descriptor, line) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def journal(self) -> list[Judged]:
        """Return what was judged before the run was stopped; lines that a crash cut off are left out."""
        try:
            lines = (self.path / JOURNAL).read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        found: dict[tuple[str, int], Judged] = {}
        for line in lines:
            try:
                judged = _JUDGED.validate_json(line)
            except ValidationError:
                continue
            found.setdefault((judged.case_id, judged.trial), judged)
        return list(found.values())

    def finish(self, info: RunInfo, judged: Iterable[Judged]) -> None:
        """Write the results in order, say that the run is complete, and drop the journal."""
        order = {case_id: place for place, case_id in enumerate(info.entries)}
        ordered = sorted(judged, key=lambda one: (order[one.case_id], one.trial))
        records = [record for one in ordered for record in one.records]
        timings = [timing for one in ordered for timing in one.timings]
        self._write(RESULTS, _lines(records))
        self._write(TIMINGS, _lines(timings))
        self.write_json(INFO, info.model_copy(update={"records": len(records)}))
        (self.path / JOURNAL).unlink(missing_ok=True)

    def records(self) -> list[Record]:
        """Return the records of a run, complete or not.

        Raises:
            InputError: If a line is damaged.
        """
        if (self.path / RESULTS).is_file():
            return _read(self.path / RESULTS, TypeAdapter(Record))
        return [record for one in self.journal() for record in one.records]

    def timings(self) -> list[Timing]:
        """Return the times of a run, complete or not.

        Raises:
            InputError: If a line is damaged.
        """
        if (self.path / TIMINGS).is_file():
            return _read(self.path / TIMINGS, TypeAdapter(Timing))
        return [timing for one in self.journal() for timing in one.timings]

    def write_json(self, name: str, value: BaseModel) -> None:
        """Write a contract as indented JSON, whole or not at all."""
        self._write(name, json.dumps(value.model_dump(mode="json"), indent=2, ensure_ascii=False).encode() + b"\n")

    def _write(self, name: str, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def is_complete(info: RunInfo, records: Sequence[Record]) -> bool:
    """Whether a run is finished, and holds as many records as it said, each once."""
    return info.finished_at is not None and info.records == len(records) == len({record.key for record in records})


def _lines(values: Iterable[BaseModel]) -> bytes:
    return b"".join(f"{value.model_dump_json()}\n".encode() for value in values)


def _read(file: Path, adapter: TypeAdapter[_T]) -> list[_T]:
    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            found.append(adapter.validate_json(line))
        except ValidationError as error:
            raise InputError.from_validation(error, source=f"{file}:{number}") from error
    return found
