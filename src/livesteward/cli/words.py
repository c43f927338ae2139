"""The words in which verdicts are told to people, and how times are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from livesteward.cli.plain import plain
from livesteward.contracts import (
    ActionKind,
    Category,
    Decision,
    InquiryCall,
    Modality,
    Provenance,
    ReviewCode,
    Severity,
    Subject,
    SubjectKind,
)

SYMBOLS: Final[dict[Decision, str]] = {Decision.ALLOW: "✔", Decision.REVIEW: "?", Decision.VIOLATION: "✖"}
"""Beside every colour, so that nothing is said by colour alone."""

CATEGORIES: Final[dict[Category, str]] = {
    Category.HATE_HARASSMENT: "hate and harassment",
    Category.SEXUAL_CONTENT: "sexual content",
    Category.VIOLENCE_THREATS: "violence and threats",
    Category.SELF_HARM: "self-harm",
    Category.FRAUD_SCAM: "fraud and scams",
    Category.MINOR_SAFETY: "safety of minors",
    Category.DANGEROUS_ACTS: "dangerous acts",
    Category.REGULATED_GOODS: "regulated goods",
    Category.SPAM_INAUTHENTIC: "spam and inauthentic conduct",
    Category.PRIVACY_DOXXING: "privacy and doxxing",
}

ACTIONS: Final[dict[ActionKind, str]] = {
    ActionKind.NONE: "nothing is done",
    ActionKind.EDUCATE: "explain the rule",
    ActionKind.WARN: "warn",
    ActionKind.LIMIT_REACH: "limit the stream's reach",
    ActionKind.AGE_RESTRICT: "restrict to adults",
    ActionKind.PAUSE_STREAM: "pause the stream",
    ActionKind.END_STREAM: "end the stream",
    ActionKind.REMOVE_MESSAGE: "remove the message",
    ActionKind.MUTE_VIEWER: "mute the viewer",
    ActionKind.BAN_VIEWER: "ban the viewer",
    ActionKind.SUPPORT: "offer help",
    ActionKind.ESCALATE: "escalate to specialists",
}

REASONS: Final[dict[ReviewCode, str]] = {
    ReviewCode.UNSURE: "The judge was not sure enough",
    ReviewCode.MODEL_UNAVAILABLE: "The model could not be reached",
    ReviewCode.MODEL_TIMEOUT: "The model did not answer in time",
    ReviewCode.MODEL_REFUSED: "The model declined to answer",
    ReviewCode.MODEL_INVALID_ANSWER: "The model's answer could not be used",
    ReviewCode.UNVERIFIED_FINDING: "A finding could not be verified",
    ReviewCode.INJECTION_SUSPECTED: "Someone may have tried to instruct the moderator",
    ReviewCode.PERCEPTION_FAILED: "Pictures or sound could not be read",
    ReviewCode.RULES_UNAVAILABLE: "The rules could not be retrieved",
    ReviewCode.INPUT_TRIMMED: "Not everything was judged, for its size",
    ReviewCode.INTERNAL_ERROR: "A step failed",
}

SEVERITIES: Final[dict[Severity, str]] = {severity: f"{severity.value} severity" for severity in Severity}

PLACES: Final[dict[Modality, str]] = {
    Modality.SPEECH: "said",
    Modality.CHAT: "in chat",
    Modality.OVERLAY: "on screen",
    Modality.FRAME: "seen",
    Modality.TITLE: "in the title",
    Modality.GIFT: "with a gift",
}


def subject_words(subject: Subject) -> str:
    """Return whose conduct it is: ``the host``, ``a guest`` or ``viewer mei_88``."""
    if subject.kind is SubjectKind.VIEWER:
        return f"viewer {plain(subject.subject_id or '', limit=40)}"
    return "the host" if subject.kind is SubjectKind.HOST else "a guest"


def clock(seconds: float) -> str:
    """Return a time of the stream as ``1:05`` or ``1:02:05``."""
    whole = int(seconds)
    hours, minutes = whole // 3_600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def span(milliseconds: float) -> str:
    """Return a length of time as a person reads it: ``45 ms``, ``1.9 s``, ``3 min 05 s``."""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1_000
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


def time_line(latency_ms: Mapping[str, float]) -> str:
    """Return where the time went, longest step first; what took under a hundredth of it is summed up."""
    total = sum(latency_ms.values())
    steps = sorted(latency_ms.items(), key=lambda step: -step[1])
    shown = [(name, value) for name, value in steps if value >= total / 100][:6]
    rest = total - sum(value for _, value in shown)
    parts = [f"{plain(name)} {span(value)}" for name, value in shown] + ([f"the rest {span(rest)}"] if rest >= 0.5 else [])
    return f"took {span(total)}" + (f": {', '.join(parts)}" if parts else "")


def count(number: int, noun: str) -> str:
    """Return ``1 segment`` or ``3 segments``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def call_words(call: InquiryCall) -> str:
    """Return what a judge asked: ``look_back(seconds=60)``."""
    arguments = ", ".join(f"{name}={_argument(value)}" for name, value in call.arguments.items())
    return plain(f"{call.tool}({arguments})", limit=120)


def _argument(value: str | float | tuple[float, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(f'{one:g}' for one in value)}]"
    return f"“{value}”" if isinstance(value, str) else f"{value:g}"


def told_words(call: InquiryCall) -> str:
    """Return the first line of what it was told."""
    return plain(call.answer.partition("\n")[0], limit=120)


def judge_words(made: Provenance) -> str:
    """Return who judged: ``model qwen3-vl 1a2b3c (openai-compatible, profile qwen3-vl), prompt judge v1``."""
    engine = f"({made.engine}{f', profile {made.profile}' if made.profile else ''})" if made.engine else ""
    judge = " ".join(part for part in (made.judge, made.model, made.model_revision[:12], engine) if part)
    prompt = f", prompt {made.prompt.name} v{made.prompt.version}" if made.prompt else ""
    return plain(judge + prompt + (", replayed" if made.replayed else ""))
