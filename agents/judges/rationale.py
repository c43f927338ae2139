"""Rationales of the embedded judge: plain sentences made of the rule, the place and the words."""

from __future__ import annotations

import re

from livesteward.agents.state import ClaimedEvidence
from livesteward.contracts import Modality, Rule, Segment, Subject, SubjectKind

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
    who = {SubjectKind.HOST: "The host", SubjectKind.GUEST: "A guest", SubjectKind.VIEWER: f"Viewer {subject.subject_id}"}[subject.kind]
    at = "" if place.modality is Modality.TITLE else f" at {clock(segment.offset_s + place.at_s)}"
    quote = place.text if len(place.text) <= 160 else place.text[:157].rsplit(" ", 1)[0] + " …"
    return f"{who} {_VERBS[place.modality]}{at}: “{quote}” {rule.rule_id} ({rule.title}): {first_sentence(rule.text)}"


def first_sentence(text: str) -> str:
    """Return the first sentence of a rule's text."""
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def clock(seconds: float) -> str:
    """Return seconds of stream time as ``m:ss`` or ``h:mm:ss``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3_600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
