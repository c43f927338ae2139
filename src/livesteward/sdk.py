"""The SDK: a :class:`Steward` moderates segments and watches streams, in the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Self, cast
from uuid import uuid4

from langgraph.types import Durability
from pydantic import ValidationError

from livesteward.agents.batch import PrefixSchedule, in_batches
from livesteward.agents.graph import Agent, build_graph
from livesteward.agents.judges.case import Judge
from livesteward.agents.state import GraphState, StreamMemory
from livesteward.agents.steps import StepEvent as StepEvent
from livesteward.agents.tools import Tools, make_tools
from livesteward.contracts import Decision, RetrievedRule, ReviewDecision, Segment, Verdict, check_jurisdiction
from livesteward.errors import ConfigurationError, InputError
from livesteward.models.protocol import ChatModel, Paced
from livesteward.retrieval.index import IndexProgress
from livesteward.settings import Settings, load_settings
from livesteward.sync import LoopThread, refuse_in_event_loop

_PLACES: Final = 4
"""Segments that are judged at once where the judge does not say."""

OnEvent = Callable[[StepEvent], None]
"""Called as steps start and end, in the event loop: it must be quick."""


@dataclass(frozen=True)
class Examined:
    """A verdict with what it was made from.

    Attributes:
        verdict: The verdict.
        segment: As judged, with what perception added.
        rules: That were retrieved, of all jurisdictions.
        memory: Of the stream; hand it to the next segment's :meth:`Steward.examine`.
        frames: The pictures that were looked at, as JPEG, by frame id.
    """

    verdict: Verdict
    segment: Segment
    rules: tuple[RetrievedRule, ...]
    memory: StreamMemory
    frames: Mapping[str, bytes]


@dataclass(frozen=True)
class Moderated:
    """What became of one of many segments.

    Attributes:
        index: Its place among those that were handed in, from 0.
        segment: As handed in.
        verdict: None where there is none, and then ``error`` says why.
        error: What was wrong with the segment, or with the installation.
    """

    index: int
    segment: Segment
    verdict: Verdict | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class Reviewed:
    """A verdict that waited for a person, and what the person decided."""

    verdict: Verdict
    decision: ReviewDecision


class Steward:
    """Moderates live streams.

    Make one for a process and share it: it holds the models and the rule index. Use it as an async context manager, or close it::

        async with Steward.from_settings() as steward:
            verdict = await steward.moderate(segment, regions=["SG", "DE"])
    """

    def __init__(self, tools: Tools) -> None:
        """Take the parts; :meth:`from_settings` makes them."""
        self._tools = tools
        self._stack = AsyncExitStack()
        self._agent: Agent | None = None
        self._opening: asyncio.Lock | None = None
        self._sync: LoopThread | None = None
        self._sync_lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings | None = None, *, model: ChatModel | None = None, **overrides: object) -> Self:
        """Make a steward.

        Args:
            settings: Without them, ``LIVESTEWARD_*`` variables and the workspace's file are read.
            model: A model that judges in place of the configured one.
            overrides: Settings by name, on top of what is read.

        Raises:
            LivestewardError: If a setting, rule document, prompt, threshold or extra is wrong or missing; says what to do.
        """
        if settings is not None and overrides:
            raise ConfigurationError("give either settings or single overrides, not both")
        if model is not None and not isinstance(model, ChatModel):
            raise ConfigurationError(f"model takes a ChatModel, not {type(model).__name__}; give its settings as Settings(model=...)")
        return cls(make_tools(settings or load_settings(**overrides), model=model))

    async def __aenter__(self) -> Self:
        """Return the steward itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close models, index and checkpoints."""
        await self._stack.aclose()
        await self._tools.aclose()

    @property
    def settings(self) -> Settings:
        """What it works with."""
        return self._tools.settings

    async def prepare(
        self, regions: Sequence[str], *, on: date | None = None, progress: Callable[[str, int, int], None] | None = None
    ) -> None:
        """Build the rule index of ``regions`` where it is missing, and read it, so that the first segment does not wait for it.

        Args:
            regions: Jurisdictions.
            on: The day whose rules hold; today (UTC) unless given.
            progress: Told what is indexed, how many texts are done and how many there are.

        Raises:
            InputError: If a region is unknown.
            RetrievalError: If the index cannot be built.
        """
        from livesteward.retrieval.index import ensure_index

        day = on or self._tools.now().date()

        def told(event: IndexProgress) -> None:
            if progress is not None:
                progress(event.jurisdiction, event.done, event.total)

        checked = _checked(regions)
        search = self._tools.search
        await ensure_index(search.index, search.library, checked, day, progress=told)
        await search.warm(checked, on=day)

    async def moderate(
        self,
        segment: Segment,
        *,
        regions: Sequence[str] | None = None,
        on: date | None = None,
        media_root: Path | None = None,
        on_event: OnEvent | None = None,
    ) -> Verdict:
        """Judge one segment by itself.

        Args:
            segment: What to judge.
            regions: Jurisdictions whose rules apply; the segment's own and its audience's unless given.
            on: The day whose rules hold; the day of the segment unless given.
            media_root: The folder that the segment's media paths are relative to.
            on_event: Told of progress.

        Returns:
            The verdict. Whatever could not be done makes it a ``review`` that says why.

        Raises:
            InputError: If a region is unknown.
        """
        return (await self.examine(segment, regions=regions, on=on, media_root=media_root, on_event=on_event)).verdict

    async def examine(
        self,
        segment: Segment,
        *,
        regions: Sequence[str] | None = None,
        on: date | None = None,
        media_root: Path | None = None,
        memory: StreamMemory | None = None,
        on_event: OnEvent | None = None,
    ) -> Examined:
        """Judge one segment and return also what the verdict was made from; see :meth:`moderate`.

        Args:
            segment: What to judge.
            regions: See :meth:`moderate`.
            on: See :meth:`moderate`.
            media_root: See :meth:`moderate`.
            memory: What the stream's earlier segments left behind.
            on_event: Told of progress.

        Raises:
            InputError: If a region is unknown, or the memory is of another stream.
        """
        if memory is not None and memory.stream_id not in ("", segment.stream_id):
            raise InputError(f"the memory is of stream {memory.stream_id!r} and the segment of {segment.stream_id!r}", field="memory")
        verdict_id = str(uuid4())
        given: GraphState = {
            "verdict_id": verdict_id,
            "segment": segment,
            "regions": _checked(regions) if regions else segment.regions,
            "on": on or segment.starts_at.date(),
            "memory": memory or StreamMemory(stream_id=segment.stream_id),
        }
        agent = await self._opened()
        tools = replace(self._tools, media_root=media_root)
        final: GraphState = given
        # Without a checkpointer there is nothing to be durable; with one, the end of the run is soon enough.
        durability: Durability | None = "exit" if agent.checkpointer else None
        async for mode, chunk in agent.astream(
            given, {"configurable": {"thread_id": verdict_id}}, context=tools, stream_mode=["custom", "values"], durability=durability
        ):
            if mode == "values":
                final = cast(GraphState, chunk)
            elif on_event is not None:
                on_event(cast(StepEvent, chunk))
        if final["verdict"].decision is not Decision.REVIEW:
            await self._forget(agent, verdict_id)
        pictures = {ref.frame_id: self._tools.perceiver.frames.get(ref.sha256) for ref in final.get("frames", ())}
        return Examined(
            verdict=final["verdict"],
            segment=final["segment"],
            rules=final.get("rules", ()),
            memory=final["memory"],
            frames={frame_id: data for frame_id, data in pictures.items() if data is not None},
        )

    async def watch(
        self,
        segments: Iterable[Segment] | AsyncIterable[Segment],
        *,
        regions: Sequence[str] | None = None,
        on: date | None = None,
        media_root: Path | None = None,
        on_event: OnEvent | None = None,
    ) -> AsyncIterator[Verdict]:
        """Judge the segments of one stream in their order, each with the memory of those before it; see :meth:`moderate`."""
        memory: StreamMemory | None = None
        async for segment in _each(segments):
            if memory is not None and memory.stream_id != segment.stream_id:
                raise InputError(f"watch takes one stream; after {memory.stream_id!r} came {segment.stream_id!r}", field="stream_id")
            examined = await self.examine(segment, regions=regions, on=on, media_root=media_root, memory=memory, on_event=on_event)
            memory = examined.memory
            yield examined.verdict

    async def moderate_many(
        self,
        segments: Iterable[Segment],
        *,
        regions: Sequence[str] | None = None,
        on: date | None = None,
        media_root: Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> AsyncIterator[Moderated]:
        """Judge many segments of any number of streams, several at once; see :meth:`moderate`.

        Segments of one stream are judged in the order in which they are given, each with the memory of those before it. Streams under one
        rulebook (the same regions, the day of the stream's first segment) are judged together, so that a model server has its rules in
        the prefix cache; rulebooks come in the order of their first segment. As many are under way as the judge takes for now, and
        somewhat more.

        Args:
            segments: All of them; they are read at once.
            regions: See :meth:`moderate`.
            on: See :meth:`moderate`.
            media_root: See :meth:`moderate`.
            on_progress: Told how many are done and how many there are.

        Yields:
            Each segment's verdict as it is done: of one stream in its order, and of all in no other. Where a segment cannot be judged at
            all the error takes the verdict's place, and the others go on.

        Raises:
            InputError: If ``regions`` has an unknown one.
        """
        given = list(segments)
        asked = _checked(regions) if regions else None
        streams: dict[str, list[int]] = {}
        for index, segment in enumerate(given):
            streams.setdefault(segment.stream_id, []).append(index)
        memories: dict[str, StreamMemory] = {}

        async def judge(index: int) -> Moderated:
            segment = given[index]
            memory = memories.get(segment.stream_id)
            try:
                examined = await self.examine(segment, regions=asked, on=on, media_root=media_root, memory=memory)
            except Exception as error:
                # One faulty segment must not take the others' verdicts away.
                return Moderated(index=index, segment=segment, error=error)
            memories[segment.stream_id] = examined.memory
            return Moderated(index=index, segment=segment, verdict=examined.verdict)

        def rulebook(segment: Segment) -> tuple[frozenset[str], date]:
            return frozenset(asked or segment.regions), on or segment.starts_at.date()

        schedule = PrefixSchedule([(rulebook(given[indices[0]]), indices) for indices in streams.values()])
        async with aclosing(in_batches(schedule, judge, at_once=lambda: _at_once(self._tools.judge))) as results:
            done = 0
            async for moderated in results:
                done += 1
                if on_progress is not None:
                    on_progress(done, len(given))
                yield moderated

    def moderate_sync(
        self, segment: Segment, *, regions: Sequence[str] | None = None, on: date | None = None, media_root: Path | None = None
    ) -> Verdict:
        """Do :meth:`moderate` from code that is not async.

        The steward keeps one event loop in a thread for this until :meth:`close_sync`.

        Raises:
            ConfigurationError: If it is called in a running event loop.
        """
        refuse_in_event_loop("moderate_sync", "`await steward.moderate(...)`")
        with self._sync_lock:
            self._sync = self._sync or LoopThread()
        return self._sync.run(self.moderate(segment, regions=regions, on=on, media_root=media_root))

    def close_sync(self) -> None:
        """Close a steward that was used with :meth:`moderate_sync`."""
        with self._sync_lock:
            if self._sync is not None:
                self._sync.run(self.aclose())
                self._sync.close()
                self._sync = None

    async def pending(self) -> list[Verdict]:
        """Return the verdicts that wait for a person, oldest first (with the setting ``human_review``)."""
        agent = await self._opened()
        saver = agent.checkpointer
        if not self.settings.human_review or saver is None or isinstance(saver, bool):
            return []
        threads = dict.fromkeys([entry.config["configurable"]["thread_id"] async for entry in saver.alist(None)])
        waiting = []
        for thread in threads:
            state = await agent.aget_state({"configurable": {"thread_id": thread}})
            if state.interrupts:
                waiting.append(state.values["verdict"])
        return sorted(waiting, key=lambda verdict: verdict.decided_at)

    async def resume(self, verdict_id: str, decision: ReviewDecision) -> Reviewed:
        """Hand in a person's decision on a verdict that waits for it.

        Raises:
            InputError: If no verdict of that id waits, or the decision is none; the verdict then goes on waiting.
        """
        from langgraph.types import Command

        agent = await self._opened()
        config: Any = {"configurable": {"thread_id": verdict_id}}
        state = await agent.aget_state(config) if agent.checkpointer else None
        if state is None or not state.interrupts:
            raise InputError(f"no verdict {verdict_id!r} waits for a decision", field="verdict_id")
        try:
            # Checked here, where it is said what is wrong; langgraph would check it too, and leave the verdict waiting.
            checked = ReviewDecision.model_validate(decision.model_dump() if isinstance(decision, ReviewDecision) else decision)
        except ValidationError as error:
            raise InputError.from_validation(error, source="decision") from error
        final = await agent.ainvoke(Command(resume=checked.model_dump(mode="json")), config, context=self._tools, durability="sync")
        reviewed = Reviewed(verdict=final["verdict"], decision=final["person"])
        await self._forget(agent, verdict_id)
        return reviewed

    def describe_graph(self) -> str:
        """Return a drawing of the agent's graph as Mermaid text."""
        return describe_graph(human_review=self.settings.human_review)

    async def _opened(self) -> Agent:
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._agent is None:
                saver = await self._saver()
                self._agent = build_graph(checkpointer=saver, human_review=self.settings.human_review)
            return self._agent

    async def _forget(self, agent: Agent, verdict_id: str) -> None:
        """Delete the checkpoint of a verdict that waits for nobody: only pending reviews are kept."""
        if not isinstance(agent.checkpointer, bool) and agent.checkpointer is not None:
            await agent.checkpointer.adelete_thread(verdict_id)

    async def _saver(self) -> Any:
        if not self.settings.human_review:
            return None
        if self.settings.checkpoints is None:
            from langgraph.checkpoint.memory import InMemorySaver

            return InMemorySaver()
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        self.settings.checkpoints.parent.mkdir(parents=True, exist_ok=True)
        return await self._stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(self.settings.checkpoints)))


def describe_graph(*, human_review: bool = False) -> str:
    """Return a drawing of the agent's graph as Mermaid text."""
    from langgraph.checkpoint.memory import InMemorySaver

    graph = build_graph(checkpointer=InMemorySaver() if human_review else None, human_review=human_review)
    return graph.get_graph().draw_mermaid()


def _checked(regions: Sequence[str]) -> tuple[str, ...]:
    if isinstance(regions, str):
        raise InputError(f"give a list of regions, such as [{regions!r}]", field="regions")
    for place, region in enumerate(regions):
        try:
            check_jurisdiction(region)
        except ValueError as error:
            raise InputError(str(error), field=f"regions[{place}]") from error
    return tuple(dict.fromkeys(regions))


def _at_once(judge: Judge) -> int:
    """Somewhat more than the judge takes, since some segments are still being perceived or screened."""
    places = judge.places if isinstance(judge, Paced) else _PLACES
    return places + places // 4


async def _each(segments: Iterable[Segment] | AsyncIterable[Segment]) -> AsyncIterator[Segment]:
    if isinstance(segments, AsyncIterable):
        async for segment in segments:
            yield segment
    else:
        for segment in segments:
            yield segment
