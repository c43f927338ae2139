"""A server that dies and comes back. It runs after all other tests, since it ends the server that they share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from long_winded import LongWinded
from pictures import example
from quick import quick
from served import PATIENCE_S, OpenSteward, Served

from livesteward.contracts import Decision, ReviewCode


async def test_a_server_that_dies_in_mid_request_makes_a_review_and_judges_again_when_it_is_back(
    open_steward: OpenSteward, served: Served, count_so_far: Callable[[], None], tmp_path: Path
) -> None:
    starter = served.starter
    if starter is None:
        pytest.skip("the server is not the tests' own, and is not to be ended")
    count_so_far()
    steward = open_steward(LongWinded, **quick(tmp_path), model={"max_tokens": 8_000})
    judging = asyncio.create_task(steward.moderate(example("scam"), regions=["SG"]))
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(served.running):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await asyncio.to_thread(kill, starter.server.running().pid)
    verdict = await judging
    assert verdict.decision is verdict.stream_decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [ReviewCode.MODEL_UNAVAILABLE]

    await asyncio.to_thread(starter.start)
    again = await steward.moderate(example("scam"), regions=["SG"])
    assert again.provenance.judge == "model"
    assert again.provenance.model == served.model


def kill(pid: int) -> None:
    """Kill a server and its workers, as a machine that goes down does."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(family, timeout=10)
