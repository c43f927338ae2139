"""The embedded engine: OpenVINO GenAI in a thread of this process, with prefix caching and a grammar over the answer.

One request runs at a time. Python cannot stop a thread, so the deadline is kept twice: whoever asks stops waiting when it passes, and
the generation stops at its next token.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from livesteward.contracts import TokenCounts
from livesteward.errors import ConfigurationError, ModelAnswerError, ModelError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.answers import check_schema, parse_answer
from livesteward.models.budget import fit, limit_images
from livesteward.models.grammar import compact_grammar
from livesteward.models.profiles.profile import PLAIN
from livesteward.models.protocol import Message, ModelAnswer, ModelRequest, TextPart
from livesteward.models.weights import INSTALL_ENGINE, Weights, find_weights
from livesteward.settings import EngineSettings

_PACKAGE: Final = "openvino-genai"
_CLOSE_S: Final = 30.0


@dataclass
class _Job:
    """One request on its way through the worker thread."""

    request: ModelRequest
    stop: threading.Event = field(default_factory=threading.Event)
    started: bool = False


class EmbeddedEngine:
    """A language model inside the process. It takes text only.

    The weights are loaded by the first request, in its deadline; :meth:`load` does it before. Pictures are left out and counted.

    Args:
        settings: Weights, device, size of the cache for prompt prefixes in GB.
        context_tokens: What prompt and answer may have together.

    Raises:
        ConfigurationError: If the engine or weights are not installed; says how to install them.
    """

    def __init__(self, settings: EngineSettings, *, context_tokens: int = 8_192) -> None:
        if importlib.util.find_spec("openvino_genai") is None:
            raise ConfigurationError(f"the embedded engine is not installed: {INSTALL_ENGINE}")
        self._settings = settings
        self._weights = find_weights(settings)
        self._context_tokens = context_tokens
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="livesteward-engine")
        self._running: _Job | None = None
        self._pipeline: Any = None
        self._closed = False

    @property
    def name(self) -> str:
        """The weights' name."""
        return self._weights.name

    @property
    def places(self) -> int:
        """One: requests run after one another."""
        return 1

    @property
    def accepts_images(self) -> bool:
        """Always false: the pipeline reads text."""
        return False

    @property
    def calls_tools(self) -> bool:
        """Always false: its grammar is the answer's."""
        return False

    @property
    def weights(self) -> Weights:
        """The weights in use."""
        return self._weights

    async def load(self, *, timeout_s: float = 120.0) -> None:
        """Load the weights now, so that the first request does not wait for them.

        Raises:
            ModelError: If they cannot be loaded, or not within ``timeout_s``.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wrap_future(self._submit(self._loaded))
        except TimeoutError as error:
            raise ModelTimeoutError(f"loading {self._weights.path} took more than {timeout_s:g} s") from error
        except RuntimeError as error:
            raise self._broken(error) from error

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Generate one answer under the grammar of the request's schema.

        Raises:
            ModelError: One of its kinds, and nothing else.
        """
        if request.answer_schema is not None:
            check_schema(request.answer_schema)
        if request.must_call:
            raise ModelUnavailableError("the embedded engine calls no tools; set inquiry.steps to 0")
        job = _Job(request)
        try:
            async with asyncio.timeout(request.deadline_s):
                return await asyncio.wrap_future(self._submit(self._generate, job))
        except TimeoutError as error:
            if not job.started:
                raise ModelUnavailableError(f"the engine was busy with earlier requests for all of {request.deadline_s:g} s") from error
            raise ModelTimeoutError(f"the engine did not finish within {request.deadline_s:g} s") from error
        except ModelError:
            raise
        except Exception as error:
            # The contract is ModelError and nothing else: a fault of the library must end in a review, not in a crash.
            raise self._broken(error) from error
        finally:
            job.stop.set()

    async def aclose(self) -> None:
        """Stop what runs and free the memory."""
        self._closed = True
        if (running := self._running) is not None:
            running.stop.set()
        # Those who wait are not cancelled, which their tasks would take for a cancellation of their own: each fails when its turn comes.
        self._worker.shutdown(wait=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await asyncio.to_thread(self._worker.shutdown, wait=True)
        self._pipeline = None

    def _submit(self, call: Any, *arguments: Any) -> Any:
        if self._closed:
            raise ModelUnavailableError("the embedded engine is closed")
        return self._worker.submit(call, *arguments)

    def _broken(self, error: Exception) -> ModelUnavailableError:
        first = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        return ModelUnavailableError(f"the embedded engine failed with {self._weights.path.name}: {first[0][:300]}")

    def _loaded(self) -> Any:
        if self._closed:
            raise ModelUnavailableError("the embedded engine was closed")
        if self._pipeline is None:
            self._pipeline = _load(self._weights.path, self._settings)
        return self._pipeline

    def _generate(self, job: _Job) -> ModelAnswer:
        if job.stop.is_set():
            raise ModelTimeoutError("the request was given up while it waited")
        job.started = True
        self._running = job
        try:
            pipeline = self._loaded()
            prompt, trimmed = self._prompt(pipeline.get_tokenizer(), job.request)
            result = pipeline.generate([prompt], _generation_config(job.request), _streamer(job.stop))
        finally:
            self._running = None
        return self._answer(job, result, trimmed)

    def _prompt(self, tokenizer: Any, request: ModelRequest) -> tuple[str, dict[str, int]]:
        def count(text: str) -> int:
            return int(tokenizer.encode(text, add_special_tokens=False).input_ids.shape[1])

        messages, no_place = limit_images(request.messages, most=0)
        messages, trimmed = fit(messages, limit=self._context_tokens - request.sampling.max_tokens, count=count)
        chat = [{"role": message.role, "content": _joined(message)} for message in messages]
        extra = {"extra_context": dict(request.template)} if request.template else {}
        return str(tokenizer.apply_chat_template(chat, add_generation_prompt=True, **extra)), no_place | trimmed

    def _answer(self, job: _Job, result: Any, trimmed: dict[str, int]) -> ModelAnswer:
        import openvino_genai

        raw = result.texts[0]
        if self._closed:
            raise ModelUnavailableError("the embedded engine was closed while it was writing")
        if job.stop.is_set():
            raise ModelTimeoutError("the deadline passed while the engine was writing")
        if result.finish_reasons[0] == openvino_genai.GenerationFinishReason.LENGTH:
            raise ModelAnswerError(
                f"the answer was cut off after {job.request.sampling.max_tokens} tokens; raise model.max_tokens", raw=raw
            )
        metrics = result.perf_metrics
        written = int(metrics.get_num_generated_tokens())
        score = float(result.scores[0]) / written if written and result.scores else math.nan
        text, thought = PLAIN.split(raw, "")
        data = {} if job.request.answer_schema is None else parse_answer(text, job.request.answer_schema)
        return ModelAnswer(
            data=data,
            raw=text,
            model=self._weights.name,
            revision=self._weights.sha256[:12],
            engine=f"{_PACKAGE} {importlib.metadata.version(_PACKAGE)}",
            reasoning=thought,
            tokens=TokenCounts(prompt=int(metrics.get_num_input_tokens()), completion=written),
            mean_logprob=score if math.isfinite(score) else None,
            trimmed=trimmed,
        )


def _load(path: Path, settings: EngineSettings) -> Any:
    import openvino_genai

    scheduler = openvino_genai.SchedulerConfig()
    scheduler.enable_prefix_caching = True
    scheduler.cache_size = settings.cache_gb
    return openvino_genai.LLMPipeline(str(path), settings.device, scheduler_config=scheduler)


def _generation_config(request: ModelRequest) -> Any:
    import openvino_genai

    config = openvino_genai.GenerationConfig()
    if request.answer_schema is not None:
        config.structured_output_config = _structure(request.answer_schema)
    config.max_new_tokens = request.sampling.max_tokens
    # The prompt has gone through the chat template already, where its tokens were counted.
    config.apply_chat_template = False
    config.logprobs = 1
    if request.sampling.temperature > 0:
        config.do_sample = True
        config.temperature = request.sampling.temperature
        config.rng_seed = request.sampling.seed or 0
    return config


def _structure(schema: dict[str, Any]) -> Any:
    import openvino_genai

    structure = openvino_genai.StructuredOutputConfig()
    try:
        structure.grammar = compact_grammar(schema)
    except ValueError:
        structure.json_schema = json.dumps(schema)
    return structure


def _streamer(stop: threading.Event) -> Any:
    import openvino_genai

    def check(_: str) -> Any:
        return openvino_genai.StreamingStatus.CANCEL if stop.is_set() else openvino_genai.StreamingStatus.RUNNING

    return check


def _joined(message: Message) -> str:
    return "\n".join(part.text for part in message.parts if isinstance(part, TextPart))
