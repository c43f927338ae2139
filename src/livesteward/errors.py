"""The errors of livesteward, one root and one branch a concern.

    LivestewardError
    |- InputError               what the caller handed in is wrong; names the field
    |- ConfigurationError       settings, workspace or a missing extra
    |- PolicyError              a rule document or rulebook is wrong; names file and line
    |- PromptError              a prompt is wrong, unknown, or was changed after its release
    |- RetrievalError           the index is missing, stale or built by another embedder
    |- PerceptionError          media could not be read
    `- ModelError               a model could not give an answer that can be used
       |- ModelUnavailableError    no connection, circuit open, queue full
       |  `- ModelRejectedError    the request itself is not taken, here or elsewhere
       |- ModelTimeoutError        the deadline passed
       |- ModelRefusedError        it declined to answer
       `- ModelAnswerError         the answer is cut off, no JSON, or not of the schema; keeps the raw text

Every message says what was found, where, and what to do. The command line prints it as one sentence and exits with 2.
"""

from __future__ import annotations

from typing import Self

from pydantic import ValidationError


class LivestewardError(Exception):
    """Root of all errors that livesteward raises on purpose."""


class InputError(LivestewardError):
    """What the caller handed in is wrong; ``field`` names the place, such as ``chat[3].text``."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field

    @classmethod
    def from_validation(cls, error: ValidationError, *, source: str = "") -> Self:
        """Turn pydantic's report into one sentence about its first problem.

        Args:
            error: What pydantic raised.
            source: What was being read, such as a file name; put in front.
        """
        first = error.errors(include_url=False, include_context=False)[0]
        field = ""
        for part in first["loc"]:
            field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        message = first["msg"].removeprefix("Value error, ") + more
        where = " ".join(part for part in (f"{source}:" if source else "", field) if part)
        return cls(message, field=where.removesuffix(":"))


class ConfigurationError(LivestewardError):
    """A setting, the workspace or an optional extra is missing or wrong."""


class PolicyError(LivestewardError):
    """A rule document or rulebook is wrong; the message names file and line."""


class PromptError(LivestewardError):
    """A prompt is wrong, unknown, or differs from its released version."""


class RetrievalError(LivestewardError):
    """The index is missing, stale, or built by another embedder."""


class PerceptionError(LivestewardError):
    """Media could not be read within its limits."""


class ModelError(LivestewardError):
    """A model could not give an answer that can be used."""


class ModelUnavailableError(ModelError):
    """There is no connection, the circuit is open, or the queue is full."""


class ModelRejectedError(ModelUnavailableError):
    """The request itself is not taken: too long, too large, not of the form; another server or model is not asked for that."""


class ModelTimeoutError(ModelError):
    """The deadline passed before the answer was there."""


class ModelRefusedError(ModelError):
    """The model declined to answer."""


class ModelAnswerError(ModelError):
    """The answer is cut off, is no JSON, or does not fit the schema; ``raw`` keeps what was said."""

    def __init__(self, message: str, *, raw: str = "") -> None:
        super().__init__(message)
        self.raw = raw
