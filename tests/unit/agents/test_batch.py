from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesteward.agents.batch import PrefixSchedule, in_batches


def started_at_once(schedule: PrefixSchedule[str]) -> list[tuple[int, str]]:
    found = []
    while (taken := schedule.take()) is not None:
        found.append(taken)
    return found


def items(taken: Sequence[tuple[int, str]]) -> list[str]:
    return [item for _, item in taken]


def test_the_first_segment_of_a_rulebook_goes_alone_and_the_others_follow_it() -> None:
    schedule = PrefixSchedule([("SG", ["a1", "a2"]), ("SG", ["b1"]), ("SG", ["c1"])])
    first = started_at_once(schedule)
    assert items(first) == ["a1"]
    schedule.done(first[0][0])
    assert items(started_at_once(schedule)) == ["a2", "b1", "c1"]


def test_no_third_rulebook_is_begun_while_two_wait_for_their_first_segment() -> None:
    schedule = PrefixSchedule([(book, [f"{book}{stream}"]) for book in "ABC" for stream in (1, 2)])
    assert items(started_at_once(schedule)) == ["A1", "B1"]


def test_the_next_rulebook_begins_as_the_former_runs_out() -> None:
    schedule = PrefixSchedule([("A", ["a1", "a2"]), ("B", ["b1"]), ("B", ["b2"]), ("C", ["c1"])])
    first = started_at_once(schedule)
    # Nothing of A is left for others: B is begun, and since B waits for its first segment, C as well.
    assert items(first) == ["a1", "b1", "c1"]
    schedule.done(first[0][0])
    assert items(started_at_once(schedule)) == ["a2"]
    schedule.done(first[1][0])
    assert items(started_at_once(schedule)) == ["b2"]


def test_a_rulebook_that_is_ready_early_waits_for_the_one_before_it() -> None:
    schedule = PrefixSchedule([("A", ["a1"]), ("A", ["a2"]), ("B", ["b1"]), ("B", ["b2"])])
    first = started_at_once(schedule)
    assert items(first) == ["a1", "b1"]
    schedule.done(first[1][0])
    assert started_at_once(schedule) == []
    schedule.done(first[0][0])
    assert items(started_at_once(schedule)) == ["a2", "b2"]


def test_single_segments_under_many_rulebooks_do_not_wait_for_each_other() -> None:
    schedule = PrefixSchedule([(number, [str(number)]) for number in range(20)])
    assert len(started_at_once(schedule)) == 20


@given(
    streams=st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 4)), max_size=12),
    order=st.lists(st.integers(0, 100), max_size=60),
    at_once=st.integers(1, 5),
)
def test_every_segment_comes_once_in_the_order_of_its_stream(streams: list[tuple[str, int]], order: list[int], at_once: int) -> None:
    given_streams: list[tuple[Hashable, list[str]]] = [
        (book, [f"{name}.{number}" for number in range(length)]) for name, (book, length) in enumerate(streams)
    ]
    schedule: PrefixSchedule[str] = PrefixSchedule(given_streams)
    out: list[tuple[int, str]] = []
    came: list[str] = []
    turns = iter(order)
    while True:
        while len(out) < at_once and (taken := schedule.take()) is not None:
            out.append(taken)
            came.append(taken[1])
        if not out:
            break
        number, item = out.pop(next(turns, 0) % len(out))
        # Of one stream nothing else is away.
        assert not any(other.split(".")[0] == item.split(".")[0] for _, other in out)
        schedule.done(number)
    for _, stream in given_streams:
        assert [item for item in came if item in stream] == stream
    assert len(came) == sum(len(stream) for _, stream in given_streams)


async def test_as_many_run_as_are_allowed_at_the_moment() -> None:
    allowed, running, most = 1, 0, []

    async def judge(item: int) -> int:
        nonlocal running, allowed
        running += 1
        most.append((allowed, running))
        await asyncio.sleep(0)
        running -= 1
        allowed = 3 if item > 4 else 1
        return item

    schedule = PrefixSchedule([(number, [number]) for number in range(20)])
    results = [result async for result in in_batches(schedule, judge, at_once=lambda: allowed)]
    assert sorted(results) == list(range(20))
    assert all(count <= at_the_time for at_the_time, count in most)
    assert max(count for _, count in most) == 3


async def test_closing_the_iterator_cancels_what_is_under_way() -> None:
    cancelled = []

    async def judge(item: int) -> int:
        try:
            await asyncio.sleep(0 if item == 0 else 60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    schedule = PrefixSchedule([(number, [number]) for number in range(3)])
    async with aclosing(in_batches(schedule, judge, at_once=lambda: 3)) as results:
        async for result in results:
            assert result == 0
            break
    assert sorted(cancelled) == [1, 2]


async def test_what_judging_raises_ends_the_iteration_and_cancels_the_rest() -> None:
    async def judge(item: int) -> int:
        await asyncio.sleep(0 if item == 1 else 60)
        raise RuntimeError("no")

    schedule = PrefixSchedule([(number, [number]) for number in range(3)])
    with pytest.raises(RuntimeError, match="no"):
        [result async for result in in_batches(schedule, judge, at_once=lambda: 3)]
