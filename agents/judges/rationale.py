"""Rationales of the embedded judge: plain sentences made of the rule, the place and the words."""

from __future__ import annotations

import re

from livesteward.agents.state import ClaimedEvidence
from livesteward.contracts import Modality, Rule, Segment, Subject, SubjectKind
from livesteward.prompts.fence import visible

_QUOTED_CHARS = 160
_SENTENCE_CHARS = 600
_VERBS = {
    Modality.SPEECH: "says",
    Modality.CHAT: "writes",
    Modality.OVERLAY: "shows on screen",
    Modality.TITLE: "titles the stream",
    Modality.GIFT: "writes with a gift",
}


def explain(rule: Rule, subject: Subject, evidence: tuple[ClaimedEvidence, ...], segment: Segment) -> str:
    """Say in one or two sentences why ``evidence`` breaks ``rule``."""
    items = {item.item_id: item for item in segment.items()}
    place = items[evidence[0].item_id]
    subject_id = visible(subject.subject_id or "")
    who = {SubjectKind.HOST: "The host", SubjectKind.GUEST: "A guest", SubjectKind.VIEWER: f"Viewer {subject_id}"}[subject.kind]
    at = "" if place.modality is Modality.TITLE else f" at {clock(segment.offset_s + place.at_s)}"
    said = " ".join(visible(evidence[0].quote or place.text).split())
    quote = said if len(said) <= _QUOTED_CHARS else said[: _QUOTED_CHARS - 3].rsplit(" ", 1)[0] + " …"
    return f"{who} {_VERBS[place.modality]}{at}: “{quote}” {rule.rule_id} ({rule.title}): {first_sentence(rule.text)}"


def first_sentence(text: str) -> str:
    """Return the first sentence of a rule's text, and no more than 600 characters of it."""
    first = re.split(r"(?<=[.!?])\s|(?<=[。！？])", text.strip(), maxsplit=1)[0]
    return first if len(first) <= _SENTENCE_CHARS else f"{first[: _SENTENCE_CHARS - 1]}…"


def clock(seconds: float) -> str:
    """Return seconds of stream time as ``m:ss`` or ``h:mm:ss``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3_600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
