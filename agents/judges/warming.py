"""Having servers read the rules beforehand, so that the first segments of a region do not wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from livesteward.contracts import Contract, RetrievedRule
from livesteward.errors import ModelAnswerError, ModelError
from livesteward.models.factory import served_models
from livesteward.models.protocol import Message, ModelRequest, Sampling
from livesteward.prompts.example import example_segment
from livesteward.prompts.judging import render_judge
from livesteward.prompts.registry import PromptRegistry
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import Settings


class Warmed(Contract):
    """One prefix on one server: how long it took to read, or why that failed."""

    regions: tuple[str, ...]
    endpoint: str
    seconds: float
    problem: str = ""


def prefix_messages(settings: Settings, regions: Sequence[str], on: date) -> tuple[tuple[Message, ...], str]:
    """Return what prompts for segments of these regions begin with, and the digest of it.

    Raises:
        LivestewardError: If a region is unknown, or rules or prompt cannot be read.
    """
    library = load_library(settings.policies_dir)
    prompt = PromptRegistry(settings.prompts_dir).named(settings.prompt)
    rules = [
        RetrievedRule(jurisdiction=region, rule=rule, score=0)
        for region in sorted(set(regions))
        for rule in library.rulebook(region, on).rules[: settings.retrieval.rules_per_jurisdiction]
    ]
    return render_judge(prompt, example_segment(), rules), ""


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
        timeout_s: For one prefix on one server.
        progress: Called after each.

    Raises:
        LivestewardError: If a region is unknown, or rules or prompt cannot be read. What a server cannot do is in the result.
    """
    beginnings = [(tuple(names), *prefix_messages(settings, names, on)) for names in regions]
    done: list[Warmed] = []
    for url, model in served_models(settings):
        try:
            for names, messages, prefix in beginnings:
                request = ModelRequest(
                    messages=messages, answer_schema=None, whole=False, sampling=Sampling(max_tokens=1), deadline_s=timeout_s, prefix=prefix
                )
                began, problem = time.monotonic(), ""
                try:
                    await model.ask(request)
                except ModelAnswerError:
                    # It need not make sense: the prompt has been read for it.
                    pass
                except ModelError as error:
                    problem = str(error)
                done.append(Warmed(regions=names, endpoint=url, seconds=round(time.monotonic() - began, 3), problem=problem))
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
