from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from livesteward.errors import ConfigurationError, ModelAnswerError, ModelRefusedError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.protocol import ChatModel, ImagePart, Message, ModelRequest, Paced, Sampling, TextPart
from livesteward.models.replay import RecordingModel, ReplayModel, request_digest
from livesteward.prompts.fence import Fence
from livesteward.testing import ScriptedModel

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def request(
    text: str = "hello", *, nonce: str | None = None, image: bytes = b"", schema: dict[str, Any] | None = None, **more: Any
) -> ModelRequest:
    fence = Fence(nonce)
    parts: list[TextPart | ImagePart] = [TextPart(text=f"inside {fence.name}:"), TextPart(text=fence.wrap(text, item="c1"), priority=3)]
    if image:
        parts.append(ImagePart(data=image))
    return ModelRequest(messages=(Message(role="user", parts=tuple(parts)),), answer_schema=schema or SCHEMA, **more)


async def test_a_recording_answers_the_same_request_behind_another_fence(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tape.jsonl"
    inner = ScriptedModel([{"a": 1}, {"a": 2}], name="judge-7b", accepts_images=False)
    recording = RecordingModel(inner, path)
    assert isinstance(recording, ChatModel)
    first = await recording.ask(request("one"))
    await recording.ask(request("two"))
    await recording.aclose()
    assert inner.closed

    replay = ReplayModel(path)
    assert isinstance(replay, ChatModel)
    assert (replay.name, replay.accepts_images) == ("judge-7b", False)
    again = await replay.ask(request("one"))
    assert again == first.model_copy(update={"replayed": True})
    assert (await replay.ask(request("two"))).data == {"a": 2}


async def test_a_plain_text_is_recorded_and_replayed_with_the_variables_of_its_template(tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    plain = request("one").model_copy(update={"answer_schema": None, "template": {"guideline": "No Hate"}})
    said = await RecordingModel(ScriptedModel(["Yes"]), path).ask(plain)
    assert (said.raw, said.data) == ("Yes", {})
    assert (await ReplayModel(path).ask(plain)).raw == "Yes"
    with pytest.raises(ModelUnavailableError, match="does not hold this request"):
        await ReplayModel(path).ask(plain.model_copy(update={"template": {"guideline": "No Harassment"}}))


def test_only_what_matters_changes_the_digest() -> None:
    digest = request_digest(request("x", nonce="0" * 12, image=b"1"))
    assert digest == request_digest(request("x", nonce="a" * 12, image=b"1", deadline_s=1))
    others = [
        request("y", image=b"1"),
        request("x", image=b"2"),
        request("x"),
        request("x", image=b"1", schema={"type": "object"}),
        request("x", image=b"1", sampling=Sampling(temperature=1)),
    ]
    assert digest not in {request_digest(other) for other in others}


async def test_an_unknown_request_is_unavailable_and_says_so(tmp_path: Path) -> None:
    RecordingModel(ScriptedModel([]), tmp_path / "t.jsonl")
    with pytest.raises(ModelUnavailableError, match="does not hold this request"):
        await ReplayModel(tmp_path / "t.jsonl").ask(request())


async def test_refusals_and_unfit_answers_are_recorded_and_outages_are_not(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    inner = ScriptedModel([ModelRefusedError("no"), "not json", ModelTimeoutError("slow")])
    recording = RecordingModel(inner, path)
    for text in ("one", "two", "three"):
        with pytest.raises((ModelRefusedError, ModelAnswerError, ModelTimeoutError)):
            await recording.ask(request(text))

    replay = ReplayModel(path)
    with pytest.raises(ModelRefusedError, match="no"):
        await replay.ask(request("one"))
    with pytest.raises(ModelAnswerError) as caught:
        await replay.ask(request("two"))
    assert caught.value.raw == "not json"
    with pytest.raises(ModelUnavailableError):
        await replay.ask(request("three"))


async def test_a_recording_goes_on_where_it_ended_and_the_later_answer_counts(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    await RecordingModel(ScriptedModel([{"a": 1}]), path).ask(request())
    await RecordingModel(ScriptedModel([{"a": 2}]), path).ask(request())
    assert (await ReplayModel(path).ask(request())).data == {"a": 2}


async def test_a_recorded_answer_is_checked_against_the_schema_again(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    await RecordingModel(ScriptedModel([{"a": 1}]), path).ask(request())
    path.write_text(path.read_text(encoding="utf-8").replace('"data":{"a":1}', '"data":{"a":"x"}'), encoding="utf-8")
    with pytest.raises(ModelAnswerError):
        await ReplayModel(path).ask(request())


async def test_only_the_owner_can_read_a_recording_and_pictures_are_not_in_it(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    await RecordingModel(ScriptedModel([{"a": 1}]), path).ask(request(image=b"PICTURE"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PICTURE" not in path.read_text(encoding="utf-8")
    assert all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("text", ["", "{}\n", '{"format": "other"}\n', '{"text": "a moderation case"}\n'])
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"t\.jsonl:1: is no recording"):
        ReplayModel(tmp_path / "t.jsonl")


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    RecordingModel(ScriptedModel([]), tmp_path / "t.jsonl")
    with (tmp_path / "t.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"key": "x"}\n')
    with pytest.raises(ConfigurationError, match=r"t\.jsonl:2"):
        ReplayModel(tmp_path / "t.jsonl")


def test_a_line_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"format": "livesteward-recording-1"}\n\xff\xfe\n')
    with pytest.raises(ConfigurationError, match=r"t\.jsonl:2"):
        ReplayModel(path)


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ReplayModel(tmp_path / "absent.jsonl")


class Served(ScriptedModel):
    places = 7


@pytest.mark.parametrize(("inner", "places"), [(Served([]), 7), (ScriptedModel([]), 1)])
def test_a_recorded_model_takes_as_many_at_once_as_the_model_itself(tmp_path: Path, inner: ScriptedModel, places: int) -> None:
    recording = RecordingModel(inner, tmp_path / "tape.jsonl")
    assert isinstance(recording, Paced)
    assert recording.places == places
