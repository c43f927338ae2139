"""The order in which many segments of many streams are judged, so that a model server keeps the rules of one rulebook in its prefix cache.

Segments of one stream are judged one after another, in their order. Streams under one rulebook are judged together, and those of the next
rulebook come in as the former run out. Of each rulebook one segment goes ahead, to fill the cache that the others then use.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

MOST_LEADS: Final = 2
"""Of how many rulebooks a first segment may be away while others wait for it; more would push each other out of the cache."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class _Stream(Generic[_T]):
    def __init__(self, items: Sequence[_T]) -> None:
        self.items = deque(items)


class _Group(Generic[_T]):
    def __init__(self) -> None:
        self.streams: deque[_Stream[_T]] = deque()
        self.busy = 0
        self.led = False
        self.warm = False

    @property
    def is_over(self) -> bool:
        return not self.streams and not self.busy

    def take(self, *, only_lead: bool) -> _Stream[_T] | None:
        if not self.streams or (self.led and (only_lead or not self.warm)):
            return None
        self.led = True
        self.busy += 1
        return self.streams.popleft()

    def put_back(self, stream: _Stream[_T]) -> None:
        self.warm = True
        self.busy -= 1
        if stream.items:
            # In front: streams are ended before others are begun, so that few memories are held.
            self.streams.appendleft(stream)


class PrefixSchedule(Generic[_T]):
    """Says what comes next, and holds back what must wait.

    Args:
        streams: For each stream what it shares a prompt's beginning by (its rulebook), and its items in their order. Rulebooks come in the
            order of their first stream.
    """

    def __init__(self, streams: Sequence[tuple[Hashable, Sequence[_T]]]) -> None:
        self._groups: dict[Hashable, _Group[_T]] = {}
        for key, items in streams:
            if items:
                self._groups.setdefault(key, _Group()).streams.append(_Stream(items))
        self._out: dict[int, tuple[Hashable, _Stream[_T]]] = {}
        self._taken = 0

    def take(self) -> tuple[int, _T] | None:
        """Return what may be judged now, with a number to report it by; None where everything that is left must wait, or nothing is."""
        leads = 0
        for key, group in self._groups.items():
            # While one rulebook waits for its first segment no other is judged under, but its own first segment may go ahead.
            stream = group.take(only_lead=leads > 0)
            if stream is not None:
                self._taken += 1
                self._out[self._taken] = (key, stream)
                return self._taken, stream.items.popleft()
            leads += bool(group.streams)
            if leads == MOST_LEADS:
                return None
        return None

    def done(self, number: int) -> None:
        """Report that what :meth:`take` gave is judged, or failed: its stream may go on."""
        key, stream = self._out.pop(number)
        group = self._groups[key]
        group.put_back(stream)
        if group.is_over:
            del self._groups[key]


async def in_batches(
    schedule: PrefixSchedule[_T], judge: Callable[[_T], Awaitable[_R]], *, at_once: Callable[[], int]
) -> AsyncGenerator[_R, None]:
    """Judge everything that is scheduled, and yield what comes of it as it is done.

    What is not yet begun waits while the caller keeps what was yielded; what is begun goes on. Closing the iterator cancels it.

    Args:
        schedule: Used up.
        judge: Judges one item; what it raises ends the iteration.
        at_once: How many may be under way, asked before each is begun.
    """
    running: dict[asyncio.Task[_R], int] = {}
    finished: deque[asyncio.Task[_R]] = deque()

    def fill() -> None:
        while len(running) < max(1, at_once()) and (taken := schedule.take()) is not None:
            number, item = taken
            running[asyncio.ensure_future(judge(item))] = number

    try:
        fill()
        while running:
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            # In the order in which they were begun, where several ended in one moment.
            finished.extend(sorted(ended, key=running.__getitem__))
            for task in ended:
                schedule.done(running.pop(task))
            fill()
            while finished:
                yield finished.popleft().result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, *finished, return_exceptions=True)
