"""Would the judge have said the same without the words that tried to steer it?

A model is asked a second time with every suspected injection blanked out. Where the two answers differ, the one without the injection
is believed and a person looks: claims that only stand while the injection is there are dropped, and so is such an ``allow``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from livesteward.agents.judges.case import Case
from livesteward.agents.state import Claim, Judgement, StreamMemory
from livesteward.contracts import ReviewCode, ReviewReason, Segment, Subject, SubjectKind

BLANK: Final = "[removed]"

SAME_CONFIDENCE: Final = 0.1
"""Two answers whose confidence differs by no more than this say the same."""

_Key: TypeAlias = tuple[str, Subject]


def without_injections(case: Case) -> Case:
    """Return the case with every suspected injection blanked out, wherever the judge could meet it.

    That is its text, the picture that it was read from, the names under which people write (which the judge reads and nobody is judged
    by), and what is remembered of the stream.
    """
    ids = frozenset(case.screened.injections)
    read = [overlay for overlay in case.segment.overlays if overlay.overlay_id in ids]
    # The same words may stand in other pictures too, since a text that is read twice is kept once.
    return replace(case, segment=_blanked(case.segment, ids), frames=() if read else case.frames, memory=StreamMemory())


def injection_doubts(
    judgement: Judgement, again: Judgement, injections: tuple[str, ...], *, blind: bool = False
) -> tuple[Judgement, tuple[ReviewReason, ...]]:
    """Compare the judgement with the one without injections.

    A claim that a viewer broke a rule by the injection itself is about it and stays.

    Args:
        judgement: With them.
        again: Without.
        injections: Ids of the items.
        blind: Whether the pictures had to be left out with them: two answers that let the stream go then agree on the texts only.

    Returns:
        The judgement without claims that hang on the injection, and a reason for review for each difference.
    """
    words = f"Without {', '.join(injections)}"[:300]
    kept, doubts = _compared(judgement, again, injections, words)
    if judgement.allows and not again.allows:
        doubts.append(_doubt(f"{words}, the judge would not allow the segment"))
    elif blind and all(claim.subject.kind is SubjectKind.VIEWER for claim in kept):
        # Nothing else is said of the stream, whatever is said of viewers, and nobody has looked without being told what to see.
        doubts.append(_doubt(f"{words}, which stands on the picture, no picture could be looked at"))
    if again.unsure and not judgement.unsure:
        doubts.append(_doubt(f"{words}, the judge asks for a person"))
    tokens = judgement.tokens + again.tokens
    return judgement.model_copy(update={"claims": tuple(kept), "tokens": tokens}), tuple(dict.fromkeys(doubts))


def _compared(judgement: Judgement, again: Judgement, injections: tuple[str, ...], words: str) -> tuple[list[Claim], list[ReviewReason]]:
    kept: list[Claim] = []
    doubts: list[ReviewReason] = []
    stands = _by_key(again.claims)
    for claim in judgement.claims:
        about = f"{claim.rule_id} against the {claim.subject.kind.value}"
        other = stands.get((claim.rule_id, claim.subject))
        if claim.subject.kind is SubjectKind.VIEWER and any(place.item_id in injections for place in claim.evidence):
            kept.append(claim)
        elif other is None:
            doubts.append(_doubt(f"{words}, {about} does not stand"))
        else:
            if abs(other.confidence - claim.confidence) > SAME_CONFIDENCE:
                doubts.append(_doubt(f"{words}, {about} has a confidence of {other.confidence:.2f}, not {claim.confidence:.2f}"))
            if set(other.jurisdictions) != set(claim.jurisdictions):
                doubts.append(_doubt(f"{words}, {about} stands in other jurisdictions"))
            kept.append(claim.model_copy(update={"confidence": other.confidence}))
    said = _by_key(judgement.claims)
    for key, claim in stands.items():
        if key not in said:
            doubts.append(_doubt(f"{words}, the judge finds {claim.rule_id} against the {claim.subject.kind.value}"))
    return kept, doubts


def _by_key(claims: Iterable[Claim]) -> dict[_Key, Claim]:
    """Return the claims by rule and subject, of several on one the most confident."""
    return {(claim.rule_id, claim.subject): claim for claim in sorted(claims, key=lambda claim: claim.confidence)}


def _doubt(detail: str) -> ReviewReason:
    return ReviewReason(code=ReviewCode.INJECTION_SUSPECTED, detail=f"{detail}."[:2_000])


def _blanked(segment: Segment, ids: frozenset[str]) -> Segment:
    return segment.model_copy(
        update={
            "title": BLANK if "title" in ids else segment.title,
            "stream_category": "",
            "utterances": tuple(u.model_copy(update={"text": BLANK}) if u.utterance_id in ids else u for u in segment.utterances),
            "overlays": tuple(o.model_copy(update={"text": BLANK}) if o.overlay_id in ids else o for o in segment.overlays),
            "chat": tuple(
                c.model_copy(update={"display_name": "", **({"text": BLANK} if c.message_id in ids else {})}) for c in segment.chat
            ),
            "gifts": tuple(
                g.model_copy(update={"name": "gift", **({"message": BLANK} if g.gift_id in ids else {})}) for g in segment.gifts
            ),
        }
    )
