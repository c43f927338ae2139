"""An order of models: where one does not answer, the next is asked.

Only silence moves a request on: no connection, an open circuit, a full queue, no answer in time. A refusal, or an answer that is of no use,
does not, since that is what the model has to say of the segment: to ask on would be to shop for a verdict. Nor does a request that is not
taken, for its length or form. An attacker could choose the weaker judge by making the better one stumble.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from livesteward.errors import ModelError, ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.protocol import ChatModel, ModelAnswer, ModelRequest, Paced

SHARE: Final = 2 / 3
"""Of the time that is left, for each model but the last, which may use all of it."""

_log = logging.getLogger(__name__)


class FallbackModel:
    """Asks models in an order. What a model other than the first answers is marked ``fallback``.

    Args:
        models: At least one; the first is the one that is meant.
    """

    def __init__(self, models: Sequence[ChatModel]) -> None:
        if not models:
            raise ValueError("models: at least one is needed")
        self._models = tuple(models)

    @property
    def name(self) -> str:
        """The first model's name."""
        return self._models[0].name

    @property
    def accepts_images(self) -> bool:
        """Whether the first model takes pictures. What another cannot look at counts as left out, and makes a review."""
        return self._models[0].accepts_images

    @property
    def places(self) -> int:
        """How many requests the first model takes at once for now."""
        first = self._models[0]
        return first.places if isinstance(first, Paced) else 1

    @property
    def calls_tools(self) -> bool:
        """Whether each of them calls tools."""
        return all(model.calls_tools for model in self._models)

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Ask the first model, and the next where it does not answer within its share of the deadline.

        Raises:
            ModelError: What the model that was reached says; a ``ModelUnavailableError`` where none was reached, or a
                ``ModelTimeoutError`` where none answered in time.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + request.deadline_s
        failures: list[ModelError] = []
        for place, model in enumerate(self._models):
            left = ends_at - loop.time()
            if left <= 0:
                break
            last = place == len(self._models) - 1
            try:
                answer = await model.ask(request.model_copy(update={"deadline_s": left if last else SHARE * left}))
            except ModelRejectedError:
                raise
            except (ModelUnavailableError, ModelTimeoutError) as error:
                failures.append(error)
                if not last:
                    _log.warning("%s did not answer and %s is asked: %s", _named(model), _named(self._models[place + 1]), error)
                continue
            return answer.model_copy(update={"fallback": True}) if place else answer
        if len(failures) == 1:
            raise failures[0]
        in_time = all(isinstance(failure, ModelTimeoutError) for failure in failures)
        said = "; ".join(str(failure) for failure in failures)[:2_000]
        raise (ModelTimeoutError if in_time else ModelUnavailableError)(f"none of {len(self._models)} models answered: {said}")

    async def aclose(self) -> None:
        """Close all of them."""
        for model in self._models:
            await model.aclose()


def _named(model: ChatModel) -> str:
    return model.name or "a model without a name"
