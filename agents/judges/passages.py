"""The pieces of a segment that the heads score: enough context to tell a warning from an offer, and never two people's words in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from livesteward.contracts import Modality, Segment, Speaker, Subject, SubjectKind, TextItem

WINDOW_WORDS: Final = 45
"""About the length up to which the heads were fitted."""

WINDOW_CHARS: Final = 280
"""The same for scripts that do not put spaces between words, and a bound on what one embedding costs."""

LONG_CHARS: Final = 2 * WINDOW_CHARS
"""A text longer than this is taken in pieces: an embedding of all of it would not see a threat in its middle, nor its end at all."""


BADGES: Final = frozenset({"live", "live now", "rec", "hd", "4k"})
"""What players and encoders write on every picture; it says nothing of the stream."""

_ROWS: Final = frozenset({Modality.SPEECH, Modality.OVERLAY})


@dataclass(frozen=True)
class Passage:
    """One or more texts of the same subject, in order; ``before`` is what the host said just before them: context, not evidence."""

    subject: Subject
    items: tuple[TextItem, ...]
    before: str = ""

    @property
    def text(self) -> str:
        """The texts in one line."""
        return " ".join([self.before, *(item.text for item in self.items)]).strip()

    def without(self, item_id: str) -> str:
        """The texts without one of them."""
        return " ".join([self.before, *(item.text for item in self.items if item.item_id != item_id)]).strip()


def passages(segment: Segment, suspects: frozenset[str], *, before: str = "") -> list[Passage]:
    """Return the passages that hold at least one suspect.

    Speech and the texts on screen are taken in windows, since what a line means hangs on those around it; titles, messages and gifts stand
    alone. Of a long text the items hold a piece each, verbatim.

    Args:
        segment: After perception.
        suspects: Ids of the items that the screen flagged.
        before: What the host said in the segments before. A first window of few words is filled up with the end of it: the heads were
            fitted on windows, and half a thought can look like another.
    """
    items = segment.items()
    found: list[Passage] = []
    for row in (*_turns(items), *_screens(items)):
        windows = list(_windows(row, segment))
        if windows and row[0].modality is Modality.SPEECH and windows[0].subject.kind is SubjectKind.HOST:
            windows[0] = replace(windows[0], before=_filling(windows[0].text, before))
        found.extend(window for window in windows if any(item.item_id in suspects for item in window.items))
    found.extend(
        Passage(subject_of(item, segment), (piece,))
        for item in items
        if item.modality not in _ROWS and item.item_id in suspects
        for piece in _pieces(item)
    )
    return found


def subject_of(item: TextItem, segment: Segment) -> Subject:
    """Return whose conduct a text is: a viewer's message is the viewer's, a guest's words are the guest's, all else is the host's."""
    if item.viewer_id is not None:
        return Subject(kind=SubjectKind.VIEWER, subject_id=item.viewer_id)
    if item.modality is Modality.SPEECH and item.speaker is Speaker.GUEST:
        return Subject(kind=SubjectKind.GUEST)
    return Subject(kind=SubjectKind.HOST, subject_id=segment.host.host_id)


def _turns(items: tuple[TextItem, ...]) -> Iterator[list[TextItem]]:
    for guest in (False, True):
        said = [item for item in items if item.modality is Modality.SPEECH and (item.speaker is Speaker.GUEST) is guest]
        spoken = [piece for item in said for piece in _pieces(item)]
        if spoken:
            yield spoken


def _pieces(item: TextItem) -> Iterator[TextItem]:
    text = item.text
    if len(text) <= LONG_CHARS:
        yield item
        return
    for start, end in pieces(text, WINDOW_CHARS):
        yield item.model_copy(update={"text": text[start:end]})


def pieces(text: str, size: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of pieces of about ``size`` characters, each from the middle of the one before, cut at spaces if possible."""
    start = 0
    while True:
        end = start + size
        if end >= len(text):
            yield start, len(text)
            return
        space = text.rfind(" ", start + size * 3 // 4, end)
        end = space if space > 0 else end
        yield start, end
        middle = start + size // 2
        space = text.find(" ", middle, start + size * 5 // 8)
        start = space + 1 if space > 0 else middle


def _screens(items: tuple[TextItem, ...]) -> Iterator[list[TextItem]]:
    shown = [
        piece
        for item in items
        if item.modality is Modality.OVERLAY and item.text.strip(" .!·•●").casefold() not in BADGES
        for piece in _pieces(item)
    ]
    if shown:
        yield shown


def _filling(text: str, before: str) -> str:
    """Return the last sentences of ``before`` that fit into a window in front of ``text``."""
    words, chars = WINDOW_WORDS - len(text.split()), WINDOW_CHARS - len(text)
    kept: list[str] = []
    for sentence in reversed(re.split(r"(?<=[.!?。！？])\s+", before.strip())):
        words -= len(sentence.split())
        chars -= len(sentence) + 1
        if words < 0 or chars < 0:
            break
        kept.insert(0, sentence)
    return " ".join(kept)


def _windows(spoken: list[TextItem], segment: Segment) -> Iterator[Passage]:
    # Each window starts where the one before was half through, so that no thought is only ever seen in two halves.
    subject = subject_of(spoken[0], segment)
    start = 0
    while start < len(spoken):
        end = start
        words = chars = 0
        while end < len(spoken):
            item = spoken[end]
            if end > start and (words + len(item.text.split()) > WINDOW_WORDS or chars + len(item.text) > WINDOW_CHARS):
                break
            words += len(item.text.split())
            chars += len(item.text)
            end += 1
        yield Passage(subject, tuple(spoken[start:end]))
        if end >= len(spoken):
            return
        start = max(start + 1, start + (end - start + 1) // 2)
