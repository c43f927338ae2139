"""The texts of a segment as a judge reads them: one fence around all, one line an item, and repetitions said once.

A line says which item it is, when it came and who it is from, and then, after a colon, the words up to its end::

    u1 1.5 host: send me point one and I send you back double
    c1 4.2 viewer v1 "mia" (+c7 v3, c9 v8): is this legit??
    c2 5.1 viewer v4: gg; c3 v5: lol

No text can begin a line of its own, since its line breaks are replaced visibly, and nothing of a line's head can be forged: ids are plain
or aliases (:mod:`livesteward.prompts.names`), and names that people give themselves stand in quotation marks that they cannot close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from livesteward.contracts import ChatMessage, Gift, Modality, Segment, Speaker, TextItem
from livesteward.models.protocol import TextPart
from livesteward.prompts.fence import Fence, attribute, neutralise
from livesteward.prompts.names import TITLE, SegmentNames

LINE_BREAK: Final = "\u23ce"
"""Stands for a line break inside a text."""

KEPT: Final = 1
GUEST: Final = 2
OVERLAY: Final = 2
FRAME: Final = 3
GIFT: Final = 4
NEW_CHAT: Final = 5
MEMORY: Final = 6
CHAT: Final = 7
OLD_CHAT: Final = 8

MOST_REPEATS: Final = 24
"""Of a message that many write, so many are listed by id and viewer; of the others only how many there are."""

VOICE: Final = "voice"
"""Who spoke what was recognised in the stream's own sound: the host, as long as nobody knows better."""

MOST_SHORT: Final = 12
"""The most short messages that share a line."""

_SHORT: Final = re.compile(r"[^\s:;()\"]{1,12}")
_BREAKS = re.compile(r" ?\n\s*")
_SPACES = re.compile(r"[ \t]{2,}|\t")


def one_line(text: str) -> str:
    """Return ``text`` neutralised and in one line, its line breaks shown as :data:`LINE_BREAK`."""
    # Spaces go first: a run of them could keep the other pattern busy for long.
    return _BREAKS.sub(f" {LINE_BREAK} ", _SPACES.sub(" ", neutralise(text).strip()))


def priority(item: TextItem, age: float) -> int:
    """Return how early the token budget leaves an item out.

    Args:
        item: A text of the segment.
        age: For chat, where it stands among the messages: 0 for the first, towards 1 for the last.
    """
    if item.modality is Modality.SPEECH:
        return KEPT if item.speaker is Speaker.HOST else GUEST
    if item.modality is Modality.OVERLAY:
        return OVERLAY
    if item.modality is Modality.GIFT:
        return GIFT
    # Of the chat the newest third goes last: what it answers is in the speech that is kept.
    return OLD_CHAT if age < 1 / 3 else CHAT if age < 2 / 3 else NEW_CHAT


def chat_ages(segment: Segment) -> dict[str, float]:
    """Return for each chat message, by id, where it stands among all: 0 for the first, towards 1 for the last."""
    chat = [item.item_id for item in segment.items() if item.modality is Modality.CHAT and item.text]
    return {item_id: index / len(chat) for index, item_id in enumerate(chat)}


@dataclass
class _Line:
    """A line in the making: an item, and for chat those who wrote the same."""

    item: TextItem
    text: str
    priority: int
    repeats: list[TextItem] = field(default_factory=list)
    short: list[TextItem] = field(default_factory=list)
    """Further short messages that share the line."""


def transcript_parts(segment: Segment, fence: Fence, names: SegmentNames, keep: frozenset[str], memory: str = "") -> Iterator[TextPart]:
    """Yield the fence around everything that was written or said, line by line, each a part that the token budget can leave out.

    Args:
        segment: What is judged.
        fence: Of this call.
        names: Of the segment.
        keep: Ids of items that the budget leaves out last.
        memory: What was said in the segments before.
    """
    yield TextPart(text=f"<{fence.name}>", kind="fence")
    if segment.title:
        yield TextPart(text=f"{names.item(TITLE)} 0 host: {one_line(segment.title)}", item_id=TITLE, kind="title")
    if segment.stream_category:
        yield TextPart(text=f"- category: {one_line(segment.stream_category)}", kind="title")
    if memory:
        yield TextPart(text=f"- said before: {one_line(memory)}", priority=MEMORY, kind="memory")
    voices = frozenset(said.utterance_id for said in segment.utterances if said.speaker is Speaker.UNKNOWN) - segment.spoken_by_unknown
    writers = {message.message_id: message for message in segment.chat}
    gifts = {gift.gift_id: gift for gift in segment.gifts}
    introduced: set[str] = set()
    for line in _lines(segment, keep):
        head = _head(line, names, writers, gifts, voices, introduced)
        yield TextPart(
            text="; ".join([f"{head}: {line.text}", *(_sharing(item, names) for item in line.short)]),
            priority=line.priority,
            item_id=line.item.item_id,
            kind=line.item.modality.value,
        )
    yield TextPart(text=f"</{fence.name}>", kind="fence")


def _lines(segment: Segment, keep: frozenset[str]) -> list[_Line]:
    ages = chat_ages(segment)
    lines: list[_Line] = []
    said: dict[str, _Line] = {}
    for item in segment.items():
        text = one_line(item.text) if item.modality is not Modality.TITLE else ""
        if not text:
            continue
        rank = KEPT if item.item_id in keep else priority(item, ages.get(item.item_id, 1.0))
        by_viewer = item.modality is Modality.CHAT and item.viewer_id is not None
        # What a viewer repeats is one line; a host's words stay apart, since each is said to something else.
        key = " ".join(text.split()).casefold()
        if by_viewer and key in said:
            said[key].repeats.append(item)
            said[key].priority = min(said[key].priority, rank)
            continue
        line = _Line(item, text, rank)
        lines.append(line)
        if by_viewer:
            said[key] = line
    return _sharing_lines(lines)


def _sharing_lines(lines: Sequence[_Line]) -> list[_Line]:
    """Put short messages that follow each other, and are as important, into one line."""
    kept: list[_Line] = []
    for line in lines:
        last = kept[-1] if kept else None
        if (
            last is not None
            and _is_short(line)
            and _is_short(last)
            and last.priority == line.priority != KEPT
            and len(last.short) < MOST_SHORT - 1
        ):
            last.short.append(line.item)
        else:
            kept.append(line)
    return kept


def _is_short(line: _Line) -> bool:
    return (
        line.item.modality is Modality.CHAT and line.item.viewer_id is not None and not line.repeats and bool(_SHORT.fullmatch(line.text))
    )


def _sharing(item: TextItem, names: SegmentNames) -> str:
    return f"{names.item(item.item_id)} {names.viewer(item.viewer_id or '')}: {one_line(item.text)}"


def _head(
    line: _Line,
    names: SegmentNames,
    writers: dict[str, ChatMessage],
    gifts: dict[str, Gift],
    voices: frozenset[str],
    introduced: set[str],
) -> str:
    item = line.item
    head = f"{names.item(item.item_id)} {round(item.at_s, 1):g} "
    if item.modality is Modality.SPEECH:
        return head + (VOICE if item.item_id in voices else item.speaker.value)
    if item.modality is Modality.OVERLAY:
        return f"{head}screen"
    if item.viewer_id is None:
        return f"{head}host writes"
    viewer = names.viewer(item.viewer_id)
    head += f"viewer {viewer}"
    if item.modality is Modality.GIFT:
        gift = gifts[item.item_id]
        return f'{head} gift "{attribute(gift.name)}"' + (f" ${gift.value_usd:g}" if gift.value_usd else "")
    name = writers[item.item_id].display_name
    # A name is said once a viewer; it tells nothing new the second time.
    if name and viewer not in introduced:
        introduced.add(viewer)
        head += f' "{attribute(name)}"'
    return head + _repeats(line.repeats, names)


def _repeats(items: Sequence[TextItem], names: SegmentNames) -> str:
    if not items:
        return ""
    listed = ", ".join(f"{names.item(item.item_id)} {names.viewer(item.viewer_id or '')}" for item in items[:MOST_REPEATS])
    rest = items[MOST_REPEATS:]
    if not rest:
        return f" (+{listed})"
    return f" (+{listed}, and {len(rest)} more by {_count(item.viewer_id for item in rest)} viewers)"


def _count(ids: Iterable[str | None]) -> int:
    return len(set(ids))
