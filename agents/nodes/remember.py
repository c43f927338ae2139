"""What a stream remembers of a segment: strikes, the last words, and where a judge may look back, the last minutes by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from livesteward.agents.state import PastLine, StreamMemory, Strike
from livesteward.contracts import Modality, Origin, Segment, Speaker, SubjectKind, TextItem

MAX_STRIKES_KEPT: Final = 200
"""Of the stream's own strikes, and as many of its viewers': a raid must not make a host's past forgotten."""

MAX_SPEECH_KEPT: Final = 600
"""Characters."""

LINES_S: Final = 300.0
"""How far back single lines are kept, in seconds before the end of the segment."""

MAX_LINE_CHARS: Final = 400

MAX_LINES: Final = {True: (120, 8_000), False: (80, 4_000)}
"""The most lines and characters, of the stream's own (``True``) and of its viewers': a flood of chat must not displace what was said."""


def remember(
    memory: StreamMemory, segment: Segment, struck: Sequence[Strike], *, injections: Iterable[str], keep_lines: bool
) -> StreamMemory:
    """Return the memory with what ``segment`` left behind.

    Args:
        memory: Before it.
        segment: As judged.
        struck: The strikes that it brought.
        injections: Ids of items that pose as instructions: they must not reach the judge of a later segment by way of the memory.
        keep_lines: Whether single lines are kept.
    """
    left_out = frozenset(injections)
    strikes = tuple(dict.fromkeys((*memory.strikes, *struck)))
    viewers, stream = (
        tuple(strike for strike in strikes if (strike.subject.kind is SubjectKind.VIEWER) is theirs)[-MAX_STRIKES_KEPT:]
        for theirs in (True, False)
    )
    speech = " ".join(
        utterance.text
        for utterance in segment.utterances
        if utterance.utterance_id not in left_out and utterance.speaker is not Speaker.GUEST and utterance.origin is not Origin.HEARD_AGAIN
    )
    return StreamMemory(
        stream_id=segment.stream_id,
        segments=memory.segments + 1,
        strikes=tuple(strike for strike in strikes if strike in {*viewers, *stream}),
        recent_speech=f"{memory.recent_speech} {speech}".strip()[-MAX_SPEECH_KEPT:],
        lines=_lines(memory, segment, left_out) if keep_lines else (),
    )


def _lines(memory: StreamMemory, segment: Segment, left_out: frozenset[str]) -> tuple[PastLine, ...]:
    end = segment.offset_s + segment.duration_s
    known = {line.text for line in memory.lines if line.kind is Modality.OVERLAY}
    fresh = [_line(item, segment) for item in segment.items() if item.modality is not Modality.TITLE and item.item_id not in left_out]
    # What stands on the picture all the time is worth one line.
    fresh = [line for line in fresh if line.text.strip() and not (line.kind is Modality.OVERLAY and line.text in known)]
    recent = [line for line in (*memory.lines, *fresh) if line.at_s >= end - LINES_S]
    kept = [
        line for own in (True, False) for line in _newest((line for line in recent if (line.viewer_id is None) is own), *MAX_LINES[own])
    ]
    return tuple(sorted(kept, key=lambda line: line.at_s))


def _line(item: TextItem, segment: Segment) -> PastLine:
    return PastLine(
        at_s=round(segment.offset_s + item.at_s, 2),
        kind=item.modality,
        text=item.text if len(item.text) <= MAX_LINE_CHARS else f"{item.text[: MAX_LINE_CHARS - 1]}…",
        speaker=item.speaker
        if item.modality is Modality.SPEECH
        else Speaker.HOST
        if item.modality is Modality.CHAT and not item.viewer_id
        else None,
        viewer_id=item.viewer_id,
    )


def _newest(lines: Iterable[PastLine], most: int, chars: int) -> list[PastLine]:
    kept: list[PastLine] = []
    for line in list(lines)[-most:][::-1]:
        chars -= len(line.text)
        if chars < 0:
            break
        kept.insert(0, line)
    return kept
