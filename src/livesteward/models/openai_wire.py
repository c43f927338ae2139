"""Between livesteward's model contract and the OpenAI chat completions API: messages out, completions and failures in."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
import openai
from openai.types.chat import ChatCompletion

from livesteward.contracts import TokenCounts
from livesteward.errors import ModelAnswerError, ModelError, ModelRefusedError, ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.answer_size import AnswerSizeError
from livesteward.models.answers import parse_answer
from livesteward.models.certainty import WrittenToken
from livesteward.models.control_tokens import break_control_tokens
from livesteward.models.protocol import ImagePart, Message, ModelRequest, ToolCall

_RETRIED_STATUS: Final = frozenset({408, 409, 429})
_BAD_REQUEST_STATUS: Final = frozenset({400, 413, 422})
_FULL_STATUS: Final = frozenset({429, 503})
_BROKEN_OFF: Final = frozenset({"abort", "error"})
"""What vLLM gives as the reason where it ended an answer for a reason of its own."""
_CUT_OFF: Final = {
    "length": "the answer was cut off at max_tokens; raise model.max_tokens",
    "repetition": "the server ended the answer, which repeated itself",
}
_REASONING_CHARS: Final = 20_000
_MOST_CALLS: Final = 4
_TOKEN_BYTES: Final = 64
"""Of a token that is read by its bytes; a longer one is read by its text."""


def wire_messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Return ``messages`` as the API takes them.

    Neighbouring texts become one, joined by a line break, and a message without pictures is a plain string: how a server would join
    parts differs from one to the next, and with it the prompt.
    """
    return [_wire_message(message) for message in messages]


def _wire_message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.calls:
        wire["tool_calls"] = [
            {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(_broken(call.arguments))}}
            for call in message.calls
        ]
    if message.call_id is not None:
        wire["tool_call_id"] = message.call_id
    return wire


def _broken(value: Any) -> Any:
    """Break control tokens in what a model wrote, who may repeat what a stranger told it: it is read again in the next request."""
    if isinstance(value, str):
        return break_control_tokens(value)
    if isinstance(value, dict):
        return {name: _broken(one) for name, one in value.items()}
    return [_broken(one) for one in value] if isinstance(value, list | tuple) else value


def _content(message: Message) -> str | list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, ImagePart):
            encoded = base64.b64encode(part.data).decode("ascii")
            blocks.append({"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{encoded}"}})
        elif blocks and blocks[-1]["type"] == "text":
            blocks[-1]["text"] += f"\n{part.text}"
        else:
            blocks.append({"type": "text", "text": part.text})
    if all(block["type"] == "text" for block in blocks):
        return "".join(block["text"] for block in blocks)
    return blocks


def answer_fields(request: ModelRequest) -> dict[str, Any]:
    """Return the fields of the body that say what an answer must be: one of the request's schema, strictly, or calls, or any text."""
    fields: dict[str, Any] = {}
    if request.tools:
        # Unless it is strict, vLLM holds a call to the name of a tool and leaves its arguments free.
        fields["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters, "strict": True},
            }
            for tool in request.tools
        ]
        fields["tool_choice"] = "required" if request.must_call else "none"
    if not request.must_call and request.answer_schema is not None:
        fields["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": request.schema_name, "schema": request.answer_schema, "strict": True},
        }
    return fields


@dataclass(frozen=True)
class Reply:
    """What one completion said."""

    text: str
    tokens: TokenCounts
    mean_logprob: float | None
    model: str
    revision: str
    reasoning: str = ""
    written: tuple[WrittenToken, ...] = ()
    calls: tuple[tuple[str, str, str], ...] = ()
    """Id, name and arguments (JSON, not yet read) of each call."""


def read_reply(completion: object, *, url: str, whole: bool = True) -> Reply:
    """Take a completion apart.

    Args:
        completion: What the library returned, which may be anything where the server is no such API.
        url: Where it came from, for messages.
        whole: Whether an answer that was cut off is none.

    Raises:
        ModelUnavailableError: If it is no completion (a web page, another API's JSON), or the server broke it off.
        ModelRefusedError: If the model or its filter declined.
        ModelAnswerError: If the answer was cut off or is no text.
    """
    if not isinstance(completion, ChatCompletion) or not completion.choices or completion.choices[0].message is None:
        raise ModelUnavailableError(
            f"{url} answered, but not as a chat completions API ({_describe(completion)}); check model.base_url and what stands in between"
        )
    choice = completion.choices[0]
    text: object = choice.message.content
    if choice.message.refusal:
        raise ModelRefusedError(f"the model declined to answer: {choice.message.refusal[:300]}")
    if choice.finish_reason == "content_filter":
        raise ModelRefusedError("the server's content filter held the answer back")
    if text is not None and not isinstance(text, str):
        raise ModelAnswerError(f"the answer is a {type(text).__name__}, not a text", raw=str(text)[:10_000])
    if choice.finish_reason in _BROKEN_OFF:
        raise ModelUnavailableError(f"{url} broke the answer off ({choice.finish_reason})")
    if whole and choice.finish_reason in _CUT_OFF:
        raise ModelAnswerError(_CUT_OFF[choice.finish_reason], raw=text or "")
    return Reply(
        text=text or "",
        tokens=_tokens(completion),
        mean_logprob=_mean_logprob(choice.logprobs),
        model=completion.model if isinstance(completion.model, str) else "",
        revision=completion.system_fingerprint or "",
        reasoning=_reasoning(choice.message),
        written=_written(choice.logprobs),
        calls=tuple(_calls(choice.message)),
    )


def _reasoning(message: object) -> str:
    # vLLM's name for it has changed between versions; other servers use either.
    for name in ("reasoning", "reasoning_content"):
        thought = getattr(message, name, None)
        if isinstance(thought, str) and thought:
            return thought[:_REASONING_CHARS]
    return ""


def _calls(message: Any) -> list[tuple[str, str, str]]:
    found = []
    for number, call in enumerate(getattr(message, "tool_calls", None) or ()):
        function = getattr(call, "function", None)
        if function is not None:
            found.append((str(call.id or f"call-{number + 1}")[:128], str(function.name), str(function.arguments or "{}")))
    return found


def read_calls(reply: Reply, request: ModelRequest) -> tuple[ToolCall, ...]:
    """Return what a model asks to call.

    Raises:
        ModelAnswerError: If it calls nothing, something that is not there, or with arguments that do not fit.
    """
    schemas = {tool.name: tool.parameters for tool in request.tools}
    calls = []
    for call_id, name, arguments in reply.calls[:_MOST_CALLS]:
        if name not in schemas:
            raise ModelAnswerError(f"it calls {name[:64]!r}, which is not offered", raw=arguments[:2_000])
        calls.append(ToolCall(call_id=call_id, name=name, arguments=parse_answer(arguments, schemas[name])))
    if not calls:
        raise ModelAnswerError("it was asked to call a tool and calls none; see the server's tool-call parser", raw=reply.text)
    return tuple(calls)


def _describe(value: object) -> str:
    if isinstance(value, str):
        return f"text that starts with {value.strip()[:40]!r}"
    return "JSON without choices" if isinstance(value, ChatCompletion) else f"JSON {type(value).__name__}"


def _tokens(completion: ChatCompletion) -> TokenCounts:
    usage = completion.usage
    if usage is None:
        return TokenCounts()
    counts = {"prompt": max(0, usage.prompt_tokens or 0), "completion": max(0, usage.completion_tokens or 0)}
    details = usage.prompt_tokens_details
    # A server that says 0 is another than one that does not say.
    if details is not None and details.cached_tokens is not None:
        counts["cached"] = max(0, details.cached_tokens)
    return TokenCounts(**counts)


def _mean_logprob(logprobs: Any) -> float | None:
    tokens = getattr(logprobs, "content", None) or ()
    values = [token.logprob for token in tokens if isinstance(token.logprob, int | float) and math.isfinite(token.logprob)]
    return sum(values) / len(values) if values else None


def _written(logprobs: Any) -> tuple[WrittenToken, ...]:
    return tuple(
        WrittenToken(
            text=_token_text(token),
            logprob=_finite(token.logprob),
            others=tuple((_token_text(other), _finite(other.logprob)) for other in getattr(token, "top_logprobs", None) or ()),
        )
        for token in getattr(logprobs, "content", None) or ()
    )


def _token_text(token: Any) -> bytes:
    given = getattr(token, "bytes", None)
    # A number in its place would become as many zeros.
    if isinstance(given, list) and 0 < len(given) <= _TOKEN_BYTES:
        with contextlib.suppress(TypeError, ValueError):
            return bytes(given)
    return str(token.token).encode()


def _finite(logprob: object) -> float:
    # Servers write -9999 or minus infinity for what cannot happen.
    return float(logprob) if isinstance(logprob, int | float) and math.isfinite(logprob) else -9_999.0


class TransientError(Exception):
    """A failure that another try may mend.

    Attributes:
        error: What to raise when there is no other try.
        retry_after_s: How long the server asks to wait, where it does.
    """

    def __init__(self, error: ModelError, *, retry_after_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Failure:
    """What a failed call means: the error to raise, and whether it says that the server is ill, or has more to do than it can."""

    error: ModelError | TransientError
    server_is_ill: bool = True
    server_is_full: bool = False


def read_failure(error: Exception, *, url: str, model: str) -> Failure:
    """Say what an exception of the client library, or of anything below it, means."""
    if isinstance(error, openai.APIStatusError):
        return _status_failure(error, url=url, model=model)
    if isinstance(error, openai.APITimeoutError):
        if isinstance(error.__cause__, httpx2.ConnectTimeout):
            return Failure(TransientError(ModelUnavailableError(f"{url} does not accept connections")))
        return Failure(ModelTimeoutError(f"{url} did not answer in time"), server_is_full=True)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        if isinstance(cause, AnswerSizeError):
            return Failure(ModelUnavailableError(f"{url} {cause}"))
        if isinstance(cause, httpx2.LocalProtocolError):
            # It quotes the header, and with it the key.
            said = "the request has a header that HTTP does not allow; see whether the API key ends with a line break or a blank"
            return Failure(ModelUnavailableError(f"{url} is not asked: {said}"))
        return Failure(TransientError(ModelUnavailableError(f"no connection to {url} ({type(cause).__name__}: {str(cause)[:200]})")))
    if isinstance(error, UnicodeEncodeError) and error.encoding == "ascii":
        return Failure(ModelUnavailableError(f"{url} is not asked: a header, mostly the API key, has a letter that is not ASCII"))
    if isinstance(error, ValueError | AttributeError | TypeError):
        # The library stumbles with these over a body that is not what the API promises.
        return Failure(ModelUnavailableError(f"{url} answered with something that is no API answer ({type(error).__name__})"))
    return Failure(ModelUnavailableError(f"the call of {url} failed ({type(error).__name__}: {str(error)[:200]})"))


def _status_failure(error: openai.APIStatusError, *, url: str, model: str) -> Failure:
    status, said = error.status_code, _said(error)
    if status in _RETRIED_STATUS or status >= 500:
        wait = retry_after_s(error.response.headers)
        asked = f" and asks to wait {wait:.0f} s" if wait is not None else ""
        unavailable = ModelUnavailableError(f"{url} answered {status}{asked}: {said}")
        return Failure(TransientError(unavailable, retry_after_s=wait), server_is_full=status in _FULL_STATUS)
    if status in {401, 403}:
        return Failure(ModelUnavailableError(f"{url} refuses the API key ({status}); set LIVESTEWARD_MODEL__API_KEY"))
    if status == 404:
        return Failure(ModelUnavailableError(f"{url} answered 404 for model {model!r}: {said}; check model.base_url and model.name"))
    if status in _BAD_REQUEST_STATUS:
        return Failure(ModelRejectedError(f"{url} rejects the request ({status}): {said}"), server_is_ill=False)
    return Failure(ModelUnavailableError(f"{url} rejects the request ({status}): {said}"))


def _said(error: openai.APIStatusError) -> str:
    return " ".join(str(error.message).split())[:300]


def retry_after_s(headers: httpx2.Headers, *, now: datetime | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait: a number, or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(value) - (now or datetime.now(UTC))).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
