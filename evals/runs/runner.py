"""Judging a set of cases: several at a time, each once, with what was judged before taken over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from livesteward.agents.batch import PrefixSchedule, in_batches
from livesteward.agents.state import StreamMemory
from livesteward.contracts import RetrievedRule, Segment, Verdict
from livesteward.errors import InputError
from livesteward.evals.cases import Case, Entry
from livesteward.evals.dataset import Dataset, media_digest
from livesteward.evals.outcomes import Fingerprint, Probe, Record, RunInfo, Timing
from livesteward.evals.runs.fingerprint import entry_key, may_be_kept
from livesteward.evals.runs.folder import Judged, RunFolder
from livesteward.evals.runs.naming import combined_digest
from livesteward.evals.runs.probing import probe
from livesteward.evals.runs.result_cache import ResultCache


class Examination(Protocol):
    """A verdict with what it was made from; :class:`livesteward.sdk.Examined` is one."""

    @property
    def verdict(self) -> Verdict:
        """The verdict."""

    @property
    def segment(self) -> Segment:
        """As judged, with what perception added."""

    @property
    def rules(self) -> tuple[RetrievedRule, ...]:
        """That were retrieved, best first in each jurisdiction."""

    @property
    def memory(self) -> StreamMemory:
        """For the next segment of the stream."""


class Examiner(Protocol):
    """Judges segments; :class:`livesteward.sdk.Steward` is one."""

    async def examine(
        self, segment: Segment, *, regions: Sequence[str] | None, media_root: Path | None, memory: StreamMemory | None = None
    ) -> Examination:
        """Judge one segment with what earlier ones of its stream left behind."""


@dataclass(frozen=True)
class Progress:
    """How far a run is, in segments.

    Attributes:
        done: Segments that need no more judging.
        total: Of all cases and trials.
        reused: Of ``done``, those that were taken over from the cache or from before a stop.
        case_id: What was judged last.
    """

    done: int
    total: int
    reused: int
    case_id: str = ""


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        dataset: The selected cases.
        info: As it is written when the run starts.
        concurrency: Cases that are judged at the same time.
        fresh: Whether to judge everything again, whatever is there.
    """

    dataset: Dataset
    info: RunInfo
    concurrency: int = 4
    fresh: bool = False

    def named(self, name: str) -> Plan:
        """Return the plan of a run of this name."""
        return replace(self, info=self.info.model_copy(update={"name": name}))


def plan_run(
    dataset: Dataset,
    found: Fingerprint,
    *,
    name: str = "",
    splits: Sequence[str] = (),
    trials: int = 1,
    probed: bool = False,
    concurrency: int = 4,
    fresh: bool = False,
    version: str = "",
) -> Plan:
    """Lay down what is to be run.

    Raises:
        InputError: If the set is empty.
    """
    if not dataset.entries:
        raise InputError("no case is left to run; name other splits or cases", field=str(dataset.root))
    entries = entry_digests(dataset)
    info = RunInfo.model_validate(
        {
            "name": name,
            "dataset": str(dataset.source),
            "dataset_digest": combined_digest(entries),
            "splits": tuple(splits),
            "entries": entries,
            "trials": trials,
            "probed": probed,
            "fingerprint": found,
            "started_at": datetime.now(UTC),
            "library_version": version,
        }
    )
    return Plan(dataset=dataset, info=info, concurrency=concurrency, fresh=fresh)


def entry_digests(dataset: Dataset) -> dict[str, str]:
    """Return the digest of each case with its media, by id."""
    return {
        entry.case_id: combined_digest({"case": entry.digest, "media": media_digest(entry, dataset.media)}) for entry in dataset.entries
    }


async def run(
    plan: Plan,
    examiner: Examiner,
    folder: RunFolder,
    *,
    cache: ResultCache | None = None,
    prepare: Callable[[], Awaitable[None]] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> RunInfo:
    """Judge every case of ``plan`` that is not judged yet, and write the results.

    A run of the same thing that was stopped is continued; one that is complete is left as it is, unless the plan says ``fresh``.

    Args:
        plan: See :func:`plan_run`.
        examiner: Judges.
        folder: Where the run is kept.
        cache: Results of earlier runs; none are taken over without it.
        prepare: Awaited before the first case is judged, and not at all where none has to be.
        progress: Told after every case.

    Returns:
        What was run, complete.

    Raises:
        InputError: If another run is in the folder.
        LivestewardError: If the results cannot be written.
    """
    info, done = _continued(plan, folder)
    if info.finished_at is not None:
        return info
    known = {(one.case_id, one.trial) for one in done}
    missing = [(entry, trial) for trial in range(info.trials) for entry in plan.dataset.entries if (entry.case_id, trial) not in known]
    keys = {(entry.case_id, trial): _key(plan, entry, trial) for entry, trial in missing}
    kept = cache if may_be_kept(info.fingerprint) else None
    reused = await asyncio.to_thread(_reused, kept, keys) if kept and not plan.fresh else []
    for one in reused:
        folder.append(one)
    done += reused
    taken = {(one.case_id, one.trial) for one in reused}
    report = _Report(plan, done, progress)
    if prepare is not None and len(missing) > len(reused):
        await prepare()

    async def one_case(task: tuple[Entry, int]) -> None:
        entry, trial = task
        judged = await _judge(entry, trial, plan, examiner)
        await asyncio.to_thread(folder.append, judged)
        if kept is not None and all(record.failure is None for record in judged.records):
            await asyncio.to_thread(kept.write, keys[entry.case_id, trial], judged)
        done.append(judged)
        report.add(judged)

    # Cases under one rulebook together: a model server then has its rules in the prefix cache.
    left = [(entry, trial) for entry, trial in missing if (entry.case_id, trial) not in taken]
    schedule = PrefixSchedule([(_rulebook(entry), [(entry, trial)]) for entry, trial in left])
    async with aclosing(in_batches(schedule, one_case, at_once=lambda: plan.concurrency)) as cases:
        async for _ in cases:
            pass
    finished = info.model_copy(update={"finished_at": datetime.now(UTC)})
    await asyncio.to_thread(folder.finish, finished, done)
    return folder.info()


def _continued(plan: Plan, folder: RunFolder) -> tuple[RunInfo, list[Judged]]:
    """Return the run that is in the folder with what it has judged, or begin one."""
    if folder.path.exists() and not plan.fresh and (folder.path / "run.json").exists():
        found = folder.info()
        same = {"entries", "trials", "probed", "fingerprint"}
        if found.model_dump(include=same) != plan.info.model_dump(include=same):
            raise InputError(
                "a run of other cases, rules, settings or code is in this folder; name another one with --name, or replace it with --fresh",
                field=str(folder.path),
            )
        return found, folder.journal()
    folder.begin(plan.info)
    return plan.info, []


def _rulebook(entry: Entry) -> tuple[frozenset[str], date]:
    return frozenset(entry.regions), entry.segments[0].starts_at.date()


def _key(plan: Plan, entry: Entry, trial: int) -> str:
    return entry_key(entry, plan.info.entries[entry.case_id], plan.info.fingerprint, trial=trial, probed=plan.info.probed)


def _reused(cache: ResultCache, keys: dict[tuple[str, int], str]) -> list[Judged]:
    found = cache.read(list(keys.values()))
    return [
        judged.model_copy(update={"timings": tuple(timing.model_copy(update={"from_cache": True}) for timing in judged.timings)})
        for key in keys.values()
        if (judged := found.get(key)) is not None
    ]


async def _judge(entry: Entry, trial: int, plan: Plan, examiner: Examiner) -> Judged:
    memory: StreamMemory | None = None
    records, timings = [], []
    for index, step in enumerate(entry.steps):
        started = time.perf_counter()
        examined = await examiner.examine(step.segment, regions=entry.regions, media_root=plan.dataset.media, memory=memory)
        wall_ms = (time.perf_counter() - started) * 1_000
        memory = examined.memory
        probes: tuple[Probe, ...] = ()
        if plan.info.probed and isinstance(entry, Case):
            probes = await probe(entry, examined.verdict, examiner, plan.dataset.media)
        records.append(_record(entry, index, trial, plan.info.entries[entry.case_id], examined, probes))
        timings.append(
            Timing(
                case_id=entry.case_id,
                step=index,
                trial=trial,
                wall_ms=round(wall_ms, 2),
                latency_ms=examined.verdict.provenance.latency_ms,
            )
        )
    return Judged(case_id=entry.case_id, trial=trial, records=tuple(records), timings=tuple(timings))


def _record(entry: Entry, step: int, trial: int, entry_digest: str, examined: Examination, probes: tuple[Probe, ...]) -> Record:
    verdict = examined.verdict
    segment = entry.steps[step].segment
    given = {item.item_id for item in segment.items()}
    retrieved: dict[str, list[str]] = {}
    for rule in examined.rules:
        retrieved.setdefault(rule.jurisdiction, []).append(rule.rule.rule_id)
    return Record(
        case_id=entry.case_id,
        split=entry.split,
        step=step,
        trial=trial,
        entry_digest=entry_digest,
        # What differs between two runs of the same thing is taken out, so that the files can be compared byte for byte.
        verdict=verdict.model_copy(
            update={
                "verdict_id": f"{entry.case_id}.{step}.{trial}",
                "decided_at": segment.starts_at,
                "provenance": verdict.provenance.model_copy(update={"latency_ms": {}}),
            }
        ),
        retrieved={name: tuple(rules) for name, rules in sorted(retrieved.items())},
        perceived=tuple(item for item in examined.segment.items() if item.item_id not in given),
        probes=probes,
    )


class _Report:
    """Counts segments for the progress bar."""

    def __init__(self, plan: Plan, done: Sequence[Judged], told: Callable[[Progress], None] | None) -> None:
        self._total = plan.info.trials * sum(len(entry.steps) for entry in plan.dataset.entries)
        self._reused = sum(len(one.records) for one in done)
        self._done = self._reused
        self._told = told
        self._tell("")

    def add(self, judged: Judged) -> None:
        self._done += len(judged.records)
        self._tell(judged.case_id)

    def _tell(self, case_id: str) -> None:
        if self._told is not None:
            self._told(Progress(done=self._done, total=self._total, reused=self._reused, case_id=case_id))
