"""What a model would be asked about a segment, without asking it: the whole way up to the question, and what each part of it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import uuid4

from livesteward.agents import flow
from livesteward.agents.judges.inquiry import AskingJudge
from livesteward.agents.judges.model import ModelJudge
from livesteward.agents.state import GraphState
from livesteward.agents.tools import Tools, make_tools
from livesteward.contracts import Contract, RetrievedRule, Segment
from livesteward.errors import ConfigurationError, ModelUnavailableError
from livesteward.models.budget import TextCounter, estimate_tokens, image_tokens, tokenizer_counter, tool_tokens
from livesteward.models.profiles.images import ANY_FAMILY
from livesteward.models.profiles.registry import profile_for
from livesteward.models.protocol import ImagePart, Message, ModelAnswer, ModelRequest
from livesteward.prompts.judging import render_judge, render_prefix
from livesteward.prompts.registry import Prompt, PromptRegistry
from livesteward.prompts.rulebook_layout import FOUND_ONLY, RulebookForm
from livesteward.prompts.spending import Spending, spending
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import JudgeKind, Settings

_NONCE: Final = "0123456789ab"
"""Fixed, so that two looks at the same segment count the same."""

_STEPS: Final = (flow.ingest, flow.perceive, flow.screen, flow.retrieve)


class Preview(Contract):
    """Where the tokens of the prompt for one segment go.

    Attributes:
        prompt: Name and version.
        exact: Whether tokens were counted with the model's own tokenizer, and not estimated.
        cleared: Whether the screen lets the segment go, so that no model is asked.
        form: What stands of the rulebook at the beginning.
        spending: The tokens.
    """

    prompt: str
    exact: bool
    cleared: bool
    form: RulebookForm
    spending: Spending


async def preview(segment: Segment, settings: Settings, *, regions: Sequence[str] = (), media_root: Path | None = None) -> Preview:
    """Go the way of a segment up to the question to the model, and say what the prompt costs.

    Args:
        segment: What would be judged, also where the screen would let it go.
        settings: With the model's limits; no model is called, and none need be there.
        regions: Jurisdictions; the segment's own unless given.
        media_root: The folder that the segment's media paths are relative to.

    Raises:
        LivestewardError: If a step cannot be taken, or the model's profile is a guard's, which has a format of its own.
    """
    _refuse_guards(settings)
    tools = replace(make_tools(settings, model=_Unasked(settings)), media_root=media_root)
    try:
        return await _previewed(segment, settings, tools, tuple(dict.fromkeys(regions or segment.regions)))
    finally:
        await tools.aclose()


async def _previewed(segment: Segment, settings: Settings, tools: Tools, regions: tuple[str, ...]) -> Preview:
    on = segment.starts_at.date()
    state: GraphState = {"verdict_id": str(uuid4()), "segment": segment, "regions": regions, "on": on}
    for step in _STEPS:
        state = {**state, **await step(state, tools)}
    assert tools.standing is not None
    prompt = PromptRegistry(settings.prompts_dir).named(settings.prompt)
    assert isinstance(tools.judge, ModelJudge | AskingJudge)
    asked = await tools.judge.request(flow.case_of(state, tools), nonce=_NONCE)
    form = state["layout"].form
    stable = tools.standing.prefix(regions, on) if form is not RulebookForm.FOUND else render_prefix(prompt, ())
    count, exact = _counter(settings)
    return Preview(
        prompt=f"{prompt.ref.name}@v{prompt.ref.version}",
        exact=exact,
        cleared=state["screened"].cleared,
        form=form,
        spending=_spent(asked.request.messages, stable, settings, count, tools=tool_tokens(asked.request, count=count)),
    )


def spent_on_texts(segments: Iterable[Segment], prompt: Prompt, settings: Settings) -> tuple[Spending, ...]:
    """Return what the prompts for ``segments`` cost without pictures, each with the first rules of its region and none searched for.

    For comparing versions of a prompt over many segments: what they differ in is not the rules.
    """
    library = load_library(settings.policies_dir)
    count, _ = _counter(settings)
    found = []
    for segment in segments:
        rules = library.rulebook(segment.region, segment.starts_at.date()).rules[: settings.retrieval.rules_per_jurisdiction]
        retrieved = [RetrievedRule(jurisdiction=segment.region, rule=rule, score=0) for rule in rules]
        messages = render_judge(prompt, segment, retrieved, layout=FOUND_ONLY, nonce=_NONCE)
        found.append(_spent(messages, render_prefix(prompt, ()), settings, count))
    return tuple(found)


def _spent(
    messages: tuple[Message, ...], stable: tuple[Message, ...], settings: Settings, count: TextCounter, *, tools: int = 0
) -> Spending:
    profile = profile_for(settings.model.profile, settings.model.name)
    images = profile.images or ANY_FAMILY

    def count_image(part: ImagePart) -> int:
        return image_tokens(part, images)

    return spending(
        messages,
        stable=stable,
        context_tokens=settings.model.context_tokens,
        answer_tokens=settings.model.max_tokens + profile.thinking.room(settings.model.thinking_tokens),
        tool_tokens=tools,
        count=count,
        count_image=count_image,
    )


def _counter(settings: Settings) -> tuple[TextCounter, bool]:
    folder = settings.model.tokenizer
    return (tokenizer_counter(folder), True) if folder else (estimate_tokens, False)


def _refuse_guards(settings: Settings) -> None:
    profile = profile_for(settings.model.profile, settings.model.name)
    if profile.guard is not None:
        raise ConfigurationError(f"model.profile: {profile.name} is a guard model, which is asked in a format of its own, not by a prompt")


class _Unasked:
    """Stands for the model that settings describe; it cannot be asked."""

    def __init__(self, settings: Settings) -> None:
        profile = profile_for(settings.model.profile, settings.model.name)
        # The engine inside the process reads texts only.
        served = settings.judge is not JudgeKind.ENGINE
        self.name = settings.model.name
        self.accepts_images = settings.model.accepts_images and profile.takes_images and served
        self.calls_tools = profile.calls_tools and served

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Refuse.

        Raises:
            ModelUnavailableError: Always.
        """
        raise ModelUnavailableError("this model is only looked at, not asked")

    async def aclose(self) -> None:
        """Do nothing."""
