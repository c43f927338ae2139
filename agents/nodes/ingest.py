"""ingest: bound what came in, give texts one form, and say what was left out."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from livesteward.contracts import ReviewCode, ReviewReason, Segment
from livesteward.settings import LimitSettings

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def admit(segment: Segment, limits: LimitSettings) -> tuple[Segment, tuple[ReviewReason, ...]]:
    """Return the segment within its limits, and a reason for each kind of thing that had to be left out.

    Quotes of a verdict are verbatim from the returned segment: canonical composition (NFC) without control characters.
    """
    reasons: list[ReviewReason] = []
    cut = 0

    def clean(text: str) -> str:
        nonlocal cut
        whole = _CONTROL.sub(" ", unicodedata.normalize("NFC", text))
        if len(whole) > limits.max_text_chars:
            cut += 1
            return whole[: limits.max_text_chars]
        return whole

    chat = tuple(item.model_copy(update={"text": clean(item.text)}) for item in segment.chat)
    newest = {message.message_id for message in sorted(chat, key=lambda message: message.at_s)[-limits.max_chat :]}
    changed = {
        "title": clean(segment.title),
        "utterances": tuple(item.model_copy(update={"text": clean(item.text)}) for item in segment.utterances),
        "overlays": tuple(item.model_copy(update={"text": clean(item.text)}) for item in segment.overlays),
        "chat": tuple(message for message in chat if message.message_id in newest),
        "gifts": tuple(item.model_copy(update={"message": clean(item.message)}) for item in segment.gifts),
    }
    if len(segment.chat) > limits.max_chat:
        reasons.append(
            _left_out(f"{len(segment.chat) - limits.max_chat} of {len(segment.chat)} chat messages, the oldest (limits.max_chat)")
        )
    if cut:
        reasons.append(_left_out(f"the end of {cut} texts longer than {limits.max_text_chars} characters (limits.max_text_chars)"))
    return segment.model_copy(update=changed), tuple(reasons)


def _left_out(what: str) -> ReviewReason:
    return ReviewReason(code=ReviewCode.INPUT_TRIMMED, detail=f"Not judged: {what}.")
