"""Having servers read the rules beforehand, so that the first segments of a region do not wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from livesteward.agents.judges.inquiry import AskingJudge
from livesteward.agents.tools import make_tools
from livesteward.contracts import Contract
from livesteward.errors import ConfigurationError, ModelAnswerError, ModelError
from livesteward.models.factory import served_models
from livesteward.models.protocol import ModelRequest, Sampling
from livesteward.settings import Settings


class Warmed(Contract):
    """One beginning on one server: how long it took to read, or why that failed. ``tokens`` is about how long the rules in it are."""

    regions: tuple[str, ...]
    endpoint: str
    tokens: int
    seconds: float
    problem: str = ""


async def beginning_requests(settings: Settings, regions: Sequence[Sequence[str]], on: date) -> tuple[tuple[ModelRequest, int], ...]:
    """Return requests for one word that hold what prompts of these regions begin with, and about how many tokens the rules in them are.

    Raises:
        LivestewardError: If a region is unknown, rules or prompt cannot be read, or the judge is one whose prompts share no rules.
    """
    tools = make_tools(settings)
    try:
        if tools.standing is None:
            raise ConfigurationError(
                "nothing can be read beforehand: no language model judges, or a guard model, whose prompts have no rulebook"
            )
        # Tools stand in front of the messages in most chat templates.
        offered = tools.judge.tools if isinstance(tools.judge, AskingJudge) and tools.judge.asks else ()
        found = []
        for names in regions:
            layout = tools.standing.layout(names, on)
            request = ModelRequest(
                messages=tools.standing.prefix(names, on),
                answer_schema=None,
                whole=False,
                sampling=Sampling(max_tokens=1),
                tools=offered,
                prefix=layout.prefix,
            )
            found.append((request, layout.tokens))
        return tuple(found)
    finally:
        await tools.aclose()


async def warm(
    settings: Settings,
    regions: Sequence[Sequence[str]],
    *,
    on: date,
    timeout_s: float = 300.0,
    progress: Callable[[Warmed], None] | None = None,
) -> tuple[Warmed, ...]:
    """Have every server of the model, and of its fallbacks, read the rules of each of these sets of regions; one word is asked for.

    Args:
        settings: With the model's servers.
        regions: Sets of regions that are judged together, mostly of one each.
        on: The day whose rules hold.
        timeout_s: For one beginning on one server.
        progress: Called after each.

    Raises:
        LivestewardError: As :func:`beginning_requests`. What a server cannot do is in the result.
    """
    beginnings = await beginning_requests(settings, regions, on)
    done: list[Warmed] = []
    for url, model in served_models(settings):
        try:
            for names, (request, tokens) in zip(regions, beginnings, strict=True):
                began, problem = time.monotonic(), ""
                try:
                    await model.ask(request.model_copy(update={"deadline_s": timeout_s}))
                except ModelAnswerError:
                    # It need not make sense: the prompt has been read for it.
                    pass
                except ModelError as error:
                    problem = str(error)
                seconds = round(time.monotonic() - began, 3)
                done.append(Warmed(regions=tuple(names), endpoint=url, tokens=tokens, seconds=seconds, problem=problem))
                if progress is not None:
                    progress(done[-1])
        finally:
            await model.aclose()
    return tuple(done)


def parse_regions(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Read ``SG`` and ``SG+DE``."""
    for word in words:
        if names := tuple(part.strip() for part in word.split("+") if part.strip()):
            yield names
