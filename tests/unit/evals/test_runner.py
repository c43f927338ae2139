"""The runner: each case once, in any order, with what is known taken over and what failed never kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from unit.evals.making import ALLOW, VIOLATION, case, dataset, expected, finding, stream, verdict

from livesteward.agents.state import StreamMemory
from livesteward.contracts import RetrievedRule, ReviewCode, Segment, Verdict
from livesteward.errors import InputError
from livesteward.evals.cases import Entry
from livesteward.evals.outcomes import Fingerprint, ProbeKind
from livesteward.evals.runs.fingerprint import entry_key, may_be_kept
from livesteward.evals.runs.folder import JOURNAL, RESULTS, RunFolder
from livesteward.evals.runs.result_cache import ResultCache
from livesteward.evals.runs.runner import Plan, Progress, plan_run, run

BOOKS = {f"{region}@2026-10-01": region * 32 for region in ("SG", "MY")}
FOUND = Fingerprint(judge="embedded-heads", rulebooks=BOOKS, code="c" * 64)


@dataclass(frozen=True)
class Examined:
    verdict: Verdict
    segment: Segment
    rules: tuple[RetrievedRule, ...]
    memory: StreamMemory


@dataclass
class Examiner:
    """Finds what the host says guaranteed, unless told to fail; remembers what it was asked."""

    fails: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    memories: list[int] = field(default_factory=list)
    together: int = 0
    most_together: int = 0

    async def examine(
        self, segment: Segment, *, regions: Sequence[str] | None, media_root: Path | None, memory: StreamMemory | None = None
    ) -> Examined:
        self.asked.append(segment.stream_id)
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        await asyncio.sleep(0)
        self.together -= 1
        remembered = memory.segments if memory else 0
        self.memories.append(remembered)
        failure = ReviewCode.MODEL_UNAVAILABLE if segment.stream_id in self.fails else None
        says = any("guaranteed" in utterance.text for utterance in segment.utterances)
        decisions = dict.fromkeys(regions or (), "review" if failure else VIOLATION if says else ALLOW)
        found = [finding(segment, regions=tuple(regions or ()))] if says and not failure else []
        made = verdict(segment, decisions, findings=found, failure=failure)
        return Examined(made, segment, (), StreamMemory(stream_id=segment.stream_id, segments=remembered + 1))


def plan(*entries: Entry, found: Fingerprint = FOUND, **more: object) -> Plan:
    return plan_run(dataset(*entries), found, name="run", **more)  # type: ignore[arg-type]


ENTRIES = [case(f"case-{number}", expected()) for number in range(6)] + [stream("stream-1", *[ALLOW] * 6)]


async def test_every_segment_is_judged_once_and_streams_in_their_order(tmp_path: Path) -> None:
    examiner, folder = Examiner(), RunFolder(tmp_path / "run")
    told: list[Progress] = []
    info = await run(plan(*ENTRIES, concurrency=3), examiner, folder, progress=told.append)
    assert info.finished_at is not None
    assert sorted(examiner.asked) == sorted([*(f"case-{number}" for number in range(6)), *["stream-1"] * 6])
    assert examiner.most_together <= 3
    assert sorted(examiner.memories)[-6:] == [0, 1, 2, 3, 4, 5], "each segment of the stream has the memory of those before"
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 12, 12)
    assert [record.case_id for record in folder.records()][:2] == ["case-0", "case-1"]
    assert {timing.from_cache for timing in folder.timings()} == {False}


async def test_what_was_judged_before_a_stop_is_not_judged_again(tmp_path: Path) -> None:
    undisturbed = RunFolder(tmp_path / "a")
    await run(plan(*ENTRIES), Examiner(), undisturbed)
    folder, first = RunFolder(tmp_path / "b"), Examiner()

    def stop(state: Progress) -> None:
        if state.done >= 3:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        await run(plan(*ENTRIES, concurrency=1), first, folder, progress=stop)
    kept = len(folder.journal())
    assert kept >= 3
    again = Examiner()
    await run(plan(*ENTRIES), again, folder)
    assert not set(again.asked) & {one for one in first.asked[:3]}
    assert (folder.path / RESULTS).read_bytes() == (undisturbed.path / RESULTS).read_bytes()
    assert not (folder.path / JOURNAL).exists()
    done = Examiner()
    await run(plan(*ENTRIES), done, folder)
    assert done.asked == [], "a run that is complete is left as it is"
    await run(plan(*ENTRIES, fresh=True), done, folder)
    assert len(done.asked) == 12, "unless it is asked for afresh"


async def test_a_folder_with_another_run_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    await run(plan(*ENTRIES), Examiner(), folder)
    other = FOUND.model_copy(update={"code": "d" * 64})
    with pytest.raises(InputError, match="--fresh"):
        await run(plan(*ENTRIES, found=other), Examiner(), folder)


async def test_results_are_taken_over_where_nothing_changed_for_the_case(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path / "results.sqlite")
    here, there = case("here", expected(regions=("SG",))), case("there", expected(regions=("MY",)))
    await run(plan(here, there), Examiner(), RunFolder(tmp_path / "a"), cache=cache)
    again = Examiner()
    await run(plan(here, there), again, RunFolder(tmp_path / "b"), cache=cache)
    assert again.asked == []
    assert {timing.from_cache for timing in RunFolder(tmp_path / "b").timings()} == {True}
    changed = FOUND.model_copy(update={"rulebooks": {**BOOKS, "MY@2026-10-01": "f" * 64}})
    await run(plan(here, there, found=changed), again, RunFolder(tmp_path / "c"), cache=cache)
    assert again.asked == ["there"], "only the case whose rules changed"
    assert (tmp_path / "a" / RESULTS).read_bytes() == (tmp_path / "b" / RESULTS).read_bytes()


@pytest.mark.parametrize(
    "change", [{"code": "d" * 64}, {"prompt": "judge@v2"}, {"model_revision": "2"}, {"sampling": {"temperature": 1.0}}, {"thresholds": "t"}]
)
def test_everything_that_a_verdict_depends_on_is_in_the_key(change: dict[str, object]) -> None:
    one = case("case-1", expected())
    before = entry_key(one, one.digest, FOUND, trial=0, probed=False)
    assert entry_key(one, one.digest, FOUND.model_copy(update=change), trial=0, probed=False) != before
    assert entry_key(one, "e" * 64, FOUND, trial=0, probed=False) != before
    assert entry_key(one, one.digest, FOUND, trial=1, probed=False) != before
    assert entry_key(one, one.digest, FOUND, trial=0, probed=True) != before


async def test_what_failed_is_recorded_but_never_taken_over(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path / "results.sqlite")
    folder = RunFolder(tmp_path / "a")
    await run(plan(*ENTRIES), Examiner(fails={"case-1"}), folder, cache=cache)
    assert [record.case_id for record in folder.records() if record.failure] == ["case-1"]
    again = Examiner()
    await run(plan(*ENTRIES), again, RunFolder(tmp_path / "b"), cache=cache)
    assert again.asked == ["case-1"]


def test_results_of_a_model_whose_weights_nobody_named_are_not_kept() -> None:
    served = Fingerprint(judge="model", model="some-vlm")
    assert not may_be_kept(served)
    assert may_be_kept(served.model_copy(update={"model_revision": "2026-11"}))
    assert may_be_kept(FOUND)


async def test_a_damaged_cache_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "results.sqlite"
    file.write_bytes(b"no database, but long enough to look like one " * 100)
    folder = RunFolder(tmp_path / "a")
    await run(plan(*ENTRIES), Examiner(), folder, cache=ResultCache(file))
    assert len(folder.records()) == 12


async def test_probes_take_away_the_evidence_and_then_something_else(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a")
    await run(plan(case("case-1", expected()), probed=True), Examiner(), folder)
    probes = {probe.kind: probe for probe in folder.records()[0].probes}
    assert probes[ProbeKind.WITHOUT_EVIDENCE].removed == ("u1",)
    assert not probes[ProbeKind.WITHOUT_EVIDENCE].still
    assert probes[ProbeKind.WITHOUT_OTHER].removed == ("c1",)
    assert probes[ProbeKind.WITHOUT_OTHER].still


async def test_trials_are_judged_each(tmp_path: Path) -> None:
    examiner, folder = Examiner(), RunFolder(tmp_path / "a")
    await run(plan(case("case-1", expected()), trials=3), examiner, folder)
    assert [record.trial for record in folder.records()] == [0, 1, 2]
    assert len(examiner.asked) == 3
