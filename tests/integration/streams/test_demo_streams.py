"""The demo streams load, show and say what they claim to, and stay small."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from livesteward.agents.perception.media import probe
from livesteward.agents.streams import LoadedStream, load_path, load_stream
from livesteward.contracts import Category, Decision, SubjectKind
from livesteward.errors import InputError
from livesteward.settings import Settings

FOLDER = Path(__file__).parents[3] / "examples" / "streams"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
SETTINGS = Settings()


def expected(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name / "expected.toml").read_text(encoding="utf-8"))


def loaded(name: str) -> LoadedStream:
    return load_stream(FOLDER / name, settings=SETTINGS)


def test_there_are_six_of_them_and_they_are_small() -> None:
    assert {
        "chat-raid",
        "driver-reading-chat",
        "investment-scam",
        "passenger-reading-chat",
        "scam-awareness",
        "vape-shop",
    } <= set(NAMES)
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 15_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_demo_stream_has_picture_sound_and_segments(name: str) -> None:
    facts = probe(FOLDER / name, "stream.mp4", SETTINGS.perception)
    assert (facts.width, facts.height, facts.has_sound) == (640, 360, True)
    assert 20 <= facts.duration_s <= 40
    stream = loaded(name)
    assert len(stream.segments) == 2
    assert sum(len(one.chat) for one in stream.segments) > 3
    assert all(one.media is not None and one.media.start_s == one.offset_s for one in stream.segments)
    assert stream.segments[-1].offset_s + stream.segments[-1].duration_s == pytest.approx(facts.duration_s, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_expected_of_it_uses_the_words_of_the_contracts(name: str) -> None:
    says = expected(name)
    stream = loaded(name)
    assert Category(says["category"])
    assert SubjectKind(says["subject"])
    assert 1 <= says["segment"] <= len(stream.segments)
    assert set(says["regions"]) == set(stream.segments[0].regions)
    assert all(Decision(decision) for decision in says["regions"].values())
    assert says["evidence"]
    for evidence in says["evidence"]:
        assert evidence["source"] in {"speech", "overlay", "chat", "qr"}
        assert evidence["quote"]
    chat = stream.segments[says["segment"] - 1].chat
    for evidence in says["evidence"]:
        if evidence["source"] == "chat":
            assert any(evidence["quote"] in one.text for one in chat)
    assert set(says.get("subject_ids", [])) <= {one.viewer_id for one in chat}


def test_a_bare_recording_needs_only_a_region() -> None:
    path = FOLDER / "vape-shop" / "stream.mp4"
    stream = load_path(path, settings=SETTINGS, region="GB", audience_regions=["SG"], title="Shop", segment_s=10)
    assert [one.duration_s for one in stream.segments] == pytest.approx([10, 10, 10], abs=0.2)
    assert stream.segments[0].regions == ("GB", "SG")
    assert stream.media_root == path.parent
    assert stream.segments[1].media is not None
    assert stream.segments[1].media.start_s == 10


def test_a_message_after_the_end_of_the_recording_is_named(tmp_path: Path) -> None:
    for name in ("stream.json", "stream.mp4"):
        (tmp_path / name).write_bytes((FOLDER / "vape-shop" / name).read_bytes())
    (tmp_path / "chat.jsonl").write_text('{"message_id": "m", "at_s": 700, "viewer_id": "v", "text": "x"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"chat\.jsonl: something at 700 s, but the recording lasts 30\.\d s"):
        load_stream(tmp_path, settings=SETTINGS)
