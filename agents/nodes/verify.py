"""verify: believe no claim that cannot be shown.

A claim holds when its rule was retrieved and is about that kind of subject, each quote stands verbatim in the item that it is said to
come from, the items belong to the subject that is accused, and the subject's own words look at least a little like the category to the
trained heads. What fails goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livesteward.agents.nodes.quotes import verbatim
from livesteward.agents.state import Claim, ClaimedEvidence, Judgement, Verified
from livesteward.contracts import (
    Modality,
    Origin,
    RetrievedRule,
    ReviewCode,
    ReviewReason,
    Rule,
    Segment,
    Speaker,
    Subject,
    SubjectKind,
    TextItem,
)

Support = Mapping[tuple[str, str], float]
"""For a category and an item id, the probability that the trained heads give the item's text."""


def verify_claims(
    judgement: Judgement, segment: Segment, rules: tuple[RetrievedRule, ...], *, support: Support | None, second_opinion: float
) -> Verified:
    """Check every claim of ``judgement``; of those that hold, the quotes are put as they stand in the segment.

    Args:
        judgement: What the judge said.
        segment: As the judge saw it.
        rules: As the judge saw them.
        support: Scores of the heads, where a second opinion is asked for.
        second_opinion: The lowest score that supports a claim.
    """
    seen = _Seen(
        items={item.item_id: item for item in segment.items()},
        frames=frozenset(frame.frame_id for frame in segment.frames),
        shown=frozenset(judgement.frames_shown),
        host_id=segment.host.host_id,
        unknown=segment.spoken_by_unknown,
        again=frozenset(said.utterance_id for said in segment.utterances if said.origin is Origin.HEARD_AGAIN),
    )
    held: list[Claim] = []
    places: list[tuple[str, ...]] = []
    rejected: list[ReviewReason] = []
    stream_in_doubt = False
    for claim in judgement.claims:
        named = [one for one in rules if one.rule.rule_id == claim.rule_id]
        meant = [one for one in named if not claim.jurisdictions or one.jurisdiction in claim.jurisdictions]
        where = tuple(dict.fromkeys(one.jurisdiction for one in meant if _covers(one.rule, claim.subject)))
        fault = _rule_fault(claim, named, meant, where) or _fault(claim, seen)
        if fault is None and support is not None:
            fault = _opinion(claim, named[0].rule.category.value, seen, support, second_opinion)
        if fault:
            rejected.append(ReviewReason(code=ReviewCode.UNVERIFIED_FINDING, detail=f"{claim.rule_id[:64]}: {fault}"[:2_000]))
            stream_in_doubt = stream_in_doubt or claim.subject.kind is not SubjectKind.VIEWER
        else:
            if missing := set(claim.jurisdictions) - {one.jurisdiction for one in meant}:
                detail = f"{claim.rule_id[:64]}: the rule was not retrieved for {', '.join(sorted(missing))}"
                rejected.append(ReviewReason(code=ReviewCode.UNVERIFIED_FINDING, detail=detail[:2_000]))
                stream_in_doubt = stream_in_doubt or claim.subject.kind is not SubjectKind.VIEWER
            held.append(claim.model_copy(update={"evidence": tuple(seen.as_written(place) for place in claim.evidence)}))
            places.append(where)
    return Verified(
        claims=tuple(held), jurisdictions=tuple(places), rejected=tuple(dict.fromkeys(rejected)), stream_in_doubt=stream_in_doubt
    )


@dataclass(frozen=True)
class _Seen:
    """What the judge had before it."""

    items: Mapping[str, TextItem]
    frames: frozenset[str]
    shown: frozenset[str]
    host_id: str
    unknown: frozenset[str]
    again: frozenset[str]

    def fault(self, place: ClaimedEvidence) -> str | None:
        """Say what is wrong with a piece of evidence."""
        if place.item_id in self.frames:
            return None if place.item_id in self.shown else f"the judge was not shown the picture {place.item_id!r}"
        item = self.items.get(place.item_id)
        if item is None:
            return f"the evidence {place.item_id[:128]!r} is no item of the segment"
        if not place.quote.strip():
            return f"no quote is given from {place.item_id!r}"
        return None if verbatim(place.quote, item.text) else f"the quote does not stand in {place.item_id!r}"

    def as_written(self, place: ClaimedEvidence) -> ClaimedEvidence:
        """Return the evidence with its quote as it stands in the segment."""
        item = self.items.get(place.item_id)
        quote = "" if item is None else verbatim(place.quote, item.text) or item.text
        return place.model_copy(update={"quote": quote[:2_000]})

    def owned_by(self, subject: Subject, place: ClaimedEvidence) -> bool:
        """Whether the evidence is the subject's own doing. A picture is the stream's, never a viewer's."""
        if place.item_id in self.frames:
            return subject.kind is not SubjectKind.VIEWER
        item = self.items[place.item_id]
        if subject.kind is SubjectKind.VIEWER:
            return item.viewer_id is not None and item.viewer_id == subject.subject_id
        if item.viewer_id is not None:
            return False
        if subject.kind is SubjectKind.GUEST:
            # What was heard again may be what the host said, or a donation: the judge had it recognised without a speaker.
            return item.modality is Modality.SPEECH and item.speaker is not Speaker.HOST and item.item_id not in self.again
        # An unknown voice may be the host's, a caller's, or a donation that is read aloud.
        return item.modality is not Modality.SPEECH or (item.speaker is not Speaker.GUEST and item.item_id not in self.unknown)


def _covers(rule: Rule, subject: Subject) -> bool:
    return bool(rule.ladder.viewer if subject.kind is SubjectKind.VIEWER else rule.ladder.host)


def _rule_fault(claim: Claim, named: list[RetrievedRule], meant: list[RetrievedRule], where: tuple[str, ...]) -> str | None:
    if not named:
        return "the rule is not among those that were retrieved"
    if not meant:
        return f"the rule was not retrieved for {', '.join(claim.jurisdictions)}"
    return None if where else f"the rule is not about what a {claim.subject.kind.value} does"


def _fault(claim: Claim, seen: _Seen) -> str | None:
    if not claim.evidence:
        return "no evidence is given"
    if not claim.rationale.strip():
        return "no rationale is given"
    fault = next((fault for place in claim.evidence if (fault := seen.fault(place))), None)
    if fault:
        return fault
    subject = claim.subject
    if subject.kind is SubjectKind.HOST and subject.subject_id not in (None, seen.host_id):
        return f"{subject.subject_id!r} is not the host"
    if subject.kind is SubjectKind.GUEST and subject.subject_id is not None:
        return f"a guest is accused as {subject.subject_id!r}, and guests have no ids"
    owned = [seen.owned_by(subject, place) for place in claim.evidence]
    if subject.kind is SubjectKind.VIEWER and not all(owned):
        return f"not all of the evidence is by the viewer {subject.subject_id!r}"
    words = [own for own, place in zip(owned, claim.evidence, strict=True) if place.item_id not in seen.frames]
    if words and not any(words) and any(owned):
        return f"the words are not those of the {subject.kind.value}, and a picture beside them does not make them so"
    if not any(owned):
        return f"none of the evidence is by the {subject.kind.value} whom it accuses"
    return None


def _opinion(claim: Claim, category: str, seen: _Seen, support: Support, second_opinion: float) -> str | None:
    texts = [place for place in claim.evidence if place.item_id not in seen.frames]
    # What others wrote may be the worse part of it, and says nothing of the one who is accused.
    own = [place for place in texts if seen.owned_by(claim.subject, place)]
    if second_opinion <= 0 or (len(own) == len(texts) < len(claim.evidence)):
        # A picture speaks for itself, and the heads read texts only; words of others are no caption to it.
        return None
    best = max(support.get((category, place.item_id), 0.0) for place in own)
    if best >= second_opinion:
        return None
    return f"the quoted words do not look like {category} to the trained heads ({best:.2f} of {second_opinion:.2f} needed)"
