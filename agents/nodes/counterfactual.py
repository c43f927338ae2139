"""Would the judge have said the same without the words that tried to steer it?

A model is asked a second time with every suspected injection blanked out. Claims against the host or a guest that only stand while
the injection is there are dropped, and so is an ``allow`` that only stands with it; both go to a person.
"""

from __future__ import annotations

from typing import Final

from livesteward.agents.judges.case import Case
from livesteward.agents.state import Claim, Judgement
from livesteward.contracts import ReviewCode, ReviewReason, Segment, SubjectKind, TokenCounts

BLANK: Final = "[removed]"


def without_injections(case: Case) -> Case:
    """Return the case with the text of every suspected injection blanked out."""
    from dataclasses import replace

    return replace(case, segment=_blanked(case.segment, frozenset(case.screened.injections)))


def injection_doubts(judgement: Judgement, again: Judgement, injections: tuple[str, ...]) -> tuple[Judgement, tuple[ReviewReason, ...]]:
    """Compare the judgement with the one without injections.

    Returns:
        The judgement without claims that hang on the injection (claims that cite it as evidence are about it and stay), and a reason
        for review for each difference.
    """
    kept: list[Claim] = []
    doubts: list[ReviewReason] = []
    stands = {(claim.rule_id, claim.subject) for claim in again.claims}
    for claim in judgement.claims:
        about_it = claim.subject.kind is SubjectKind.VIEWER and any(evidence.item_id in injections for evidence in claim.evidence)
        if about_it or (claim.rule_id, claim.subject) in stands:
            kept.append(claim)
        else:
            doubts.append(_doubt(f"{claim.rule_id} against the {claim.subject.kind.value} does not stand without {', '.join(injections)}"))
    if judgement.allows and not again.allows:
        doubts.append(_doubt(f"Without {', '.join(injections)} the judge would not allow the segment"))
    if not judgement.claims and again.claims:
        doubts.append(_doubt(f"Without {', '.join(injections)} the judge finds {again.claims[0].rule_id}"))
    tokens = TokenCounts(
        prompt=judgement.tokens.prompt + again.tokens.prompt,
        completion=judgement.tokens.completion + again.tokens.completion,
        cached=judgement.tokens.cached + again.tokens.cached,
    )
    return judgement.model_copy(update={"claims": tuple(kept), "tokens": tokens}), tuple(dict.fromkeys(doubts))


def _doubt(detail: str) -> ReviewReason:
    return ReviewReason(code=ReviewCode.INJECTION_SUSPECTED, detail=f"{detail}.")


def _blanked(segment: Segment, ids: frozenset[str]) -> Segment:
    return segment.model_copy(
        update={
            "title": BLANK if "title" in ids else segment.title,
            "utterances": tuple(u.model_copy(update={"text": BLANK}) if u.utterance_id in ids else u for u in segment.utterances),
            "overlays": tuple(o.model_copy(update={"text": BLANK}) if o.overlay_id in ids else o for o in segment.overlays),
            "chat": tuple(c.model_copy(update={"text": BLANK}) if c.message_id in ids else c for c in segment.chat),
            "gifts": tuple(g.model_copy(update={"message": BLANK}) if g.gift_id in ids else g for g in segment.gifts),
        }
    )
