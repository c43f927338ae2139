"""The steps of the graph as they read and write its state, and the turns that it takes between them."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Final, Literal

from langgraph.types import interrupt

from livesteward.agents.digest import segment_digest
from livesteward.agents.judges.case import Case
from livesteward.agents.judges.inquiry import AskingJudge, asked_calls, closer_looks
from livesteward.agents.judges.lookups import Lookups
from livesteward.agents.nodes.counterfactual import injection_doubts, without_injections
from livesteward.agents.nodes.decide import Ground, decide
from livesteward.agents.nodes.ingest import admit
from livesteward.agents.nodes.retrieve import ALL_RULES, retrieve_rules
from livesteward.agents.nodes.screen import screen_segment
from livesteward.agents.nodes.verify import verify_claims
from livesteward.agents.perception.perceived import Perceived
from livesteward.agents.state import GraphState, Inquiry, StreamMemory, Verified
from livesteward.agents.steps import Step
from livesteward.agents.tools import Tools
from livesteward.contracts import (
    Decision,
    PerceptionState,
    Provenance,
    ReviewCode,
    ReviewDecision,
    ReviewReason,
    RulebookRef,
    Ruling,
    TokenCounts,
    Verdict,
)
from livesteward.errors import ModelError
from livesteward.models.nonce import new_nonce
from livesteward.prompts.rulebook_layout import FOUND_ONLY, RulebookForm

NOTHING_PERCEIVED: Final = (
    "Nothing of the media could be read or heard, since no perception model is installed or switched on: "
    'pip install "livesteward[perception]".'
)

RULES_FOR_HEADS: Final = 4
"""Of each category: the embedded judge chooses the rule itself, by the rules' examples."""


async def ingest(state: GraphState, tools: Tools) -> GraphState:
    """Bound and clean the segment, and take its digest."""
    segment, reasons = await asyncio.to_thread(admit, state["segment"], tools.settings.limits)
    most = tools.settings.perception.max_file_mb * 1_000_000
    digest = await asyncio.to_thread(segment_digest, state["segment"], tools.media_root, max_bytes=most)
    return {"segment": segment, "input_digest": digest, "problems": reasons}


async def perceive(state: GraphState, tools: Tools) -> GraphState:
    """Read, hear and look; what could not be perceived is a problem, what is not installed is only said."""
    perceived = await tools.perceiver.perceive(state["segment"], tools.media_root)
    failed = tuple(
        ReviewReason(code=ReviewCode.PERCEPTION_FAILED, detail=f"{report.name}: {report.detail}")
        for report in perceived.reports
        if report.state is PerceptionState.FAILED
    )
    if unseen(perceived):
        failed = (*failed, ReviewReason(code=ReviewCode.PERCEPTION_FAILED, detail=NOTHING_PERCEIVED))
    segment, reasons = await asyncio.to_thread(admit, perceived.segment, tools.settings.limits)
    return {
        "segment": segment,
        "perception": perceived.reports,
        "frames": perceived.frames,
        "problems": (*failed, *reasons),
    }


async def screen(state: GraphState, tools: Tools) -> GraphState:
    """Let the segment go, or say what is suspicious in it."""
    screened = await asyncio.to_thread(
        screen_segment, state["segment"], tools.weights.screen, tools.thresholds, judge_sees=tools.judge.sees
    )
    return {"screened": screened}


def unseen(perceived: Perceived) -> bool:
    """Whether there are pictures or sound and nothing looked at or listened to them."""
    if not perceived.segment.frames and perceived.segment.media is None:
        return False
    return not any(report.state is PerceptionState.USED for report in perceived.reports if report.name in {"ocr", "speech", "nudity"})


def after_screen(state: GraphState) -> Literal["clear", "suspicious", "failed"]:
    """Where a segment goes after the screen."""
    if "screened" not in state:
        return "failed"
    return "clear" if state["screened"].cleared else "suspicious"


async def retrieve(state: GraphState, tools: Tools) -> GraphState:
    """Fetch the rules that matter, of every jurisdiction asked for; all of them where the rulebook stands in the prompt."""
    layout = await asyncio.to_thread(tools.standing.layout, state["regions"], state["on"]) if tools.standing else FOUND_ONLY
    rulebooks, rules = await retrieve_rules(
        state["segment"],
        state["screened"],
        state["regions"],
        state["on"],
        tools.search,
        tools.embedder,
        before=state.get("memory", StreamMemory()).recent_speech,
        limit=tools.settings.retrieval.rules_per_jurisdiction if layout.form is RulebookForm.FOUND else ALL_RULES,
        each_category=0 if tools.judge_reads_rules else RULES_FOR_HEADS,
    )
    found = {one.jurisdiction for one in rules}
    problems = tuple(
        ReviewReason(code=ReviewCode.RULES_UNAVAILABLE, detail=f"No rule is in force in {region} on {state['on']}.")
        for region in state["regions"]
        if region not in found
    )
    return {"rulebooks": rulebooks, "rules": rules, "layout": layout, "problems": problems}


def after_retrieve(state: GraphState) -> Literal["found", "failed"]:
    """Where a segment goes when the rules were looked up."""
    return "found" if "rules" in state else "failed"


async def judge(state: GraphState, tools: Tools) -> GraphState:
    """Ask the judge; one that may ask back either does so, or says what it holds."""
    case = case_of(state, tools)
    if not isinstance(tools.judge, AskingJudge) or not tools.judge.asks:
        return {"judgement": await tools.judge.judge(case)}
    inquiry = state.get("inquiry") or Inquiry(nonce=new_nonce())
    inquiry, judgement = await tools.judge.proceed(case, inquiry, left_s=_left_s(state, tools))
    return {"inquiry": inquiry} if judgement is None else {"inquiry": inquiry, "judgement": judgement}


def after_judge(state: GraphState) -> Literal["judged", "asks", "failed"]:
    """Where a segment goes after the judge."""
    if "judgement" in state:
        return "judged"
    return "asks" if "inquiry" in state and state["inquiry"].pending else "failed"


async def inquire(state: GraphState, tools: Tools) -> GraphState:
    """Look up what the judge asks for; what is found counts as if it had been there from the beginning."""
    assert isinstance(tools.judge, AskingJudge)
    lookups = Lookups(
        settings=tools.settings,
        perceiver=tools.perceiver,
        search=tools.search,
        media_root=tools.media_root,
        tools=tools.judge.tools,
        closer_looks=closer_looks(tools.settings),
    )
    before = case_of(state, tools)
    case, inquiry = await lookups.answer(before, state["inquiry"], left_s=tools.judge.asking_left_s(_left_s(state, tools)))
    changed: GraphState = {"inquiry": inquiry, "rules": case.rules}
    if case.segment != before.segment:
        # What was heard is screened like everything else, so that an order to the moderator is known for one.
        screened = await asyncio.to_thread(
            screen_segment, case.segment, tools.weights.screen, tools.thresholds, judge_sees=tools.judge.sees
        )
        changed |= {"segment": case.segment, "screened": screened}
    return changed


def after_inquire(state: GraphState) -> Literal["answered", "failed"]:
    """Where a segment goes when the judge's questions were looked up."""
    return "failed" if state["inquiry"].pending else "answered"


async def verify(state: GraphState, tools: Tools) -> GraphState:
    """Check every claim, and ask a model again without what may have steered it."""
    judgement, segment = state["judgement"], state["segment"]
    support = None
    doubts: tuple[ReviewReason, ...] = ()
    if tools.judge_is_model:
        cited = {evidence.item_id for claim in judgement.claims for evidence in claim.evidence}
        support = await tools.heads.support({item.item_id: item.text for item in segment.items() if item.item_id in cited})
        if state["screened"].injections:
            case = case_of(state, tools)
            clean = without_injections(case)
            blind = tools.judge.sees and bool(case.frames) and not clean.frames
            try:
                again = await tools.judge.judge(clean)
            except ModelError as error:
                doubts = (
                    ReviewReason(code=ReviewCode.INJECTION_SUSPECTED, detail=f"It could not be judged without the injection: {error}"),
                )
            else:
                judgement, doubts = injection_doubts(judgement, again, state["screened"].injections, blind=blind)
    verified = verify_claims(judgement, segment, state["rules"], support=support, second_opinion=tools.thresholds.verify.second_opinion)
    return {"judgement": judgement, "verified": verified, "problems": doubts}


async def decide_step(state: GraphState, tools: Tools) -> GraphState:
    """Make the verdict."""
    judgement, screened = state.get("judgement"), state.get("screened")
    problems = state.get("problems", ())
    if judgement is None and (screened is None or not screened.cleared) and not problems:
        problems = (ReviewReason(code=ReviewCode.INTERNAL_ERROR, detail="The segment was not judged, for no known reason."),)
    ground = Ground(
        verdict_id=state["verdict_id"],
        segment=state["segment"],
        regions=state["regions"],
        rules=state.get("rules", ()),
        verified=state.get("verified", Verified()),
        judgement=judgement,
        scores=judgement.scores if judgement else screened.scores if screened else {},
        problems=problems,
        memory=state.get("memory", StreamMemory()),
        injections=screened.injections if screened else (),
        keep_lines=isinstance(tools.judge, AskingJudge) and tools.judge.asks,
    )
    verdict, memory = decide(ground, tools.thresholds, _provenance(state, tools), now=tools.now())
    return {"verdict": verdict, "memory": memory}


def undecided(state: GraphState, tools: Tools, problem: ReviewReason) -> GraphState:
    """Return what there is where even ``decide`` failed: a review with everything that went wrong, and the memory as it was."""
    segment = state["segment"]
    verdict = Verdict(
        verdict_id=state["verdict_id"],
        stream_id=segment.stream_id,
        segment_id=segment.segment_id,
        decided_at=tools.now(),
        decision=Decision.REVIEW,
        stream_decision=Decision.REVIEW,
        rulings=tuple(
            Ruling(jurisdiction=region, decision=Decision.REVIEW, stream_decision=Decision.REVIEW) for region in state["regions"]
        ),
        review_reasons=tuple(dict.fromkeys((*state.get("problems", ()), problem))),
        provenance=Provenance(
            judge="none",
            thresholds_digest=tools.thresholds.digest,
            input_digest=state.get("input_digest", ""),
            latency_ms=state.get("latency_ms", {}),
            perception=state.get("perception", ()),
            inquiry=asked_calls(state.get("inquiry")),
            library_version=version("livesteward"),
        ),
    )
    return {"verdict": verdict, "memory": state.get("memory", StreamMemory(stream_id=segment.stream_id))}


def after_decide(state: GraphState) -> Literal["review", "done"]:
    """Whether a person is waited for."""
    return "review" if state["verdict"].decision is Decision.REVIEW else "done"


async def review(state: GraphState) -> GraphState:
    """Wait for a person, and keep what they decided; the verdict itself stays as the agent gave it."""
    person = interrupt({"verdict_id": state["verdict"].verdict_id}, response_schema=ReviewDecision)
    return {"person": person}


STEPS: Final[dict[str, Step]] = {
    "ingest": ingest,
    "perceive": perceive,
    "screen": screen,
    "retrieve": retrieve,
    "judge": judge,
    "inquire": inquire,
    "verify": verify,
    "decide": decide_step,
}
"""The guarded steps in their order; ``inquire`` is taken only where the judge asks, and leads back to it."""


def _left_s(state: GraphState, tools: Tools) -> float:
    """Return what is left of ``model.timeout_s``, which is for the judgement with all that is asked."""
    taken = state.get("latency_ms", {})
    return tools.settings.model.timeout_s - (taken.get("judge", 0.0) + taken.get("inquire", 0.0)) / 1_000


def case_of(state: GraphState, tools: Tools) -> Case:
    """Return the case that the judge decides, from the state of the graph."""
    return Case(
        segment=state["segment"],
        screened=state["screened"],
        rules=state["rules"],
        regions=state["regions"],
        on=state["on"],
        frames=state.get("frames", ()),
        memory=state.get("memory", StreamMemory()),
        thresholds=tools.thresholds,
        layout=state.get("layout", FOUND_ONLY),
    )


def _rulebooks(state: GraphState, tools: Tools) -> tuple[RulebookRef, ...]:
    if "rulebooks" in state:
        return state["rulebooks"]
    return tuple(tools.search.library.rulebook(region, state["on"]).ref for region in state["regions"])


def _provenance(state: GraphState, tools: Tools) -> Provenance:
    judgement, screened = state.get("judgement"), state.get("screened")
    common = {
        "rulebooks": _rulebooks(state, tools),
        "thresholds_digest": tools.thresholds.digest,
        "input_digest": state.get("input_digest", ""),
        "latency_ms": state.get("latency_ms", {}),
        "perception": state.get("perception", ()),
        "inquiry": asked_calls(state.get("inquiry")),
        "library_version": version("livesteward"),
    }
    if judgement is not None:
        return Provenance(
            judge=judgement.judge,
            model=judgement.model,
            model_revision=judgement.model_revision,
            engine=judgement.engine,
            profile=judgement.profile,
            endpoint=judgement.endpoint,
            fallback=judgement.fallback,
            prompt=judgement.prompt,
            rulebook_form=judgement.rulebook_form,
            sampling=judgement.sampling,
            tokens=judgement.tokens,
            trimmed=judgement.trimmed,
            replayed=judgement.replayed,
            **common,
        )
    if screened is not None and screened.cleared:
        return Provenance(judge="screen", model="ngram-screen", model_revision=tools.weights.revision, engine="numpy", **common)
    # What was asked before the judge failed has cost tokens all the same.
    spent = state["inquiry"].tokens if "inquiry" in state else TokenCounts()
    return Provenance(judge="none", tokens=spent, **common)
