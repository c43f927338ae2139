"""Asking at given moments, whatever became of what was asked before: open-loop load, with latency from the moment that was planned.

Who waits for an answer before asking again hides what a slow server does to those who would have asked meanwhile (coordinated omission).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livesteward.contracts import Contract, ReviewCode, Segment, TokenCounts
from livesteward.errors import ModelAnswerError, ModelError, ModelRefusedError, ModelTimeoutError
from livesteward.models.protocol import ChatModel, ModelRequest
from livesteward.prompts.answer import read_judge_answer

OnDone = Callable[[], None]


class Asked(Contract):
    """One segment that was asked about.

    Attributes:
        index: Which segment of the round; other arms asked about the same at the same offset.
        counted: Whether it came after the warm-up.
        offset_s: When it was to be asked, in seconds from the round's start.
        latency_s: From that moment to the end.
        failure: Why there is no valid answer; empty where there is one.
        detail: The error's words.
        tokens: Of all attempts, where there was an answer.
        trimmed: Whether something of the prompt was left out, for lack of room in the model's context.
    """

    index: int
    counted: bool
    offset_s: float
    latency_s: float
    failure: str = ""
    detail: str = ""
    tokens: TokenCounts = TokenCounts()
    trimmed: bool = False


@dataclass(frozen=True)
class Arrival:
    """A segment and when it comes, in seconds from the start of the round."""

    offset_s: float
    segment: Segment
    book: int


def poisson_offsets(rate: float, seconds: float, *, seed: str) -> list[float]:
    """Return moments of a Poisson process: gaps are exponential with mean ``1 / rate``.

    Args:
        rate: Arrivals a second.
        seconds: The length of the process.
        seed: The same moments for the same seed.
    """
    draw = random.Random(seed)
    found = []
    moment = draw.expovariate(rate)
    while moment < seconds:
        found.append(moment)
        moment += draw.expovariate(rate)
    return found


async def drive(
    model: ChatModel,
    arrivals: Sequence[Arrival],
    requests: Sequence[ModelRequest],
    *,
    warm_up_s: float,
    on_done: OnDone | None = None,
) -> list[Asked]:
    """Ask ``model`` about every arrival at its moment, and wait for all that comes of it.

    Args:
        model: What is asked.
        arrivals: In the order of their offsets.
        requests: Made beforehand, one an arrival.
        warm_up_s: What comes before is asked and not counted.
        on_done: Called after each answer or failure.
    """
    began = time.perf_counter()
    tasks = []

    async def one(index: int, arrival: Arrival, request: ModelRequest) -> Asked:
        came = await ask(model, request, arrival.segment)
        if on_done is not None:
            on_done()
        return Asked(
            index=index,
            counted=arrival.offset_s >= warm_up_s,
            offset_s=round(arrival.offset_s, 4),
            latency_s=round(time.perf_counter() - began - arrival.offset_s, 4),
            **dict(came),
        )

    async with asyncio.TaskGroup() as group:
        for index, (arrival, request) in enumerate(zip(arrivals, requests, strict=True)):
            await asyncio.sleep(max(0.0, began + arrival.offset_s - time.perf_counter()))
            tasks.append(group.create_task(one(index, arrival, request)))
    return [task.result() for task in tasks]


class Came(Contract):
    """What came of asking: the failure's code (empty for none) with its words, and the answer's tokens."""

    failure: str = ""
    detail: str = ""
    tokens: TokenCounts = TokenCounts()
    trimmed: bool = False


async def ask(model: ChatModel, request: ModelRequest, segment: Segment | None = None) -> Came:
    """Ask once, and where the segment is given read the answer as the judge does."""
    came = Came()
    try:
        answer = await model.ask(request)
        came = Came(tokens=answer.tokens, trimmed=bool(answer.trimmed))
        if segment is not None:
            read_judge_answer(answer, segment)
    except ModelError as error:
        return came.model_copy(update={"failure": _code(error).value, "detail": str(error)[:300]})
    return came


def _code(error: ModelError) -> ReviewCode:
    if isinstance(error, ModelTimeoutError):
        return ReviewCode.MODEL_TIMEOUT
    if isinstance(error, ModelRefusedError):
        return ReviewCode.MODEL_REFUSED
    return ReviewCode.MODEL_INVALID_ANSWER if isinstance(error, ModelAnswerError) else ReviewCode.MODEL_UNAVAILABLE
