"""The blessed baseline: what was decided, row by row, when somebody last said that this is good enough.

A JSONL file that can be read in a diff: a header that says what was run, when and why it was blessed, then one line for each row. Only
``livesteward eval bless`` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from livesteward.contracts import Contract, Decision
from livesteward.contracts.base import Sha256, UtcTime
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.comparing import Decided, decided
from livesteward.evals.judgements import Judgement
from livesteward.evals.outcomes import RunInfo
from livesteward.evals.runs.folder import is_complete


class Header(Contract):
    """What was blessed. ``rows_digest`` holds the rows still: a line changed by hand is refused."""

    format: Literal["livesteward-baseline-1"] = "livesteward-baseline-1"
    run: RunInfo
    blessed_at: UtcTime
    note: Annotated[str, Field(max_length=2_000)] = ""
    rows_digest: Sha256


class Row(Contract):
    """What was decided for one row, in each trial."""

    unit: str
    decided: Annotated[tuple[Decision, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Baseline:
    """A baseline as read."""

    header: Header
    decided: Decided

    @property
    def run(self) -> RunInfo:
        """What was run."""
        return self.header.run


def bless(path: Path, info: RunInfo, rows: Sequence[Judgement], *, note: str = "") -> Baseline:
    """Write a complete run as the baseline.

    Raises:
        InputError: If the run is not complete, or something in it could not be judged.
        ConfigurationError: If the file cannot be written.
    """
    records = list({row.record.key: row.record for row in rows}.values())
    if not is_complete(info, records):
        raise InputError("the run is not complete; finish it with the same `livesteward eval run` before it is blessed", field=info.name)
    failed = [record for record in records if record.failure]
    if failed:
        raise InputError(
            f"{len(failed)} segments could not be judged ({failed[0].case_id}: {failed[0].failure}); a baseline has none", field=info.name
        )
    lines = [Row(unit=unit, decided=tuple(decisions)).model_dump_json() for unit, decisions in decided(rows).items()]
    header = Header(run=info, blessed_at=datetime.now(UTC), note=note, rows_digest=_digest(lines))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header.model_dump_json(), *lines]) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror})") from error
    return load_baseline(path)


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        InputError: If it is missing, damaged, or was changed by hand.
    """
    try:
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        header = Header.model_validate_json(first)
        rows = [Row.model_validate_json(line) for line in lines]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"there is no baseline that can be read ({error}); `livesteward eval bless RUN` makes one", field=str(path)
        ) from error
    except ValidationError as error:
        raise InputError.from_validation(error, source=str(path)) from error
    except ValueError as error:
        raise InputError("the baseline is empty; `livesteward eval bless RUN` makes one", field=str(path)) from error
    if _digest(lines) != header.rows_digest:
        raise InputError("rows were changed by hand; only `livesteward eval bless` writes baselines", field=str(path))
    return Baseline(header=header, decided={row.unit: row.decided for row in rows})


def mismatch(baseline: Baseline, info: RunInfo) -> str | None:
    """Say why a run cannot be held against the baseline: other cases, or other content of them. None if it can."""
    old, new = baseline.run.entries, info.entries
    missing, added = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    changed = sorted(name for name in set(old) & set(new) if old[name] != new[name])
    if not (missing or added or changed):
        return None
    parts = [
        f"{len(names)} {what} (such as {names[0]})" for what, names in (("gone", missing), ("new", added), ("changed", changed)) if names
    ]
    return f"the baseline is of another set of cases: {', '.join(parts)}; look at the change and bless a run of the new set"


def _digest(lines: Sequence[str]) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(list(lines)).encode()).hexdigest()
