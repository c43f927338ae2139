"""verify: believe no claim that cannot be shown.

A claim holds when its rule was retrieved, each quote stands verbatim in the item that it is said to come from, the items belong to the
subject that is accused, and the quoted words look at least a little like the category to the trained heads. What fails goes to a person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from livesteward.agents.state import Claim, ClaimedEvidence, Judgement, Verified
from livesteward.contracts import (
    Modality,
    RetrievedRule,
    ReviewCode,
    ReviewReason,
    Segment,
    Speaker,
    Subject,
    SubjectKind,
    TextItem,
)
from livesteward.prompts.fence import neutralise

Support = Mapping[tuple[str, str], float]
"""For a category and an item id, the probability that the trained heads give the item's text."""


def verify_claims(
    judgement: Judgement, segment: Segment, rules: tuple[RetrievedRule, ...], *, support: Support | None, second_opinion: float
) -> Verified:
    """Check every claim of ``judgement``.

    Args:
        judgement: What the judge said.
        segment: As the judge saw it.
        rules: As the judge saw them.
        support: Scores of the heads, where a second opinion is asked for.
        second_opinion: The lowest score that supports a claim.
    """
    items = {item.item_id: item for item in segment.items()}
    pictures = {frame.frame_id for frame in segment.frames}
    held: list[Claim] = []
    places: list[tuple[str, ...]] = []
    rejected: list[ReviewReason] = []
    stream_in_doubt = False
    for claim in judgement.claims:
        where = tuple(
            dict.fromkeys(
                found.jurisdiction
                for found in rules
                if found.rule.rule_id == claim.rule_id and (not claim.jurisdictions or found.jurisdiction in claim.jurisdictions)
            )
        )
        fault = _fault(claim, where, items, pictures, segment) or _opinion(claim, rules, items, support, second_opinion)
        if fault:
            rejected.append(ReviewReason(code=ReviewCode.UNVERIFIED_FINDING, detail=f"{claim.rule_id}: {fault}"[:2_000]))
            stream_in_doubt = stream_in_doubt or claim.subject.kind is not SubjectKind.VIEWER
        else:
            held.append(claim)
            places.append(where)
    return Verified(
        claims=tuple(held), jurisdictions=tuple(places), rejected=tuple(dict.fromkeys(rejected)), stream_in_doubt=stream_in_doubt
    )


def _fault(claim: Claim, where: tuple[str, ...], items: Mapping[str, TextItem], pictures: set[str], segment: Segment) -> str | None:
    if not where:
        return "the rule is not among those that were retrieved"
    if not claim.evidence:
        return "no evidence is given"
    if not claim.rationale.strip():
        return "no rationale is given"
    for evidence in claim.evidence:
        fault = None if evidence.item_id in pictures else _misquoted(evidence, items)
        if fault:
            return fault
    owned = [
        evidence.item_id in pictures or _owns(claim.subject, items[evidence.item_id], segment.host.host_id) for evidence in claim.evidence
    ]
    if claim.subject.kind is SubjectKind.VIEWER and not all(owned):
        return f"not all of the evidence is by the viewer {claim.subject.subject_id!r}"
    if not any(owned):
        return f"none of the evidence is by the {claim.subject.kind.value} whom it accuses"
    return None


def _misquoted(evidence: ClaimedEvidence, items: Mapping[str, TextItem]) -> str | None:
    item = items.get(evidence.item_id)
    if item is None:
        return f"the evidence {evidence.item_id!r} is no item of the segment"
    if not fold(evidence.quote):
        return f"no quote is given from {evidence.item_id!r}"
    # A model is shown the text with hidden characters and false fences made visible, and may quote it so.
    if fold(evidence.quote) not in fold(item.text) and fold(evidence.quote) not in fold(neutralise(item.text)):
        return f"the quote does not stand in {evidence.item_id!r}"
    return None


def _owns(subject: Subject, item: TextItem, host_id: str) -> bool:
    if subject.kind is SubjectKind.VIEWER:
        return item.viewer_id is not None and item.viewer_id == subject.subject_id
    if item.viewer_id is not None:
        return False
    if subject.kind is SubjectKind.GUEST:
        return item.modality is Modality.SPEECH and item.speaker is not Speaker.HOST
    if subject.subject_id not in (None, host_id):
        return False
    return item.modality is not Modality.SPEECH or item.speaker is not Speaker.GUEST


def _opinion(
    claim: Claim,
    rules: tuple[RetrievedRule, ...],
    items: Mapping[str, TextItem],
    support: Support | None,
    second_opinion: float,
) -> str | None:
    if support is None or second_opinion <= 0 or any(evidence.item_id not in items for evidence in claim.evidence):
        return None
    category = next(found.rule.category.value for found in rules if found.rule.rule_id == claim.rule_id)
    best = max(support.get((category, evidence.item_id), 0.0) for evidence in claim.evidence)
    if best >= second_opinion:
        return None
    return f"the quoted words do not look like {category} to the trained heads ({best:.2f} of {second_opinion:.2f} needed)"


def fold(text: str) -> str:
    """Return ``text`` for comparing quotes: one case, compatibility forms, single spaces, no quotation marks around it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip("\"'“”‘’«»「」 ")
