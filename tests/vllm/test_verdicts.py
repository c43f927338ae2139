"""What the server answers under a schema: it fits, or it counts for nothing; and how sure the model was."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from long_winded import LongWinded
from pictures import example
from quick import quick
from rules import breaking, rulebook
from served import OpenModel, OpenSteward, Served
from test_requests import DECISION, asking

from livesteward.contracts import Decision, ReviewCode
from livesteward.errors import ModelAnswerError
from livesteward.models.answers import check_schema
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.protocol import Message, ModelRequest, Sampling, TextPart
from livesteward.prompts.answer import judge_schema

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


async def test_a_suspicious_segment_is_judged_by_the_served_model(open_steward: OpenSteward, served: Served, tmp_path: Path) -> None:
    steward = open_steward(**quick(tmp_path))
    verdict = await steward.moderate(example("scam"), regions=["SG"])
    assert verdict.provenance.judge == "model"
    assert (verdict.provenance.engine, verdict.provenance.model) == ("openai-compatible", served.model)
    assert verdict.provenance.tokens.prompt > 300
    assert verdict.provenance.tokens.completion > 5
    assert not verdict.provenance.replayed


async def test_answers_to_many_segments_fit_the_judges_schema_and_hold_no_white_space(open_model: OpenModel) -> None:
    model = open_model()
    asked = 0
    for segment in breaking(12):
        schema = judge_schema(rulebook(segment.region)[:12], segment)
        check_schema(schema)
        said = TextPart(text=" ".join(item.text for item in segment.items())[:1_000])
        request = ModelRequest(
            messages=(Message(role="user", parts=(said,)),), answer_schema=schema, sampling=Sampling(max_tokens=1_500), deadline_s=120
        )
        answer = await model.ask(request)
        assert json.loads(answer.raw) == answer.data
        assert not re.search(r"\s", STRING.sub("", answer.raw))
        assert not answer.repaired
        asked += 1
    assert asked == 12


async def test_an_answer_that_is_cut_off_is_a_failure(open_model: OpenModel) -> None:
    long = {"type": "object", "properties": {"text": {"type": "string", "minLength": 2_000}}, "required": ["text"]}
    with pytest.raises(ModelAnswerError, match="cut off at max_tokens"):
        await open_model().ask(asking(TextPart(text="Say much."), answer_schema=long, sampling=Sampling(max_tokens=16)))


async def test_a_verdict_that_is_cut_off_is_a_review(open_steward: OpenSteward, tmp_path: Path) -> None:
    steward = open_steward(LongWinded, **quick(tmp_path), model={"max_tokens": 64})
    verdict = await steward.moderate(example("scam"), regions=["SG"])
    assert verdict.decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [ReviewCode.MODEL_INVALID_ANSWER]
    assert "cut off at max_tokens" in verdict.review_reasons[0].detail


async def test_how_sure_the_model_was_is_what_the_servers_log_probabilities_say(served: Served) -> None:
    seen: list[dict[str, Any]] = []

    async def keep(response: httpx2.Response) -> None:
        if response.request.url.path.endswith("/chat/completions"):
            await response.aread()
            seen.append(response.json())

    client = httpx2.AsyncClient(event_hooks={"response": [keep]})
    model = OpenAICompatibleModel(served.settings().model, http_client=client)
    found = []
    for text in ("Is this allowed?", "Send me money now and I double it.", "We plant tomatoes today."):
        answer = await model.ask(asking(TextPart(text=text)))
        assert answer.certainty["decision"] == pytest.approx(by_hand(seen[-1], answer.data["decision"]), abs=1e-6)
        found.append(answer.certainty["decision"])
    await model.aclose()
    assert all(0 < certainty <= 1 for certainty in found)
    assert len(set(found)) == 3


def by_hand(completion: dict[str, Any], chosen: str) -> float:
    """The three decisions differ in their first letter: the token that begins one settles it, and the rest follows."""
    tokens = completion["choices"][0]["logprobs"]["content"]
    written = ""
    for token in tokens:
        begins = (written + token["token"]).find(f'"decision":"{chosen[0]}') >= 0
        if begins:
            break
        written += token["token"]
    lead = token["token"][: token["token"].rfind(chosen[0])] if not token["token"].startswith(chosen[0]) else ""
    masses = {other["token"]: math.exp(other["logprob"]) for other in token["top_logprobs"]}
    letters = {decision[0]: 0.0 for decision in DECISION["properties"]["decision"]["enum"]}
    for text, mass in masses.items():
        if text.startswith(lead) and text[len(lead) :][:1] in letters:
            letters[text[len(lead)]] += mass
    return letters[chosen[0]] / sum(letters.values())
