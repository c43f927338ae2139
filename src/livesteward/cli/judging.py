"""Judging the segments of one stream in their order, each with the memory of those before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from livesteward.cli.watched import WatchedStream
from livesteward.contracts import Segment

if TYPE_CHECKING:
    from livesteward.agents.state import StreamMemory
    from livesteward.sdk import Examined, OnEvent, Steward


async def judged(
    steward: Steward,
    stream: WatchedStream,
    *,
    regions: Sequence[str],
    on: date | None,
    on_event: OnEvent | None = None,
    on_segment: Callable[[Segment, int], None] | None = None,
    realtime: bool = False,
) -> AsyncIterator[Examined]:
    """Yield each segment as examined, and keep it and the time spent in ``stream``.

    Args:
        steward: Does the judging.
        stream: What to judge; its ``examined`` and ``seconds`` grow.
        regions: Whose rules apply; the segments' own if there are none.
        on: The day whose rules hold; the segments' own unless given.
        on_event: Told of steps.
        on_segment: Told of each segment before it is judged, with its number from 1.
        realtime: Whether a segment waits until its end would have been broadcast, counted from now.
    """
    memory: StreamMemory | None = None
    begun = time.monotonic()
    first = stream.segments[0].offset_s
    for number, segment in enumerate(stream.segments, start=1):
        if realtime:
            await asyncio.sleep(max(0.0, begun + segment.offset_s - first + segment.duration_s - time.monotonic()))
        if on_segment is not None:
            on_segment(segment, number)
        started = time.monotonic()
        examined = await steward.examine(
            segment, regions=regions or None, on=on, media_root=stream.media_root, memory=memory, on_event=on_event
        )
        memory = examined.memory
        stream.examined.append(examined)
        stream.seconds += time.monotonic() - started
        yield examined
