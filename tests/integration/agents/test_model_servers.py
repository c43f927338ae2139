"""A real HTTP server in the place of the model, which misbehaves as servers do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from integration.agents.conftest import MakeSteward
from integration.models.misbehaving_server import Answer, Behaviour, MisbehavingServer, calling, completion
from unit.agents.parts import MARKERS, said, segment

from livesteward.contracts import Category, Decision, ReviewCode, Verdict

OFFER = f"Send me 100 and I send you 200 back {MARKERS[Category.FRAUD_SCAM.value]}"
GOOD = {
    "findings": [
        {
            "rule_id": "FRAUD-1.1",
            "subject": {"kind": "host", "subject_id": None},
            "evidence": [{"item_id": "u1", "quote": "Send me 100"}],
            "rationale": "It promises sure profit.",
            "severity": None,
            "confidence": 0.95,
        }
    ],
    "decision": "violation",
    "reason": "clear",
}


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with MisbehavingServer() as running:
        yield running


async def moderated(make_steward: MakeSteward, base_url: str, timeout_s: float = 5) -> Verdict:
    steward = make_steward(judge="server", model={"base_url": base_url, "timeout_s": timeout_s, "attempts": 1})
    return await steward.moderate(segment(said("u1", OFFER)))


async def test_a_server_that_behaves_gives_the_verdict(make_steward: MakeSteward, server: MisbehavingServer) -> None:
    server.then(completion(GOOD))
    verdict = await moderated(make_steward, server.base_url)
    assert verdict.decision is Decision.VIOLATION
    assert verdict.provenance.engine == "openai-compatible"
    assert verdict.provenance.model == "judge-7b"
    assert verdict.provenance.tokens.cached == 80


MISBEHAVIOUR: dict[str, tuple[Behaviour, set[ReviewCode]]] = {
    "a page of HTML": (
        Answer(body="<html><body>Welcome</body></html>", content_type="text/html"),
        {ReviewCode.MODEL_UNAVAILABLE, ReviewCode.MODEL_INVALID_ANSWER},
    ),
    "nothing": (Answer(body=""), {ReviewCode.MODEL_UNAVAILABLE, ReviewCode.MODEL_INVALID_ANSWER}),
    "no content": (completion(None), {ReviewCode.MODEL_INVALID_ANSWER}),
    "half a JSON": (completion(json.dumps(GOOD)[:60]), {ReviewCode.MODEL_INVALID_ANSWER}),
    "cut off": (completion(json.dumps(GOOD)[:60], finish="length"), {ReviewCode.MODEL_INVALID_ANSWER}),
    "prose": (completion("I think it is fine."), {ReviewCode.MODEL_INVALID_ANSWER}),
    "another schema": (completion({"verdict": "allow"}), {ReviewCode.MODEL_INVALID_ANSWER}),
    "an allow with findings": (completion({**GOOD, "decision": "allow"}), {ReviewCode.MODEL_INVALID_ANSWER}),
    "a violation without findings": (completion({**GOOD, "findings": []}), {ReviewCode.MODEL_INVALID_ANSWER}),
    "a refusal": (completion(None, refusal="I cannot help with that."), {ReviewCode.MODEL_REFUSED}),
    "content filter": (completion("", finish="content_filter"), {ReviewCode.MODEL_REFUSED}),
    "an error of its own": (Answer(status=500, body="{}"), {ReviewCode.MODEL_UNAVAILABLE}),
    "too many requests": (Answer(status=429, body="{}"), {ReviewCode.MODEL_UNAVAILABLE}),
    "not allowed": (Answer(status=401, body="{}"), {ReviewCode.MODEL_UNAVAILABLE}),
    "a reset": (Answer(reset=True), {ReviewCode.MODEL_UNAVAILABLE}),
}


@pytest.mark.parametrize(("behaviour", "codes"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR.keys())
async def test_a_server_that_misbehaves_makes_a_review(
    make_steward: MakeSteward, server: MisbehavingServer, behaviour: Behaviour, codes: set[ReviewCode]
) -> None:
    server.then(behaviour)
    verdict = await moderated(make_steward, server.base_url)
    assert verdict.decision is verdict.stream_decision is Decision.REVIEW
    (reason,) = verdict.review_reasons
    assert reason.code in codes
    assert reason.detail.startswith("judge: ")
    assert not verdict.findings


@pytest.mark.parametrize("slow", [Answer(body="{}", delay_s=30), Answer(body="x" * 2_000, drip_s=0.2)], ids=["silent", "dripping"])
async def test_a_server_slower_than_the_deadline_makes_a_review(make_steward: MakeSteward, server: MisbehavingServer, slow: Answer) -> None:
    server.then(slow)
    verdict = await moderated(make_steward, server.base_url, timeout_s=1)
    assert verdict.decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [ReviewCode.MODEL_TIMEOUT]
    assert verdict.provenance.latency_ms["judge"] < 5_000


async def test_a_server_that_is_not_there_makes_a_review(make_steward: MakeSteward, unused_tcp_port: int) -> None:
    verdict = await moderated(make_steward, f"http://127.0.0.1:{unused_tcp_port}/v1")
    assert verdict.decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [ReviewCode.MODEL_UNAVAILABLE]


async def asked(make_steward: MakeSteward, server: MisbehavingServer, *behaviours: Behaviour) -> Verdict:
    server.then(*behaviours)
    settings = {"model": {"base_url": server.base_url, "timeout_s": 5, "attempts": 1}, "inquiry": {"steps": 3}}
    return await make_steward(judge="server", **settings).moderate(segment(said("u1", OFFER)))


async def test_an_inquiry_goes_over_the_wire_as_chat_completions_have_it(make_steward: MakeSteward, server: MisbehavingServer) -> None:
    asks = calling(("chatcmpl-tool-1", "look_back", {"seconds": 30}), ("chatcmpl-tool-2", "find_rules", {"question": "medicine"}))
    verdict = await asked(make_steward, server, asks, calling(("chatcmpl-tool-3", "decide", "")), completion(GOOD))
    assert verdict.decision is Decision.VIOLATION
    assert [made.tool for made in verdict.provenance.inquiry] == ["look_back", "find_rules", "decide"]
    assert (verdict.provenance.tokens.prompt, verdict.provenance.tokens.cached) == (300, 240)
    first, second, last = server.requests
    assert [request["tool_choice"] for request in (first, second, last)] == ["required", "required", "none"]
    assert first["tools"] == second["tools"] == last["tools"]
    names = [tool["function"]["name"] for tool in first["tools"]]
    assert (names[0], names[-1]) == ("look_back", "decide")
    assert "response_format" not in first
    assert last["response_format"]["type"] == "json_schema"
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assistant, one, other = second["messages"][len(first["messages"]) :]
    assert assistant["role"] == "assistant"
    assert [(made["id"], made["function"]["name"]) for made in assistant["tool_calls"]] == [
        ("chatcmpl-tool-1", "look_back"),
        ("chatcmpl-tool-2", "find_rules"),
    ]
    assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"seconds": 30}
    assert [(made["role"], made["tool_call_id"]) for made in (one, other)] == [("tool", "chatcmpl-tool-1"), ("tool", "chatcmpl-tool-2")]
    assert isinstance(one["content"], str)
    assert last["messages"][-1]["role"] == "user"


async def test_a_call_that_does_not_fit_is_asked_for_once_more(make_steward: MakeSteward, server: MisbehavingServer) -> None:
    wrong = calling(("1", "look_back", {"seconds": "many"}))
    verdict = await asked(make_steward, server, wrong, calling(("2", "decide", "{}")), completion(GOOD))
    assert verdict.decision is Decision.VIOLATION
    assert "Call one of the tools" in server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    "behaviour",
    [completion(GOOD), calling(("1", "drop_tables", "{}")), calling(("1", "look_back", "{seconds")), completion(None)],
    ids=["an answer", "another tool", "half a JSON", "nothing"],
)
async def test_a_server_that_does_not_call_as_it_must_makes_a_review(
    make_steward: MakeSteward, server: MisbehavingServer, behaviour: Behaviour
) -> None:
    verdict = await asked(make_steward, server, behaviour)
    assert verdict.decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [ReviewCode.MODEL_INVALID_ANSWER]


async def test_a_server_that_knows_no_tools_makes_a_review(make_steward: MakeSteward, server: MisbehavingServer) -> None:
    verdict = await asked(make_steward, server, Answer(status=400, body='{"error": {"message": "tool_choice is not supported"}}'))
    assert verdict.decision is Decision.REVIEW
