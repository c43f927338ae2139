"""A model behind an OpenAI-compatible API: ``vllm serve`` in production, or anything else that speaks it.

Three things bound a call: the request's deadline over everything, a circuit breaker over tries, and a limiter over what runs at once.
tenacity is the only layer that tries again; the library's own retries are off.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from livesteward.address import shown_address
from livesteward.errors import ConfigurationError, ModelAnswerError, ModelError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.answer_size import bounded
from livesteward.models.answers import check_schema, parse_answer
from livesteward.models.breaker import CircuitBreaker, CircuitState
from livesteward.models.budget import estimate_tokens, fit, image_tokens, limit_images, tokenizer_counter, tool_tokens
from livesteward.models.certainty import certainty, word_certainty
from livesteward.models.control_tokens import break_control_tokens
from livesteward.models.limiter import AdaptiveLimiter, Permit
from livesteward.models.openai_wire import Reply, TransientError, answer_fields, read_calls, read_failure, read_reply, wire_messages
from livesteward.models.profiles.images import ANY_FAMILY
from livesteward.models.profiles.profile import Profile
from livesteward.models.profiles.registry import AUTO, UNNAMED_GUARD, profile_for
from livesteward.models.protocol import ImagePart, Message, ModelAnswer, ModelRequest, TextPart, ToolCall
from livesteward.models.server_queue import ServerQueue
from livesteward.settings import ModelSettings

CONNECT_TIMEOUT_S: Final = 5.0
ENGINE: Final = "openai-compatible"
_T = TypeVar("_T")
_REPAIR_CHARS: Final = 4_000
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 8.0
_TOP_LOGPROBS: Final = 5
"""Enough to see what else was weighed; servers compute the likeliest tokens anyway."""


class OpenAICompatibleModel:
    """Speaks to a chat completions API. Use one object in one event loop.

    Args:
        settings: Address, name, limits. Without a name the first model that the server lists is used.
        http_client: A client to use in place of a new one, for tests or a proxy of one's own. Only of a new one are answers bounded.
        clock: Monotonic seconds, for the circuit breaker.

    Raises:
        ConfigurationError: If ``settings`` has no ``base_url`` or one that is no address, or names a profile that does not exist or a
            tokenizer folder without a tokenizer.
    """

    def __init__(
        self, settings: ModelSettings, *, http_client: httpx2.AsyncClient | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if settings.base_url is None:
            raise ConfigurationError("model.base_url is not set; for a local vLLM it is http://127.0.0.1:8000/v1")
        self._settings = settings
        self._url = _shown(settings.base_url)
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value(),
            base_url=settings.base_url,
            max_retries=0,
            timeout=settings.timeout_s,
            http_client=http_client or bounded(openai.DefaultAsyncHttpxClient()),
        )
        self._breaker = CircuitBreaker(self._url, failures=settings.breaker_failures, reset_s=settings.breaker_reset_s, clock=clock)
        self._limiter = AdaptiveLimiter(settings.concurrency, adaptive=settings.adaptive)
        self._queue = ServerQueue(settings.base_url, self._limiter, http_client=http_client) if settings.adaptive else None
        self._count = tokenizer_counter(settings.tokenizer) if settings.tokenizer else estimate_tokens
        self._profile: Profile = profile_for(settings.profile, settings.name)
        self._served = ""
        self._logprobs = True

    @property
    def name(self) -> str:
        """The configured name, or the one that the server listed; empty before the first call where none is configured."""
        return self._settings.name or self._served

    @property
    def endpoint(self) -> str:
        """The address without credentials, for provenance and messages."""
        return self._url

    @property
    def circuit(self) -> CircuitState:
        """Whether calls go through at this moment."""
        return self._breaker.state

    @property
    def is_paused(self) -> bool:
        """Whether the server asked to be left alone for now, so that a request would wait. Ask in the event loop."""
        return self._limiter.is_paused

    @property
    def accepts_images(self) -> bool:
        """Whether ``model.accepts_images`` says so, and the profile's family takes any."""
        return self._settings.accepts_images and self._profile.takes_images

    @property
    def calls_tools(self) -> bool:
        """Whether the profile's family can call tools."""
        return self._profile.calls_tools

    @property
    def places(self) -> int:
        """How many requests it sends at once for now."""
        return self._limiter.limit

    @property
    def profile(self) -> Profile:
        """How the model is asked: as configured, or by its name; the plain one as long as neither is known."""
        return self._profile

    async def aclose(self) -> None:
        """Close the connections."""
        if self._queue is not None:
            await self._queue.aclose()
        await self._client.close()

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Ask, try again on what may pass, and have an answer that does not fit repaired once, all within the deadline.

        Raises:
            ModelError: One of its kinds, and nothing else.
        """
        call = _Call(ends_at=asyncio.get_running_loop().time() + request.deadline_s)
        try:
            return await self._ask(request, call)
        except (ModelUnavailableError, ModelTimeoutError) as error:
            if call.unusable is None:
                raise
            # It has answered, and not in a way that can be used: another model in its place would be shopping for a verdict.
            raise ModelAnswerError(f"{call.unusable}; asked once more: {error}", raw=call.unusable.raw) from error

    async def _ask(self, request: ModelRequest, call: _Call) -> ModelAnswer:
        try:
            async with asyncio.timeout(request.deadline_s):
                return await self._answer(request, call)
        except TimeoutError as error:
            if not call.in_flight:
                why = self._no_place() if call.queued else f"no try succeeded{call.last_failure}"
                raise ModelUnavailableError(f"{self._url}: for {request.deadline_s:g} s {why}") from error
            late = self._timed_out(request, call)
            raise ModelTimeoutError(f"{self._url} did not answer within {request.deadline_s:g} s{late}{call.last_failure}") from error
        except ModelError:
            raise
        except asyncio.CancelledError:
            if call.in_flight:
                self._breaker.abandon(trial=call.trial)
            raise
        except Exception as error:
            # The contract is ModelError and nothing else: a fault of the library must end in a review, not in a crash.
            raise ModelUnavailableError(f"{self._url}: the call failed unexpectedly ({type(error).__name__}: {error})") from error

    def _timed_out(self, request: ModelRequest, call: _Call) -> str:
        """Count a deadline that ended while a try was in flight against the server, where the try had time; else return what to add."""
        had_s = asyncio.get_running_loop().time() - call.began
        whole_s = self._settings.timeout_s
        # What was left after a wait for a place, another try or another server says nothing of this one. Deadlines that are a share of the
        # whole time on purpose (a fallback's, one for asking) are half of it or so: down to there half of them counts.
        if had_s < max(min(whole_s, request.deadline_s), whole_s / 2) / 2:
            self._breaker.abandon(trial=call.trial)
            return f", and was asked {had_s:.1f} s before they were over"
        self._breaker.failure(trial=call.trial)
        if call.permit is not None:
            self._limiter.overloaded(call.permit)
        return ""

    async def _answer(self, request: ModelRequest, call: _Call) -> ModelAnswer:
        if request.answer_schema is not None:
            check_schema(request.answer_schema)
        if not self.name:
            # What it takes, pictures among it, is known by its name only.
            await self._retried(lambda: self._model_name(call), call)
        messages, trimmed = self._prepare(request)
        reply = await self._complete(request, messages, call)
        tokens = reply.tokens
        repaired = False
        try:
            data, calls = _read(reply, request)
        except ModelAnswerError as problem:
            if request.answer_schema is None:
                raise
            call.unusable = problem
            reply = await self._complete(request, (*messages, *_repair(reply.text, problem, must_call=request.must_call)), call)
            tokens += reply.tokens
            repaired = True
            data, calls = _read(reply, request)
        return ModelAnswer(
            data=data,
            raw=reply.text,
            model=reply.model or self.name,
            revision=reply.revision,
            engine=ENGINE,
            profile=self._profile.name,
            endpoint=self.endpoint,
            tokens=tokens,
            mean_logprob=reply.mean_logprob,
            certainty={} if calls else _certainty(reply, request),
            calls=calls,
            reasoning=reply.reasoning,
            repaired=repaired,
            trimmed=trimmed,
        )

    def _prepare(self, request: ModelRequest) -> tuple[tuple[Message, ...], dict[str, int]]:
        most = self._settings.max_frames if self.accepts_images else 0
        messages, no_place = limit_images(request.messages, most=most)
        room = request.sampling.max_tokens + self._profile.thinking.room(self._settings.thinking_tokens)
        room += tool_tokens(request, count=self._count)
        messages, trimmed = fit(messages, limit=self._settings.context_tokens - room, count=self._count, count_image=self._image_tokens)
        return messages, {kind: no_place.get(kind, 0) + trimmed.get(kind, 0) for kind in {**no_place, **trimmed}}

    def _image_tokens(self, part: ImagePart) -> int:
        return image_tokens(part, self._profile.images or ANY_FAMILY)

    def _body(self, request: ModelRequest, messages: tuple[Message, ...]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": wire_messages(self._profile.arranged(messages)),
            **answer_fields(request),
            **self._profile.request_body(request, thinking_tokens=self._settings.thinking_tokens),
        }
        if self._settings.affinity_header and request.prefix:
            body["extra_headers"] = {self._settings.affinity_header: request.prefix}
        if request.sampling.seed is not None:
            body["seed"] = request.sampling.seed
        return body

    async def _complete(self, request: ModelRequest, messages: tuple[Message, ...], call: _Call) -> Reply:
        async def complete() -> Reply:
            model = await self._model_name(call)
            body = self._body(request, messages)
            if self._logprobs and self._profile.samples:
                body.update(logprobs=True, top_logprobs=_TOP_LOGPROBS)
            try:
                completion = await self._client.chat.completions.create(model=model, timeout=call.timeout(), **body)
            except openai.APIStatusError as error:
                if error.status_code not in {400, 422} or not body.pop("logprobs", False) or "logprob" not in str(error.message):
                    raise
                del body["top_logprobs"]
                completion = await self._client.chat.completions.create(model=model, timeout=call.timeout(), **body)
                # Only now: the word may have stood in the message of a request that is refused either way.
                self._logprobs = False
            reply = read_reply(completion, url=self._url, whole=request.whole)
            text, reasoning = self._profile.split(reply.text, reply.reasoning)
            return replace(reply, text=text, reasoning=reasoning)

        return await self._retried(complete, call)

    async def _model_name(self, call: _Call) -> str:
        if not self.name:
            page = await self._client.models.list(timeout=call.timeout())
            if not page.data:
                raise ModelUnavailableError(f"{self._url} lists no model; set model.name")
            self._served = page.data[0].id
            self._profile = profile_for(self._settings.profile, self._served)
        if self._profile.guard is not None and self._settings.profile == AUTO and not self._settings.name:
            raise ModelUnavailableError(f"{self._url} serves {self._served}, which {UNNAMED_GUARD}")
        return self.name

    async def _retried(self, complete: Callable[[], Awaitable[_T]], call: _Call) -> _T:
        policy = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=_wait,
            stop=lambda state: stop_after_attempt(self._settings.attempts)(state) or state.upcoming_sleep >= call.remaining(),
            sleep=asyncio.sleep,
            reraise=True,
        )
        try:
            async for attempt in policy:
                with attempt:
                    try:
                        return await self._try(complete, call)
                    except TransientError as failed:
                        call.last_failure = f"; the last failure: {failed.error}"
                        raise
        except TransientError as failed:
            raise failed.error from failed.__cause__
        raise AssertionError("tenacity ends by a return or a raise")

    async def _try(self, complete: Callable[[], Awaitable[_T]], call: _Call) -> _T:
        call.queued = True
        permit = call.permit = await self._limiter.acquire()
        call.queued = False
        try:
            call.trial = self._breaker.before()
            call.in_flight, call.began = True, asyncio.get_running_loop().time()
            if self._queue is not None:
                self._queue.traffic()
            try:
                reply = await complete()
            except ModelUnavailableError:
                self._breaker.failure(trial=call.trial)
                call.in_flight = False
                raise
            except ModelError:
                # It declined or was cut off: the server is well.
                self._breaker.success()
                self._limiter.succeeded(permit)
                call.in_flight = False
                raise
            except Exception as error:
                failure = read_failure(error, url=self._url, model=self.name)
                if failure.server_is_ill:
                    self._breaker.failure(trial=call.trial)
                else:
                    self._breaker.success()
                if failure.server_is_full:
                    self._limiter.overloaded(permit, retry_after_s=getattr(failure.error, "retry_after_s", None))
                call.in_flight = False
                raise failure.error from error
            self._breaker.success()
            self._limiter.succeeded(permit)
            call.in_flight = False
            return reply
        finally:
            self._limiter.release(permit)

    def _no_place(self) -> str:
        if self._limiter.is_paused:
            return "the server asks to be left alone"
        few = f" (of model.concurrency {self._limiter.ceiling}, since the server was full)" if self.places < self._limiter.ceiling else ""
        return f"all {self.places} places{few} stayed taken; raise model.concurrency or the deadline"


class _Call:
    """How far one ``ask`` has come, to say afterwards what the time went on."""

    def __init__(self, *, ends_at: float) -> None:
        self._ends_at = ends_at
        self.queued = False
        self.permit: Permit | None = None
        self.in_flight = False
        self.began = 0.0
        """When the try that is in flight was sent, by the event loop's clock."""
        self.trial = False
        """Whether that one is the circuit breaker's trial."""
        self.last_failure = ""
        self.unusable: ModelAnswerError | None = None
        """What was wrong with the first answer, once it is asked for again."""

    def remaining(self) -> float:
        return self._ends_at - asyncio.get_running_loop().time()

    def timeout(self) -> httpx2.Timeout:
        # A little longer than the deadline, which is the one that ends a slow call.
        left = max(0.1, self.remaining() + 1)
        return httpx2.Timeout(left, connect=min(left, CONNECT_TIMEOUT_S))


def _shown(url: str) -> str:
    try:
        return shown_address(url)
    except ValueError as error:
        raise ConfigurationError("model.base_url is no address; for a local vLLM it is http://127.0.0.1:8000/v1") from error


_backoff = wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S)


def _wait(state: RetryCallState) -> float:
    failed = state.outcome.exception() if state.outcome else None
    asked = failed.retry_after_s if isinstance(failed, TransientError) else None
    return _backoff(state) if asked is None else asked


def _read(reply: Reply, request: ModelRequest) -> tuple[dict[str, Any], tuple[ToolCall, ...]]:
    if request.must_call:
        return {}, read_calls(reply, request)
    if request.answer_schema is None:
        if not reply.text.strip():
            raise ModelAnswerError("the answer is empty", raw=reply.text)
        return {}, ()
    return parse_answer(reply.text, request.answer_schema), ()


def _certainty(reply: Reply, request: ModelRequest) -> dict[str, float]:
    if request.answer_schema is None:
        return word_certainty(reply.text, reply.written, request.words)
    return certainty(reply.text, reply.written, request.answer_schema)


def _repair(said: str, problem: ModelAnswerError, *, must_call: bool) -> tuple[Message, ...]:
    again = "Call one of the tools, with arguments that fit" if must_call else "Answer once more with one JSON object that fits the schema"
    # What a model wrote may repeat what a stranger told it, and is read again as part of the conversation.
    ask = f"That answer cannot be used: {break_control_tokens(str(problem))}. {again}, and nothing else."
    turns = (Message(role="user", parts=(TextPart(text=ask),)),)
    again_said = TextPart(text=break_control_tokens(said[:_REPAIR_CHARS]))
    return (Message(role="assistant", parts=(again_said,)), *turns) if said.strip() else turns
