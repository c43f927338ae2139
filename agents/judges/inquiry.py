"""A judge that may ask: the requests of an inquiry, one step at a time, and the answer at its end.

A step asks the model for calls of tools; the graph answers them and comes back. What was asked and told so far travels in the state as an
:class:`livesteward.agents.state.Inquiry`, from which the conversation is built anew for each request: the beginning stays byte for byte
the same, so that servers keep it in their prefix cache.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, TypeGuard

from livesteward.agents.judges.case import Case
from livesteward.agents.judges.model import Asked, ModelJudge
from livesteward.agents.perception.store import FrameStore
from livesteward.agents.state import Answered, Inquiry, Judgement, ShownPart
from livesteward.contracts import InquiryCall
from livesteward.errors import ModelAnswerError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.nonce import without_nonces
from livesteward.models.protocol import ChatModel, ImagePart, Message, ModelRequest, TextPart
from livesteward.prompts.answer import judge_schema
from livesteward.prompts.inquiry import DECIDE, NOW_DECIDE, inquiry_tools, invitation, part_label
from livesteward.prompts.names import SegmentNames
from livesteward.prompts.rulebook_layout import RulebookForm, without_exceptions
from livesteward.prompts.transcript import OVERLAY
from livesteward.settings import Settings

ASKING_SHARE: Final = 0.5
"""Of ``model.timeout_s``: after it nothing more is asked, so that the answer has the rest."""

MAX_CALLS: Final = 4
"""Of one step; what a model calls beyond them is not looked at."""


MAX_ANSWER_KEPT: Final = 8_000
"""Characters of an answer that provenance keeps."""


def closer_looks(settings: Settings) -> int:
    """Return how many closer looks there may be at one segment: of ``model.max_frames`` at least one picture shows the segment itself."""
    return min(settings.inquiry.pictures, max(0, settings.model.max_frames - 1))


class AskingJudge:
    """Judges with a model that may ask before it answers."""

    def __init__(self, judge: ModelJudge, model: ChatModel, frames: FrameStore, settings: Settings, *, hears: bool) -> None:
        """Take the judge that renders and reads, its model, where the pictures are, the limits, and whether speech can be recognised."""
        self._judge, self._model, self._frames = judge, model, frames
        self._steps, self._timeout_s = settings.inquiry.steps, settings.model.timeout_s
        self.tools = inquiry_tools(pictures=judge.sees and closer_looks(settings) > 0, sound=hears)
        """What the model is offered; the same for every segment."""

    @property
    def sees(self) -> bool:
        """Whether the model takes pictures."""
        return self._judge.sees

    @property
    def places(self) -> int:
        """How many segments it judges at once for now."""
        return self._judge.places

    @property
    def asks(self) -> bool:
        """Whether the model can call tools, and may."""
        return self._steps > 0 and self._model.calls_tools

    async def request(self, case: Case, *, nonce: str) -> Asked:
        """Return what the model is asked first: with the tools that it may call, where it may."""
        return await (self._before(case, Inquiry(nonce=nonce)) if self.asks else self._judge.request(case, nonce=nonce))

    async def judge(self, case: Case) -> Judgement:
        """Ask the model once, without an inquiry.

        Raises:
            ModelError: If it gives no answer that can be used.
        """
        asked = await self._judge.request(case)
        # The tools stand in front of the prompt also where none may be called: its beginning is then the one that the server holds.
        request = asked.request.model_copy(update={"tools": self.tools}) if self.asks else asked.request
        return self._judge.judgement(case, await self._model.ask(request), asked)

    async def proceed(self, case: Case, inquiry: Inquiry, *, left_s: float) -> tuple[Inquiry, Judgement | None]:
        """Let the model ask once more, or have its answer where it has seen enough or nothing more may be asked.

        Args:
            case: With everything that the inquiry has brought so far.
            inquiry: So far.
            left_s: Seconds that are left of ``model.timeout_s``.

        Returns:
            The inquiry with what the model asks for as ``pending``, or with nothing pending and the judgement.

        Raises:
            ModelError: If the model fails, or no time is left.
        """
        ends = time.monotonic() + left_s
        before = await self._before(case, inquiry)
        base = before.request
        asking_s = self.asking_left_s(ends - time.monotonic())
        if len(inquiry.steps) < self._steps and not _decided(inquiry) and asking_s > 0:
            try:
                inquiry = await self._ask(case, base, inquiry, asking_s)
            except (ModelTimeoutError, ModelUnavailableError) as error:
                # One that takes, or waits, too long to ask may still answer in the time that is kept for it; one that is down is.
                if isinstance(error, ModelUnavailableError) and self.asking_left_s(ends - time.monotonic()) > 0:
                    raise
            if inquiry.pending:
                return inquiry, None
        request = await self._request(case, base, inquiry, ends - time.monotonic(), close=True)
        request = request.model_copy(update={"answer_schema": judge_schema(case.rules, case.segment)})
        answer = await self._model.ask(request)
        unread = without_exceptions(case.rules, case.layout) - set(inquiry.rules)
        judgement = self._judge.judgement(case, answer, Asked(request, _pictures(request), before.lost, unread))
        return inquiry, judgement.model_copy(update={"tokens": inquiry.tokens + judgement.tokens})

    def asking_left_s(self, left_s: float) -> float:
        """Return the seconds in which may still be asked, from those that are left of all."""
        return left_s - self._timeout_s * (1 - ASKING_SHARE)

    async def aclose(self) -> None:
        """Close the model."""
        await self._judge.aclose()

    async def _before(self, case: Case, inquiry: Inquiry) -> Asked:
        """Return what the model is asked as it was before it asked anything."""
        # Where the rulebook stands in the prompt, all rules were there before; what was found is only given in full.
        found = inquiry.rules if case.layout.form is RulebookForm.FOUND else ()
        rules = tuple(one for one in case.rules if (one.jurisdiction, one.rule.rule_id) not in found)
        spoken = tuple(one for one in case.segment.utterances if one.utterance_id not in inquiry.items)
        before = replace(case, rules=rules, segment=case.segment.model_copy(update={"utterances": spoken}))
        asked = await self._judge.request(before, nonce=inquiry.nonce)
        *first, last = asked.request.messages
        messages = (*first, last.model_copy(update={"parts": (*last.parts, invitation(self._steps))}))
        return replace(asked, request=asked.request.model_copy(update={"messages": messages, "tools": self.tools}))

    async def _request(self, case: Case, base: ModelRequest, inquiry: Inquiry, left_s: float, *, close: bool) -> ModelRequest:
        if left_s <= 0:
            after = f"after {len(inquiry.steps)} steps of asking"
            raise ModelTimeoutError(f"{after} nothing is left of the {self._timeout_s:g} s (model.timeout_s)")
        messages = await asyncio.to_thread(self._conversation, case, base.messages, inquiry, close=close)
        return base.model_copy(update={"messages": messages, "deadline_s": left_s})

    async def _ask(self, case: Case, base: ModelRequest, inquiry: Inquiry, left_s: float) -> Inquiry:
        request = await self._request(case, base, inquiry, left_s, close=False)
        answer = await self._model.ask(request.model_copy(update={"must_call": True}))
        calls = answer.calls[:MAX_CALLS]
        if not calls:
            raise ModelAnswerError("it was asked to call a tool and calls none", raw=answer.raw)
        inquiry = inquiry.model_copy(update={"tokens": inquiry.tokens + answer.tokens})
        if all(call.name == DECIDE for call in calls):
            step = tuple(Answered(call=call, told=(TextPart(text="So decide."),)) for call in calls)
            return inquiry.model_copy(update={"steps": (*inquiry.steps, step)})
        return inquiry.model_copy(update={"pending": calls})

    def _conversation(self, case: Case, base: tuple[Message, ...], inquiry: Inquiry, *, close: bool) -> tuple[Message, ...]:
        """Return ``base`` with what was asked and told; ``close`` ends it with the demand for the answer."""
        messages = list(base)
        names = SegmentNames.of(case.segment)
        for step in inquiry.steps:
            messages.append(Message(role="assistant", parts=(), calls=tuple(answered.call for answered in step)))
            messages += [Message(role="tool", parts=answered.told, call_id=answered.call.call_id) for answered in step]
            # Most chat templates take no picture in the answer of a tool: it follows as the user's.
            shown = tuple(part for answered in step if answered.shown for part in self._shown(answered.shown, names))
            if shown:
                messages.append(Message(role="user", parts=shown))
        if close:
            last = TextPart(text=NOW_DECIDE)
            if messages[-1].role == "user":
                # Some templates want the roles to take turns.
                messages[-1] = messages[-1].model_copy(update={"parts": (*messages[-1].parts, last)})
            else:
                messages.append(Message(role="user", parts=(last,)))
        return tuple(messages)

    def _shown(self, part: ShownPart, names: SegmentNames) -> Iterator[TextPart | ImagePart]:
        label = part_label(names.item(part.frame_id), at=part.at_s, box=part.box)
        data = self._frames.get(part.sha256)
        if data is None:
            yield TextPart(text=f"{label} This part is no longer kept.")
            return
        yield TextPart(text=label, priority=OVERLAY, item_id=part.frame_id, kind="image")
        yield ImagePart(data=data, priority=OVERLAY, item_id=part.frame_id)


def asked_calls(inquiry: Inquiry | None) -> tuple[InquiryCall, ...]:
    """Return what was asked as provenance keeps it: bounded, and without the fence's random digits. What nobody answered has failed."""
    if inquiry is None:
        return ()
    unanswered = tuple(Answered(call=call, told=(TextPart(text="It was not answered."),), failed=True) for call in inquiry.pending)
    return tuple(
        InquiryCall(
            step=number,
            tool=answered.call.name[:64],
            arguments={name[:64]: _kept(value) for name, value in list(answered.call.arguments.items())[:8]},
            answer=_told(answered),
            failed=answered.failed,
            picture=answered.shown.sha256 if answered.shown else None,
            elapsed_ms=answered.elapsed_ms,
        )
        for number, step in enumerate((*inquiry.steps, unanswered), start=1)
        for answered in step
    )


def _told(answered: Answered) -> str:
    text = without_nonces("\n".join(part.text for part in answered.told))
    if len(text) <= MAX_ANSWER_KEPT:
        return text
    mark = f" … [{len(text):,} characters in all]"
    return text[: MAX_ANSWER_KEPT - len(mark)] + mark


def _kept(value: Any) -> str | int | float | tuple[float, ...]:
    if isinstance(value, str):
        return value[:500]
    if _is_number(value):
        return value
    if isinstance(value, list | tuple) and len(value) <= 16 and all(map(_is_number, value)):
        return tuple(float(one) for one in value)
    return repr(value)[:500]


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _pictures(request: ModelRequest) -> tuple[str, ...]:
    """Return the ids of the frames of which the request shows all or a part."""
    parts = (part for message in request.messages for part in message.parts)
    return tuple(dict.fromkeys(part.item_id for part in parts if isinstance(part, ImagePart) and part.item_id))


def _decided(inquiry: Inquiry) -> bool:
    return any(answered.call.name == DECIDE for step in inquiry.steps for answered in step)
