"""Segments to ask a server about: made of texts of the golden set's `dev` split, or those of a file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from livesteward.contracts import ChatMessage, Segment
from livesteward.errors import InputError
from livesteward.evals.cases import Case

CHAT_LINES: Final = (6, 28)
"""The fewest and the most chat lines of a drawn segment; a golden case has few, a stream with viewers has many."""

_MOST_BYTES: Final = 64_000_000


def draw_segments(cases: Sequence[Case], count: int, *, seed: int) -> list[Segment]:
    """Return ``count`` segments, the same for the same cases and seed, and no two alike.

    Each is a case's segment without its pictures and sound, with chat of other cases in its language added to what viewers wrote there.

    Args:
        cases: To draw from; at least one.
        count: How many.
        seed: Of the draw.
    """
    draw = random.Random(f"segments {seed}")
    by_language: dict[str, list[str]] = {}
    for case in cases:
        lines = [message.text for message in case.segment.chat] + [said.text for said in case.segment.utterances]
        by_language.setdefault(_language(case.segment), []).extend(lines)
    order: list[Case] = []
    drawn = []
    for number in range(count):
        if not order:
            order = draw.sample(list(cases), len(cases))
        base = order.pop().segment
        drawn.append(_drawn(base, number, by_language[_language(base)], draw))
    return drawn


def read_segments(file: Path, count: int, *, seed: int) -> list[Segment]:
    """Return ``count`` segments of a JSONL file, in an order that follows from the seed; where they are too few, again under new ids.

    Raises:
        InputError: If the file cannot be read, is empty, or holds a line that is no segment; names the line.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"the file is larger than {_MOST_BYTES // 1_000_000} MB", field=str(file))
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", field=str(file)) from error
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(Segment.model_validate_json(line))
            except ValidationError as error:
                raise InputError.from_validation(error, source=f"{file}:{number}") from error
    if not found:
        raise InputError("holds no segment; give one as JSON on each line", field=str(file))
    draw = random.Random(f"segments {seed}")
    chosen: list[Segment] = []
    while len(chosen) < count:
        chosen += draw.sample(found, len(found))
    return [
        segment.model_copy(update={"segment_id": f"{number}", "offset_s": segment.offset_s + number})
        for number, segment in enumerate(chosen[:count])
    ]


def _language(segment: Segment) -> str:
    return (segment.language or "en").partition("-")[0]


def _drawn(base: Segment, number: int, lines: Sequence[str], draw: random.Random) -> Segment:
    wanted = draw.randint(*CHAT_LINES)
    texts = [message.text for message in base.chat] + [draw.choice(lines) for _ in range(max(0, wanted - len(base.chat)))]
    draw.shuffle(texts)
    viewers = [f"viewer{draw.randrange(10_000)}" for _ in range(max(1, wanted // 2))]
    chat = tuple(
        ChatMessage(
            message_id=f"c{place}",
            at_s=round(base.duration_s * place / len(texts), 1),
            viewer_id=draw.choice(viewers),
            text=text,
        )
        for place, text in enumerate(texts, start=1)
    )
    offset = 20.0 * draw.randrange(500)
    return base.model_copy(
        update={
            "stream_id": f"load-{number}",
            "segment_id": str(number),
            "starts_at": base.starts_at + timedelta(seconds=offset),
            "offset_s": offset,
            "viewers": draw.randrange(10, 90_000),
            "frames": (),
            "media": None,
            "overlays": tuple(overlay for overlay in base.overlays if overlay.frame_id is None),
            "chat": chat,
        }
    )
