"""A guard model as the judge: it is asked about one speaker at a time in its own format, and what it says becomes claims.

A guard says that a text is unsafe and, at best, in which way. Whose doing it is follows from the unit that was asked about; the rule is
the one that it names, or the best found of the category that it means; the evidence is what the screen found most suspicious in the unit.
What cannot be brought to a rule and a place goes to a person.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from livesteward.agents.judges.case import Case
from livesteward.agents.judges.images import Shown, shown_images
from livesteward.agents.judges.rationale import explain
from livesteward.agents.judges.units import Unit, units
from livesteward.agents.judges.unseen import unseen_nudity, unshown_pictures
from livesteward.agents.perception.store import FrameStore
from livesteward.agents.state import Claim, ClaimedEvidence, Judgement
from livesteward.contracts import Category, RetrievedRule, ReviewCode, ReviewReason, SubjectKind, TextItem, TokenCounts
from livesteward.errors import ModelError
from livesteward.models.profiles.guards.guard import Guard, GuardContent, GuardReply, Question
from livesteward.models.profiles.guards.safeguard import rule_names
from livesteward.models.protocol import ChatModel, ImagePart, ModelAnswer, Paced, TextPart
from livesteward.prompts.fence import Fence, neutralise, visible
from livesteward.settings import ModelSettings

MAX_CALLS: Final = 24
"""The most questions about one segment; whoever is not asked about by then is said to be unjudged."""

MAX_EVIDENCE: Final = 3
"""Texts that one claim points at."""

_BRACKETS: Final = str.maketrans("<>|", "‹›¦")
"""A guard's format marks turns and tasks with these; inside a stranger's text they would pass for its own."""

_PLACES: Final = 4
"""Where the model does not say how many requests it takes at once."""

_SUSPICIOUS: Final = 1
_OTHER: Final = 5


@dataclass(frozen=True)
class _Answered:
    """One question about one unit, and what came back."""

    unit: Unit
    reply: GuardReply
    answer: ModelAnswer
    shown: tuple[str, ...]


class GuardJudge:
    """Judges with a :class:`livesteward.models.protocol.ChatModel` that is a guard of a known format."""

    def __init__(self, model: ChatModel, guard: Guard, profile: str, frames: FrameStore, settings: ModelSettings) -> None:
        """Take the model, its format, the profile that it comes from, where the pictures are, and the limits."""
        self._model = model
        self._guard = guard
        self._profile = profile
        self._frames = frames
        self._settings = settings
        self._most_images = min(guard.most_images, settings.max_frames)

    @property
    def sees(self) -> bool:
        """Whether the guard takes pictures, and the model too."""
        return self._model.accepts_images and self._most_images > 0

    @property
    def places(self) -> int:
        """How many segments it judges at once for now, if each takes the questions of one speaker."""
        places = self._model.places if isinstance(self._model, Paced) else _PLACES
        return max(1, places // self._guard.calls)

    @property
    def names_rules(self) -> bool:
        """Whether the guard judges by the rules that it is given; one that does not is best served by rules of every category."""
        return self._guard.names_rules

    async def judge(self, case: Case) -> Judgement:
        """Ask about every unit at once, within the model's timeout.

        Raises:
            ModelError: If one of the answers cannot be used, or does not come.
        """
        found = units(case.segment, case.screened.suspects)
        shown = await asyncio.to_thread(self._images, case) if self.sees else Shown()
        images = shown.images
        host = SubjectKind.HOST
        found = tuple(unit for unit in found if unit.items or (images and unit.subject.kind is host))
        most = MAX_CALLS // self._guard.calls
        asked, left = found[:most], len(found) - most
        unsure = (
            unshown_pictures(case, shown.ids, shown.lost)
            if self.sees
            else unseen_nudity(case, f"{self._guard.title} is asked about texts only")
        )
        if left > 0:
            detail = f"Not judged: {left} of {len(found)} speakers, since the guard is asked {MAX_CALLS} questions at most."
            unsure.append(ReviewReason(code=ReviewCode.INPUT_TRIMMED, detail=detail))
        answered = await self._ask([(unit, images if unit.subject.kind is host else ()) for unit in asked], case)
        claims: list[Claim] = []
        for one in answered:
            made, doubts = self._claims(one, case)
            claims.extend(made)
            unsure.extend(doubts)
        # A unit of which no rule speaks is not asked about by a guard that judges by rules.
        silent = [unit for unit in asked if unit.scores and not any(one.unit is unit for one in answered)]
        unsure.extend(
            _unsure(f"No rule was found about what a {unit.subject.kind.value} does, and {_first(unit)} is suspicious.") for unit in silent
        )
        return self._judgement(answered, claims, unsure, case)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()

    async def _ask(self, asked: Sequence[tuple[Unit, tuple[ImagePart, ...]]], case: Case) -> tuple[_Answered, ...]:
        pairs = [
            (unit, question, images) for unit, images in asked for question in self._guard.questions(self._content(unit, images, case))
        ]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(*pair)) for pair in pairs]
        except BaseExceptionGroup as errors:
            # Half a judgement is none: who the missing half is about is not known to be in the right.
            failed, others = errors.split(ModelError)
            if failed is None or others is not None:
                raise
            raise _leaf(failed) from None
        return tuple(task.result() for task in tasks)

    async def _one(self, unit: Unit, question: Question, images: tuple[ImagePart, ...]) -> _Answered:
        sampling = question.request.sampling.model_copy(update={"temperature": self._settings.temperature})
        request = question.request.model_copy(update={"sampling": sampling, "deadline_s": self._settings.timeout_s})
        answer = await self._model.ask(request)
        # Which pictures the budget left out is not known, only how many: then none counts as seen.
        shown = () if answer.trimmed.get("image") else tuple(image.item_id for image in images if image.item_id)
        return _Answered(unit, self._guard.read(question, answer), answer, shown)

    def _content(self, unit: Unit, images: tuple[ImagePart, ...], case: Case) -> GuardContent:
        fence = Fence()
        return GuardContent(
            texts=tuple(_text(item, unit, fence if self._guard.fenced else None) for item in unit.items),
            images=images,
            rules=tuple(one for one in case.rules if _covers(one, unit)),
            who=unit.subject.kind.value,
            fence=fence.name if self._guard.fenced else "",
        )

    def _images(self, case: Case) -> Shown:
        return shown_images(case, self._frames, self._settings, most=self._most_images)

    def _claims(self, one: _Answered, case: Case) -> tuple[list[Claim], list[ReviewReason]]:
        unit, reply = one.unit, one.reply
        if not reply.unsafe and reply.probability < self._least(reply, unit, case):
            return [], []
        who = f"the {unit.subject.kind.value}"
        if not reply.unsafe and not reply.labels:
            return [], [_unsure(f"{self._guard.title} lets go what {who} does, without being sure ({reply.probability:.2f}).")]
        said = f"{self._guard.title} finds what {who} does unsafe"
        if not reply.labels:
            return [], [_unsure(f"{said} ({reply.probability:.2f}), and does not say in which way.")]
        claims: list[Claim] = []
        doubts: list[ReviewReason] = []
        for label in reply.labels:
            called = f"{self._guard.title} calls what {who} does {self._guard.describe(label)} ({reply.probability:.2f})"
            chosen, missing = self._rules(label, unit, case)
            for rules in chosen:
                category = rules[0].rule.category
                if not reply.unsafe and all(reply.probability < _review(one, case) for one in rules):
                    continue
                evidence = _evidence(unit, category, one.shown)
                if not evidence:
                    doubts.append(_unsure(f"{called}, and no single text or picture stands out as the reason."))
                    continue
                claims.append(
                    Claim(
                        rule_id=rules[0].rule.rule_id,
                        subject=unit.subject,
                        confidence=round(reply.probability, 4),
                        rationale=self._rationale(label, rules[0], unit, evidence, reply, case),
                        evidence=evidence,
                        jurisdictions=tuple(rule.jurisdiction for rule in rules),
                    )
                )
            if missing and (reply.unsafe or reply.probability >= case.thresholds.default.review):
                doubts.append(_unsure(f"{called}, and no rule on that was found for {', '.join(missing)}."))
        if reply.unsafe and claims and not doubts and all(_is_weak(claim, case) for claim in claims):
            doubts.append(_unsure(f"{said}, without being sure ({reply.probability:.2f})."))
        return claims, doubts

    def _least(self, reply: GuardReply, unit: Unit, case: Case) -> float:
        """Return the probability from which on a reply that nothing is wrong matters: by all that it was asked about at once."""
        categories = {category for label in reply.labels or self._guard.labels for category in self._guard.categories(label)}
        if self._guard.names_rules:
            categories = {one.rule.category for one in case.rules if _covers(one, unit)}
        least = min((case.thresholds.lowest_review(category, case.regions) for category in categories), default=1.0)
        # Of a reply without a label it is not known what it doubts: a category that is looked at later than others does not excuse it.
        return least if reply.labels else min(least, case.thresholds.default.review)

    def _rules(self, label: str, unit: Unit, case: Case) -> tuple[list[list[RetrievedRule]], list[str]]:
        """Return the rules that a label means, the same one of several jurisdictions together, and the jurisdictions that have none."""
        if self._guard.names_rules:
            own = [one for one in case.rules if _covers(one, unit)]
            rule, places = rule_names(own)[label]
            return [[one for one in own if one.rule.rule_id == rule.rule_id and one.jurisdiction in places]], []
        categories = self._guard.categories(label)
        chosen: dict[str, list[RetrievedRule]] = {}
        missing: list[str] = []
        for region in case.regions:
            fit = [one for one in case.rules if one.jurisdiction == region and one.rule.category in categories and _covers(one, unit)]
            if fit:
                best = max(fit, key=lambda one: one.score)
                chosen.setdefault(best.rule.rule_id, []).append(best)
            else:
                missing.append(region)
        return list(chosen.values()), missing

    def _rationale(
        self, label: str, one: RetrievedRule, unit: Unit, evidence: tuple[ClaimedEvidence, ...], reply: GuardReply, case: Case
    ) -> str:
        if reply.rationale:
            return visible(reply.rationale)[:600]
        named = f"{self._guard.title}: {self._guard.describe(label)}."
        if not evidence[0].quote:
            return f"{named} The picture {evidence[0].item_id} is all that it was shown of the {unit.subject.kind.value}."
        return f"{named} {explain(one.rule, unit.subject, evidence, case.segment)}"

    def _judgement(self, answered: Sequence[_Answered], claims: list[Claim], unsure: list[ReviewReason], case: Case) -> Judgement:
        answers = [one.answer for one in answered]
        trimmed = sum((Counter(answer.trimmed) for answer in answers), Counter[str]())
        if trimmed:
            what = ", ".join(f"{count} of {kind}" for kind, count in sorted(trimmed.items()))
            unsure.append(
                ReviewReason(code=ReviewCode.INPUT_TRIMMED, detail=f"Not judged, for lack of room in the model's context: {what}.")
            )
        scores = dict.fromkeys(Category, 0.0)
        categories = {one.rule.rule_id: one.rule.category for one in case.rules}
        for claim in claims:
            category = categories[claim.rule_id]
            scores[category] = max(scores[category], claim.confidence)
        return Judgement(
            judge="model",
            allows=not claims and not unsure,
            claims=tuple(_strongest(claims)),
            unsure=tuple(dict.fromkeys(unsure)),
            scores=scores,
            model=answers[0].model if answers else self._model.name,
            model_revision=answers[0].revision if answers else "",
            engine=answers[0].engine if answers else "",
            endpoint=answers[0].endpoint if answers else "",
            fallback=any(answer.fallback for answer in answers),
            profile=self._profile,
            sampling={"temperature": self._settings.temperature},
            tokens=sum((answer.tokens for answer in answers), TokenCounts()),
            trimmed=dict(trimmed),
            frames_shown=next((one.shown for one in answered if one.shown), ()),
            replayed=any(answer.replayed for answer in answers),
        )


def _text(item: TextItem, unit: Unit, fence: Fence | None) -> TextPart:
    priority = _SUSPICIOUS if item.item_id in unit.scores else _OTHER
    if fence is not None:
        text = fence.wrap(item.text, kind=item.modality.value, at=item.at_s)
    else:
        # One line each, so that no text can begin a turn of its own.
        text = " ".join(neutralise(item.text).translate(_BRACKETS).split())
    return TextPart(text=text, priority=priority, item_id=item.item_id, kind=item.modality.value)


def _covers(one: RetrievedRule, unit: Unit) -> bool:
    ladder = one.rule.ladder
    return bool(ladder.viewer if unit.subject.kind is SubjectKind.VIEWER else ladder.host)


def _evidence(unit: Unit, category: Category, shown: tuple[str, ...]) -> tuple[ClaimedEvidence, ...]:
    """Return the texts that the screen finds most like the category, or the one text or picture that there is."""
    best = sorted((item for item in unit.items if item.item_id in unit.scores), key=lambda item: -unit.score(item.item_id, category))
    if best:
        least = 0.5 * unit.score(best[0].item_id, category)
        kept = [item for item in best if unit.score(item.item_id, category) >= least][:MAX_EVIDENCE]
        return tuple(ClaimedEvidence(item_id=item.item_id, quote=item.text[:2_000]) for item in kept)
    if len(unit.items) + len(shown) != 1:
        return ()
    return tuple(ClaimedEvidence(item_id=item.item_id, quote=item.text[:2_000]) for item in unit.items) or (
        ClaimedEvidence(item_id=shown[0]),
    )


def _is_weak(claim: Claim, case: Case) -> bool:
    rules = [one for one in case.rules if one.rule.rule_id == claim.rule_id and one.jurisdiction in claim.jurisdictions]
    return all(claim.confidence < _review(one, case) for one in rules)


def _review(one: RetrievedRule, case: Case) -> float:
    return case.thresholds.band(one.rule.category, one.jurisdiction).review


def _strongest(claims: Iterable[Claim]) -> list[Claim]:
    """Return one claim for each rule, subject and set of jurisdictions: several labels may mean the same rule."""
    found: dict[tuple[object, ...], Claim] = {}
    for claim in claims:
        key = (claim.rule_id, claim.subject, claim.jurisdictions)
        if key not in found or found[key].confidence < claim.confidence:
            found[key] = claim
    return list(found.values())


def _first(unit: Unit) -> str:
    return max(unit.scores, key=lambda item_id: unit.score(item_id, None))


def _unsure(detail: str) -> ReviewReason:
    return ReviewReason(code=ReviewCode.UNSURE, detail=detail[:2_000])


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first
