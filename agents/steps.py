"""What every step of the graph has around it: a time limit, a clock, progress events, and failures that become reasons for review."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

import structlog
from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from livesteward.agents.state import GraphState
from livesteward.agents.tools import Tools
from livesteward.contracts import Contract, ReviewCode, ReviewReason
from livesteward.errors import (
    InputError,
    LivestewardError,
    ModelAnswerError,
    ModelError,
    ModelRefusedError,
    ModelTimeoutError,
    PerceptionError,
    PolicyError,
    PromptError,
    RetrievalError,
)

log = structlog.get_logger(__name__)

Step = Callable[[GraphState, Tools], Awaitable[GraphState]]
"""One step: the state and the tools in, the changed part of the state out."""


class StepEvent(Contract):
    """Progress: a step of one segment started, finished or failed."""

    segment_id: str
    step: str
    state: Literal["started", "finished", "failed"]
    elapsed_ms: float = 0
    detail: str = ""


_CODES: Final[tuple[tuple[type[Exception], ReviewCode], ...]] = (
    (ModelTimeoutError, ReviewCode.MODEL_TIMEOUT),
    (ModelRefusedError, ReviewCode.MODEL_REFUSED),
    (ModelAnswerError, ReviewCode.MODEL_INVALID_ANSWER),
    (ModelError, ReviewCode.MODEL_UNAVAILABLE),
    (RetrievalError, ReviewCode.RULES_UNAVAILABLE),
    (PolicyError, ReviewCode.RULES_UNAVAILABLE),
    (PromptError, ReviewCode.RULES_UNAVAILABLE),
    (PerceptionError, ReviewCode.PERCEPTION_FAILED),
)


class Node(Protocol):
    """A node as langgraph calls it."""

    async def __call__(self, state: GraphState, *, runtime: Runtime[Tools]) -> GraphState:
        """Run on the state."""
        ...


Otherwise = Callable[[GraphState, Tools, ReviewReason], GraphState]
"""What a step leaves behind where it failed, from the state, the tools and what went wrong."""


def guarded(name: str, step: Step, *, otherwise: Otherwise | None = None) -> Node:
    """Return ``step`` as a node of the graph.

    Whatever goes wrong inside becomes a problem of the state, so that the verdict is a review that says so. Only an
    :class:`InputError` goes through, since it is the caller's to mend.

    Args:
        name: Of the step.
        step: What it does.
        otherwise: What it leaves behind where it failed, beside the problem.
    """

    async def node(state: GraphState, *, runtime: Runtime[Tools]) -> GraphState:
        tools = runtime.context
        segment_id = state["segment"].segment_id
        write = get_stream_writer()
        write(StepEvent(segment_id=segment_id, step=name, state="started"))
        start = time.perf_counter()
        problem: ReviewReason | None = None
        changed: GraphState = {}
        try:
            async with asyncio.timeout(tools.settings.limits.step_timeout_s):
                changed = await step(state, tools)
        except InputError:
            raise
        except TimeoutError:
            code = ReviewCode.MODEL_TIMEOUT if name == "judge" else ReviewCode.INTERNAL_ERROR
            problem = ReviewReason(
                code=code, detail=f"The step {name} took longer than {tools.settings.limits.step_timeout_s:.0f} s (limits.step_timeout_s)."
            )
        except LivestewardError as error:
            problem = _problem(name, error)
        except Exception as error:
            log.exception("a step failed unexpectedly", step=name, segment=segment_id)
            problem = ReviewReason(code=ReviewCode.INTERNAL_ERROR, detail=f"The step {name} failed: {type(error).__name__}.")
        elapsed = round((time.perf_counter() - start) * 1_000, 2)
        if problem is not None:
            log.warning("a step failed", step=name, segment=segment_id, code=problem.code.value, detail=problem.detail)
            changed = {**(otherwise(state, tools, problem) if otherwise else {}), "problems": (problem,)}
        ended: Literal["failed", "finished"] = "failed" if problem else "finished"
        write(StepEvent(segment_id=segment_id, step=name, state=ended, elapsed_ms=elapsed, detail=problem.detail if problem else ""))
        return {**changed, "latency_ms": {name: elapsed}}

    return node


def _problem(name: str, error: LivestewardError) -> ReviewReason:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), ReviewCode.INTERNAL_ERROR)
    if isinstance(error, ModelError) and name in {"retrieve", "screen"}:
        # The embedder is a model too; without it the rules cannot be found.
        code = ReviewCode.RULES_UNAVAILABLE
    return ReviewReason(code=code, detail=f"{name}: {error}"[:2_000])
