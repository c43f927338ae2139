"""From settings to the model that judges, or to none where the embedded heads do."""

from __future__ import annotations

from livesteward.errors import ConfigurationError
from livesteward.models.protocol import ChatModel
from livesteward.settings import JudgeKind, Settings


def model_from_settings(settings: Settings) -> ChatModel | None:
    """Return the model that ``settings`` ask for.

    ``auto`` takes a recording or a server where one is set and no model otherwise; ``heads`` takes no model; ``engine`` the embedded
    engine; ``server`` the server. A recording to replay stands in for ``engine`` and ``server``. With ``model.record`` set, what the model
    answers is written down.

    Raises:
        ConfigurationError: If recording and replaying are both set, or what the choice needs is not there; says what to install or set.
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
    if settings.model.base_url is None:
        return None
    from livesteward.models.openai_client import OpenAICompatibleModel

    return OpenAICompatibleModel(settings.model)
