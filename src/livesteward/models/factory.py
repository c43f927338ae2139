"""From settings to the model that judges, or to none where the embedded heads do."""

from __future__ import annotations

from collections.abc import Iterator

from livesteward.address import shown_address
from livesteward.errors import ConfigurationError
from livesteward.models.profiles.registry import profile_for
from livesteward.models.protocol import ChatModel
from livesteward.settings import FallbackSettings, JudgeKind, ModelSettings, Settings


def model_from_settings(settings: Settings) -> ChatModel | None:
    """Return the model that ``settings`` ask for.

    ``auto`` takes a recording or a server where one is set and no model otherwise; ``heads`` takes no model; ``engine`` the embedded
    engine; ``server`` the server, or several, with the models behind them. A recording to replay stands in for ``engine`` and ``server``.
    With ``model.record`` set, what the model answers is written down.

    Raises:
        ConfigurationError: If recording and replaying are both set, a fallback cannot stand in, or what the choice needs is not there;
            says what to install or set.
    """
    if settings.judge is JudgeKind.HEADS:
        return None
    if settings.model.replay is not None:
        if settings.model.record is not None:
            raise ConfigurationError("model.record and model.replay are both set; a recording is either written or read")
        from livesteward.models.replay import ReplayModel

        return ReplayModel(settings.model.replay)
    model = _engine(settings) if settings.judge is JudgeKind.ENGINE else _server(settings)
    if model is not None and settings.model.record is not None:
        from livesteward.models.replay import RecordingModel

        return RecordingModel(model, settings.model.record)
    return model


def _engine(settings: Settings) -> ChatModel:
    from livesteward.models.engine import EmbeddedEngine

    return EmbeddedEngine(settings.engine, context_tokens=settings.model.context_tokens)


def _server(settings: Settings) -> ChatModel | None:
    if not settings.model.urls:
        return None
    first = _served(settings.model)
    others = [_served(fallback_settings(settings.model, fallback)) for fallback in settings.model.fallbacks]
    if not others:
        return first
    from livesteward.models.fallback import FallbackModel

    return FallbackModel([first, *others])


def _served(settings: ModelSettings) -> ChatModel:
    if len(settings.urls) > 1:
        from livesteward.models.routing import RoutedModel

        return RoutedModel(settings)
    from livesteward.models.openai_client import OpenAICompatibleModel

    return OpenAICompatibleModel(settings.model_copy(update={"base_url": settings.urls[0], "endpoints": ()}))


def served_models(settings: Settings) -> Iterator[tuple[str, ChatModel]]:
    """Yield every server by itself, with its address: those of the model and of its fallbacks, to look at or to warm one by one."""
    from livesteward.models.openai_client import OpenAICompatibleModel

    for served in (settings.model, *(fallback_settings(settings.model, fallback) for fallback in settings.model.fallbacks)):
        for url in served.urls:
            model = OpenAICompatibleModel(served.model_copy(update={"base_url": url, "endpoints": ()}))
            yield model.endpoint, model


def fallback_settings(first: ModelSettings, fallback: FallbackSettings) -> ModelSettings:
    """Return the settings of a fallback: its own, and the first model's limits where it has none.

    Raises:
        ConfigurationError: If one of the two is a guard model and the other is not the same kind: a request has the form of one of them.
    """
    guards = [profile_for(one.profile, one.name).guard for one in (first, fallback)]
    if guards[0] is not guards[1]:
        raise ConfigurationError(
            f"model.fallbacks: {_called(fallback)} cannot stand in for {_called(first)}: a guard model is "
            "asked in a format of its own. Name a model that is asked as the first one is"
        )
    own = {
        "base_url": fallback.base_url,
        "endpoints": (),
        "fallbacks": (),
        "name": fallback.name,
        "api_key": fallback.api_key,
        "profile": fallback.profile,
        "revision": "",
        # Another model counts tokens in another way: they are estimated.
        "tokenizer": None,
    }
    limits = {"accepts_images": fallback.accepts_images, "context_tokens": fallback.context_tokens}
    return first.model_copy(update={**own, **{name: value for name, value in limits.items() if value is not None}})


def _called(model: ModelSettings | FallbackSettings) -> str:
    return model.name or (shown_address(model.base_url) if model.base_url else "the model")
