"""From a segment and the rules that matter to the judge's messages: method and rules first, the strangers' texts last and fenced."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from livesteward.contracts import GLOBAL, Modality, RetrievedRule, Rule, Segment, TextItem
from livesteward.errors import PromptError
from livesteward.models.protocol import ImagePart, Message, TextPart
from livesteward.prompts.fence import Fence
from livesteward.prompts.names import TITLE, SegmentNames
from livesteward.prompts.registry import Prompt
from livesteward.prompts.rulebook_layout import FOUND_ONLY, RulebookForm, RulebookLayout, detail_view, rule_view, standing_view
from livesteward.prompts.template import Parts
from livesteward.prompts.transcript import FRAME, KEPT, MEMORY, chat_ages, priority, transcript_parts

JUDGE: Final = "judge"
"""The name of the prompt that judges segments."""

JUDGE_OUTPUT: Final = "JudgeAnswer"
"""What a prompt must name as its ``output_schema`` to be used for judging."""

STANDING_VARIABLE: Final = "rulebook"
"""The variable of a prompt's first sections that holds the rules at its beginning."""

_LABEL = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def render_judge(
    prompt: Prompt,
    segment: Segment,
    rules: Sequence[RetrievedRule],
    *,
    memory: str = "",
    images: Sequence[ImagePart] = (),
    keep: Collection[str] = (),
    nonce: str | None = None,
    layout: RulebookLayout = FOUND_ONLY,
) -> tuple[Message, ...]:
    """Return the messages that ask a model to judge ``segment``.

    What does not change from segment to segment comes first, byte for byte the same for the same rules, so that an engine can keep it
    in its prefix cache. Every text from the stream is fenced and a part of its own, which the token budget can leave out.

    Args:
        prompt: A version of the ``judge`` prompt.
        segment: What is judged.
        rules: The rules that may be broken, of all jurisdictions asked for, the best found first. Where ``layout`` has a rulebook at the
            beginning, all rules of these rulebooks.
        memory: What is remembered of the stream so far; fenced like the rest, since it may repeat what strangers said.
        images: Pictures with the frame's id as ``item_id``.
        keep: Ids of items that the budget leaves out last, such as those that the screen found.
        nonce: The fence's nonce, for tests; drawn at random otherwise.
        layout: Which rules stand where; by itself all are given in full and none at the beginning.

    Raises:
        PromptError: If ``prompt`` is not for judging, cannot be rendered, or a picture is of no frame.
    """
    _check_judges(prompt)
    fence = Fence(nonce)
    names = SegmentNames.of(segment)
    kept = frozenset(keep)
    values: dict[str, Callable[[], Any]] = {
        # Of version 1, which shows the rules found and nothing else.
        "rulebooks": lambda: rulebook_views(rules),
        "title": lambda: Parts(_about_parts(segment, fence)),
        "memory": lambda: Parts([TextPart(text=fence.wrap(memory, kind="memory"), priority=MEMORY, kind="memory")] if memory else []),
        "items": lambda: Parts(_item_parts(segment, fence, names, kept)),
        "frames": lambda: Parts(_frame_parts(segment, images, names, kept)),
        # Since version 2.
        "rulebook": lambda: standing_view(rules, layout),
        "details": lambda: detail_view(rules, layout),
        "pictures": lambda: Parts(_frame_parts(segment, images, names, kept, brief=True)),
        "transcript": lambda: Parts(transcript_parts(segment, fence, names, kept, memory)),
        "stream": lambda: _stream_view(segment),
        "signals": lambda: _signal_views(segment, names),
        "fence": lambda: fence.name,
    }
    return prompt.render({name: make() for name, make in values.items() if name in prompt.header.variables})


def has_standing_rulebook(prompt: Prompt) -> bool:
    """Whether a version of the judge's prompt has a place for the rulebook at its beginning."""
    return STANDING_VARIABLE in prompt.header.variables


def render_prefix(prompt: Prompt, rules: Sequence[RetrievedRule], layout: RulebookLayout = FOUND_ONLY) -> tuple[Message, ...]:
    """Return what every judging of these rulebooks begins with, byte for byte: the method, and the rules that stand at the beginning.

    Sent by itself it fills a server's prefix cache.

    Args:
        prompt: A version of the ``judge`` prompt.
        rules: All rules of the rulebooks; their order and scores make no difference.
        layout: As :func:`render_judge` gets it.

    Raises:
        PromptError: If ``prompt`` is not for judging or cannot be rendered.
    """
    _check_judges(prompt)
    return prompt.render_beginning({STANDING_VARIABLE: standing_view(rules, layout)} if has_standing_rulebook(prompt) else {})


def prefix_digest(prompt: Prompt, rules: Sequence[RetrievedRule], layout: RulebookLayout = FOUND_ONLY) -> str:
    """Return the SHA-256 of what :func:`render_prefix` returns, or nothing where no rules stand at the beginning.

    The method alone is common to all requests, and no reason to send two of them to the same server.
    """
    if layout.form is RulebookForm.FOUND:
        return ""
    found = hashlib.sha256()
    for message in render_prefix(prompt, rules, layout):
        for part in message.parts:
            found.update(f"{message.role}\0{part.text if isinstance(part, TextPart) else ''}\0".encode())
    return found.hexdigest()


def _check_judges(prompt: Prompt) -> None:
    if prompt.header.output_schema != JUDGE_OUTPUT:
        raise PromptError(
            f"{prompt.path}: answers {prompt.header.output_schema!r}; a prompt that judges needs output_schema {JUDGE_OUTPUT!r}"
        )


def rulebook_views(rules: Sequence[RetrievedRule]) -> list[dict[str, Any]]:
    """Return the rules by jurisdiction, the global base first, each ordered by id, as plain values for a template.

    A rule that reads the same in an earlier jurisdiction is given as ``same_as`` that jurisdiction.
    """
    found = {(rule.jurisdiction, rule.rule.rule_id): rule.rule for rule in rules}
    seen: dict[str, tuple[str, Rule]] = {}
    views: list[dict[str, Any]] = []
    for jurisdiction in sorted({jurisdiction for jurisdiction, _ in found}, key=lambda name: (name != GLOBAL, name)):
        shown: list[dict[str, Any]] = []
        for rule_id in sorted(rule_id for place, rule_id in found if place == jurisdiction):
            rule = found[jurisdiction, rule_id]
            earlier = seen.get(rule_id)
            shown.append({**rule_view(rule), "same_as": earlier[0] if earlier and _reads_alike(earlier[1], rule) else ""})
            seen.setdefault(rule_id, (jurisdiction, rule))
        views.append({"jurisdiction": jurisdiction, "rules": shown})
    return views


def _reads_alike(one: Rule, other: Rule) -> bool:
    return rule_view(one) == rule_view(other)


def _stream_view(segment: Segment) -> dict[str, Any]:
    host = segment.host
    return {
        "region": segment.region,
        "audience": ", ".join(segment.audience_regions),
        "language": segment.language or "",
        "offset_s": f"{segment.offset_s:g}",
        "duration_s": f"{segment.duration_s:g}",
        "viewers": "" if segment.viewers is None else segment.viewers,
        "host_age": "" if host.declared_age is None else host.declared_age,
        "host_verified": host.verified,
        "host_strikes": host.prior_strikes,
        "host_followers": "" if host.follower_count is None else host.follower_count,
    }


def _signal_views(segment: Segment, names: SegmentNames) -> list[dict[str, Any]]:
    known = set(names.items)
    return [
        {
            "kind": signal.kind.value,
            "value": f"{signal.value:.2f}",
            "at": f"{signal.at_s:g}",
            "label": signal.label if _LABEL.fullmatch(signal.label) else "",
            "ref": signal.ref if signal.ref in known else "",
        }
        for signal in sorted(segment.signals, key=lambda signal: (signal.kind.value, signal.at_s))[:40]
    ]


def _about_parts(segment: Segment, fence: Fence) -> Iterable[TextPart]:
    if segment.title:
        yield TextPart(text=fence.wrap(segment.title, item=TITLE, kind="title"), item_id=TITLE, kind="title")
    if segment.stream_category:
        yield TextPart(text=fence.wrap(segment.stream_category, kind="category"), kind="title")


def _item_parts(segment: Segment, fence: Fence, names: SegmentNames, keep: frozenset[str]) -> Iterable[TextPart]:
    items = [item for item in segment.items() if item.modality is not Modality.TITLE and item.text]
    writers = {message.message_id: message for message in segment.chat}
    gifts = {gift.gift_id: gift for gift in segment.gifts}
    ages = chat_ages(segment)
    for item in items:
        message, gift = writers.get(item.item_id), gifts.get(item.item_id)
        text = fence.wrap(
            item.text,
            item=names.item(item.item_id),
            kind=item.modality.value,
            at=item.at_s,
            by=_by(item, message.is_host if message else False),
            viewer=names.viewer(item.viewer_id) if item.viewer_id else None,
            name=message.display_name or None if message else None,
            gift=gift.name if gift else None,
            usd=gift.value_usd or None if gift else None,
        )
        rank = KEPT if item.item_id in keep else priority(item, ages.get(item.item_id, 1.0))
        yield TextPart(text=text, priority=rank, item_id=item.item_id, kind=item.modality.value)


def _by(item: TextItem, is_host: bool) -> str | None:
    if item.modality is Modality.SPEECH:
        return item.speaker.value
    return "host" if is_host else None


def _frame_parts(
    segment: Segment, images: Sequence[ImagePart], names: SegmentNames, keep: frozenset[str], *, brief: bool = False
) -> Iterable[TextPart | ImagePart]:
    frames = {frame.frame_id: frame for frame in segment.frames}
    unknown = [image.item_id for image in images if image.item_id not in frames]
    if unknown:
        raise PromptError(f"a picture has item_id {unknown[0]!r}, and the segment has no such frame")
    placed = sorted(((frames[image.item_id], image) for image in images if image.item_id), key=lambda pair: pair[0].at_s)
    for frame, image in placed:
        rank = KEPT if frame.frame_id in keep else FRAME
        name = names.item(frame.frame_id)
        label = f"{name} {round(frame.at_s, 1):g} picture:" if brief else f'<picture item="{name}" kind="frame" at="{frame.at_s:g}"/>'
        yield TextPart(text=label, priority=rank, item_id=frame.frame_id, kind="image")
        yield image.model_copy(update={"priority": rank})
