"""What a judge that asks is told: each tool looks something up, within limits, and what it cannot do it says.

Nothing here can stop an inquiry: a tool that fails answers ``could not:`` with the reason, and the model goes on.
"""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import structlog
from PIL import Image

from livesteward.agents.judges.case import Case
from livesteward.agents.nodes.ingest import admit
from livesteward.agents.perception.perceive import Perceiver
from livesteward.agents.perception.sources import free_id
from livesteward.agents.state import Answered, Inquiry, PastLine, ShownPart
from livesteward.contracts import Modality, Origin, RetrievedRule, Speaker, Utterance
from livesteward.errors import LivestewardError, ModelAnswerError
from livesteward.models.answers import parse_answer
from livesteward.models.protocol import TextPart, ToolCall, ToolSpec
from livesteward.prompts.fence import Fence, neutralise
from livesteward.prompts.inquiry import (
    DECIDE,
    FIND_RULES,
    LISTEN_AGAIN,
    LOOK_BACK,
    LOOK_CLOSER,
    heard_parts,
    part_label,
    past_parts,
    rule_parts,
)
from livesteward.prompts.names import SegmentNames
from livesteward.prompts.rulebook_layout import RulebookForm, in_full
from livesteward.retrieval.search import RuleSearch
from livesteward.settings import Settings

log = structlog.get_logger(__name__)

SMALLEST_PART: Final = 16
"""Pixels on a side under which a part of a picture shows nothing."""

PART_SIDE: Final = 448
"""Pixels to which the longest side of a smaller part is enlarged, so that a model has enough patches of it."""

MAX_LISTEN_S: Final = 60.0
MIN_LISTEN_S: Final = 0.5
_REASON_CHARS: Final = 300


@dataclass(frozen=True)
class Told:
    """What a tool found: texts, the rules that they give in full, and what they add to the segment."""

    parts: tuple[TextPart, ...]
    rules: tuple[RetrievedRule, ...] = ()
    heard: tuple[Utterance, ...] = ()
    shown: ShownPart | None = None


class CannotError(LivestewardError):
    """A tool cannot do what it was asked; the message is for the model."""


@dataclass(frozen=True)
class Lookups:
    """The tools of an inquiry over the parts of the agent.

    Attributes:
        settings: The limits.
        perceiver: For pictures and sound.
        search: Over the rulebooks.
        media_root: Where the segment's recording is.
        tools: Those that the model is offered.
        closer_looks: How many there may be at one segment.
    """

    settings: Settings
    perceiver: Perceiver
    search: RuleSearch
    media_root: Path | None
    tools: tuple[ToolSpec, ...]
    closer_looks: int

    async def answer(self, case: Case, inquiry: Inquiry, *, left_s: float) -> tuple[Case, Inquiry]:
        """Answer the pending calls, one after another.

        Args:
            case: As the judge knows it.
            inquiry: With calls pending.
            left_s: Seconds in which may still be asked.

        Returns:
            The case with the rules and utterances that were found, and the inquiry with one step more.
        """
        ends = time.monotonic() + left_s
        step: list[Answered] = []
        for call in inquiry.pending:
            start = time.perf_counter()
            told, failed = await self._told(call, case, replace_steps(inquiry, step), ends)
            elapsed = round((time.perf_counter() - start) * 1_000, 2)
            step.append(Answered(call=call, told=told.parts, shown=told.shown, failed=failed, elapsed_ms=elapsed))
            known = {(one.jurisdiction, one.rule.rule_id) for one in case.rules}
            case = replace(
                case,
                rules=(*case.rules, *(one for one in told.rules if (one.jurisdiction, one.rule.rule_id) not in known)),
                segment=case.segment.model_copy(update={"utterances": (*case.segment.utterances, *told.heard)}),
            )
            inquiry = inquiry.model_copy(
                update={
                    "rules": (*inquiry.rules, *((one.jurisdiction, one.rule.rule_id) for one in told.rules)),
                    "items": (*inquiry.items, *(one.utterance_id for one in told.heard)),
                }
            )
        return case, replace_steps(inquiry, step).model_copy(update={"pending": ()})

    async def _told(self, call: ToolCall, case: Case, inquiry: Inquiry, ends: float) -> tuple[Told, bool]:
        left_s = ends - time.monotonic()
        ours = True
        try:
            if left_s <= 0:
                raise CannotError("the time for asking is over")
            async with asyncio.timeout(left_s):
                return await self._tool(call)(_arguments(call, self.tools), case, inquiry, left_s), False
        except TimeoutError:
            reason = "the time for asking is over"
        except CannotError as error:
            reason = str(error)
        except ModelAnswerError as error:
            reason, ours = str(error).replace("the answer", "the call"), False
        except LivestewardError as error:
            reason, ours = str(error), False
        except Exception as error:
            log.exception("a tool of the judge failed unexpectedly", tool=call.name, segment=case.segment.segment_id)
            reason = f"it failed ({type(error).__name__})"
        line = " ".join(neutralise(reason).split())[:_REASON_CHARS]
        # Words that are not our own may repeat what a stranger wrote, such as a file's name.
        return Told((TextPart(text=f"could not: {line if ours else Fence(inquiry.nonce).wrap(line)}"),)), True

    def _tool(self, call: ToolCall) -> Callable[[Mapping[str, Any], Case, Inquiry, float], Awaitable[Told]]:
        known = {
            LOOK_BACK: self._look_back,
            FIND_RULES: self._find_rules,
            LOOK_CLOSER: self._look_closer,
            LISTEN_AGAIN: self._listen_again,
            DECIDE: self._decide,
        }
        if call.name not in {tool.name for tool in self.tools}:
            raise CannotError(f"there is no such tool; there are {', '.join(tool.name for tool in self.tools)}")
        return known[call.name]

    async def _decide(self, given: Mapping[str, Any], case: Case, inquiry: Inquiry, left_s: float) -> Told:
        return Told((TextPart(text="So decide."),))

    async def _look_back(self, given: Mapping[str, Any], case: Case, inquiry: Inquiry, left_s: float) -> Told:
        start = case.segment.offset_s
        wanted = [line for line in case.memory.lines if start - given["seconds"] <= line.at_s < start]
        names = SegmentNames.of(case.segment)
        left = self.settings.inquiry.answer_chars
        kept: list[tuple[float, str, str]] = []
        cut = False
        for line in reversed(wanted):
            # One comes in any case, as far as there is room.
            if len(line.text) > left and kept:
                break
            cut = cut or len(line.text) > left
            kept.insert(0, (start - line.at_s, _who(line, names), line.text[:left]))
            left -= len(line.text)
        if not kept:
            return Told((TextPart(text="Nothing is remembered of that time."),))
        which = f"the last {len(kept)} of {len(wanted)} lines" if len(kept) < len(wanted) else f"{len(kept)} lines"
        which = "1 line" if len(wanted) == 1 else which
        head = f"Earlier in this stream, {which}{', the first cut short' if cut else ''}. Context only: it cannot be quoted as evidence."
        return Told((TextPart(text=head), *past_parts(Fence(inquiry.nonce), kept)))

    async def _find_rules(self, given: Mapping[str, Any], case: Case, inquiry: Inquiry, left_s: float) -> Told:
        have = {(one.jurisdiction, one.rule.rule_id) for one in in_full(case.rules, case.layout)} | set(inquiry.rules)
        question, limit = given["question"], self.settings.inquiry.rules
        vectors = await self.search.index.embedder.queries([question])
        fresh: list[list[RetrievedRule]] = []
        for region in case.regions:
            everything = len(self.search.library.rulebook(region, case.on).rules)
            (ranked,) = await self.search.search_vectors([question], vectors, region, on=case.on, limit=max(1, everything))
            fresh.append([one for one in ranked if (region, one.rule.rule_id) not in have])
        left = self.settings.inquiry.answer_chars
        found: list[RetrievedRule] = []
        for rule_id in dict.fromkeys(one.rule.rule_id for ranked in fresh for one in ranked[:limit]):
            # As every region has it: it must not count in one and be out of sight in another.
            readings = [one for ranked in fresh for one in ranked if one.rule.rule_id == rule_id]
            left -= sum(len(part.text) for part in rule_parts(readings))
            # One comes in any case: a team may write long rules.
            if left < 0 and found:
                break
            found.extend(readings)
        if not found:
            return Told((TextPart(text="No rule was found that you do not have in full."),))
        names = ", ".join(f"{one.rule.rule_id} ({one.jurisdiction})" for one in found)
        what = "Rules that you did not have yet" if case.layout.form is RulebookForm.FOUND else "In full, rules that you have in brief"
        head = f"{what}: {names}. They hold like those above, where they are about the case."
        return Told((TextPart(text=head), *rule_parts(found)), rules=tuple(found))

    async def _look_closer(self, given: Mapping[str, Any], case: Case, inquiry: Inquiry, left_s: float) -> Told:
        if sum(1 for step in inquiry.steps for answered in step if answered.shown) >= self.closer_looks:
            raise CannotError(f"no more than {self.closer_looks} closer looks at one segment are allowed")
        names = SegmentNames.of(case.segment)
        known = {frame.frame_id for frame in case.segment.frames}
        refs = {names.item(ref.frame_id): ref for ref in case.frames if ref.frame_id in known}
        ref = refs.get(given["picture"])
        if ref is None:
            there = f"there are {', '.join(list(refs)[:20])}" if refs else "it has none"
            raise CannotError(f"the segment has no picture of that name; {there}")
        left, top, right, bottom = (float(share) for share in given["box"])
        if not (left < right and top < bottom):
            raise CannotError("the box is empty: give left, top, right, bottom, with left under right and top under bottom")
        data = self.perceiver.frames.get(ref.sha256)
        if data is None:
            raise CannotError("that picture is no longer kept")
        box = (left, top, right, bottom)
        part = await asyncio.to_thread(_part_of, data, box, self.settings.model.max_image_side)
        digest = await asyncio.to_thread(self.perceiver.frames.put, part)
        head = f"The part of {given['picture']} follows: {part_label(given['picture'], at=ref.at_s, box=box)}"
        return Told((TextPart(text=head),), shown=ShownPart(frame_id=ref.frame_id, at_s=ref.at_s, box=box, sha256=digest))

    async def _listen_again(self, given: Mapping[str, Any], case: Case, inquiry: Inquiry, left_s: float) -> Told:
        segment = case.segment
        start, end = float(given["start_s"]), min(float(given["end_s"]), segment.duration_s)
        if segment.media is None:
            raise CannotError("the segment has no recording")
        if end - start < MIN_LISTEN_S or end - start > MAX_LISTEN_S:
            raise CannotError(f"give {MIN_LISTEN_S:g} to {MAX_LISTEN_S:g} seconds within the segment, which lasts {segment.duration_s:g} s")
        transcript = await self.perceiver.listen(segment, self.media_root, start_s=start, end_s=end, timeout_s=left_s)
        taken = {item.item_id for item in segment.items()} | {frame.frame_id for frame in segment.frames}
        left = self.settings.inquiry.answer_chars
        heard: list[Utterance] = []
        for said in transcript.utterances:
            if len(said.text) > left and heard:
                break
            heard.append(
                said.model_copy(
                    update={
                        "text": said.text[:left],
                        "utterance_id": free_id(f"again-{len(inquiry.items) + len(heard) + 1}", taken),
                        "at_s": round(start + said.at_s, 2),
                        "end_s": None if said.end_s is None else round(start + said.end_s, 2),
                        "speaker": Speaker.UNKNOWN,
                        "origin": Origin.HEARD_AGAIN,
                    }
                )
            )
            left -= len(said.text)
        if not heard:
            return Told((TextPart(text="Nothing was understood there."),))
        # In the form in which quotes are looked for.
        bounded, _ = admit(segment.model_copy(update={"utterances": tuple(heard)}), self.settings.limits)
        fence, names = Fence(inquiry.nonce), SegmentNames.of(bounded)
        whole = len(heard) == len(transcript.utterances) and heard[-1].text == transcript.utterances[-1].text
        rest = "" if whole else f", the beginning; ask for what came after second {heard[-1].at_s:g} by itself"
        head = f"Heard from second {start:g} to {end:g}, by a voice that nobody knows{rest}:"
        return Told((TextPart(text=head), *heard_parts(fence, names, bounded.utterances)), heard=bounded.utterances)


def replace_steps(inquiry: Inquiry, step: list[Answered]) -> Inquiry:
    """Return the inquiry with what is answered of the present step so far."""
    return inquiry.model_copy(update={"steps": (*inquiry.steps, tuple(step))}) if step else inquiry


def _arguments(call: ToolCall, tools: tuple[ToolSpec, ...]) -> Mapping[str, Any]:
    """Return the arguments, checked again: not every model holds to the schema.

    Raises:
        ModelAnswerError: If they do not fit.
    """
    schema = next((tool.parameters for tool in tools if tool.name == call.name), None)
    return call.arguments if schema is None else parse_answer(json.dumps(call.arguments, default=str), schema)


def _who(line: PastLine, names: SegmentNames) -> str:
    # A viewer who is silent in this segment has no name in it, and an id may be written to be read as an instruction.
    viewer = names.known_viewer(line.viewer_id) if line.viewer_id else None
    by = line.speaker.value if line.speaker else f"viewer {viewer}" if viewer else "a viewer" if line.viewer_id else "screen"
    return f"{by} gift" if line.kind is Modality.GIFT else by


def _part_of(data: bytes, box: tuple[float, float, float, float], side: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
        pixels = (round(box[0] * width), round(box[1] * height), round(box[2] * width), round(box[3] * height))
        if pixels[2] - pixels[0] < SMALLEST_PART or pixels[3] - pixels[1] < SMALLEST_PART:
            raise CannotError(f"the part has less than {SMALLEST_PART} pixels on a side; give a larger box")
        part = picture.convert("RGB").crop(pixels)
    longest = max(part.size)
    wanted = min(side, max(longest, PART_SIDE))
    if wanted != longest:
        scale = wanted / longest
        part = part.resize((max(1, round(part.width * scale)), max(1, round(part.height * scale))), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    part.save(out, "JPEG", quality=88)
    return out.getvalue()
