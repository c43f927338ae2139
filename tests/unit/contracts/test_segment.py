"""What a segment takes and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from livesteward.contracts import Frame, MediaRef, Modality, Segment
from livesteward.contracts.segment import MAX_ITEMS
from livesteward.errors import InputError


def chat(message_id: str, at_s: float = 1, **more: Any) -> dict[str, Any]:
    return {"message_id": message_id, "at_s": at_s, "viewer_id": "v1", "text": "hello", **more}


def test_the_least_is_a_stream_an_id_a_time_and_a_region(segment_data: dict[str, Any]) -> None:
    segment = Segment.model_validate(segment_data)
    assert segment.regions == ("SG",)
    assert segment.items() == ()


def test_it_cannot_be_changed(segment_data: dict[str, Any]) -> None:
    segment = Segment.model_validate(segment_data)
    with pytest.raises(ValidationError, match="frozen"):
        segment.title = "another"  # type: ignore[misc]
    assert isinstance(Segment.model_validate(segment_data | {"chat": [chat("m1")]}).chat, tuple)


def test_an_unknown_field_is_named_with_its_place(segment_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Segment.model_validate(segment_data | {"chat": [chat("m1"), chat("m2", txet="hi")]})
    assert InputError.from_validation(caught.value).field == "chat[1].txet"


@pytest.mark.parametrize(
    ("field", "item"),
    [
        ("chat", chat("m1")),
        ("utterances", {"utterance_id": "m1", "at_s": 0, "text": "hi"}),
        ("overlays", {"overlay_id": "m1", "at_s": 0, "text": "SALE"}),
        ("gifts", {"gift_id": "m1", "at_s": 0, "viewer_id": "v", "name": "rose", "message": "for you"}),
        ("gifts", {"gift_id": "m1", "at_s": 0, "viewer_id": "v", "name": "rose"}),
        ("frames", {"frame_id": "m1", "at_s": 0, "path": "a.jpg"}),
    ],
)
def test_an_id_names_one_thing_only(segment_data: dict[str, Any], field: str, item: dict[str, Any]) -> None:
    others = {"chat": [chat("m1")]} if field != "chat" else {"overlays": [{"overlay_id": "m1", "at_s": 0, "text": "x"}]}
    with pytest.raises(ValidationError, match="'m1' is used twice"):
        Segment.model_validate(segment_data | {field: [item]} | others)


def test_no_message_can_pass_itself_off_as_the_title(segment_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="'title' is used twice"):
        Segment.model_validate(segment_data | {"title": "Cooking", "chat": [chat("title")]})


def test_regions_are_the_hosts_and_the_audiences_each_once(segment_data: dict[str, Any]) -> None:
    assert Segment.model_validate(segment_data | {"audience_regions": ["MY", "SG", "DE"]}).regions == ("SG", "MY", "DE")


def test_a_region_that_is_none_is_refused_with_a_hint(segment_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="did you mean 'GB'"):
        Segment.model_validate(segment_data | {"region": "UK"})
    with pytest.raises(ValidationError, match="ISO 3166"):
        Segment.model_validate(segment_data | {"audience_regions": ["global"]})


@pytest.mark.parametrize("changes", [{"duration_s": 0}, {"duration_s": 601}, {"offset_s": -1}, {"title": "x" * 501}, {"viewers": -1}])
def test_numbers_and_lengths_are_bounded(segment_data: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Segment.model_validate(segment_data | changes)


def test_the_number_of_messages_is_bounded(segment_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="at most"):
        Segment.model_validate(segment_data | {"chat": [chat(f"m{number}") for number in range(MAX_ITEMS + 1)]})


def test_items_are_every_text_in_order_of_time_the_title_first(segment_data: dict[str, Any]) -> None:
    segment = Segment.model_validate(
        segment_data
        | {
            "title": "Cooking",
            "chat": [chat("m1", 5), chat("m2", 2, is_host=True)],
            "utterances": [{"utterance_id": "u1", "at_s": 3, "text": "salt", "speaker": "guest"}],
            "overlays": [{"overlay_id": "o1", "at_s": 1, "text": "SOUP"}],
            "gifts": [
                {"gift_id": "g1", "at_s": 4, "viewer_id": "v2", "name": "rose", "message": "yum"},
                {"gift_id": "g2", "at_s": 0, "viewer_id": "v2", "name": "rose"},
            ],
        }
    )
    assert [item.item_id for item in segment.items()] == ["title", "o1", "m2", "u1", "g1", "m1"]
    by_id = {item.item_id: item for item in segment.items()}
    assert by_id["m2"].viewer_id is None, "the host's own message is not a viewer's"
    assert (by_id["m1"].viewer_id, by_id["g1"].viewer_id) == ("v1", "v2")
    assert by_id["u1"].modality is Modality.SPEECH


@pytest.mark.parametrize(
    "path",
    [
        "../secret.mp4",
        "a/../../b.mp4",
        "a\\..\\b.mp4",
        "/etc/passwd",
        "\\\\server\\share",
        "~/x.mp4",
        "C:\\x.mp4",
        "c:x.mp4",
        "file:///etc/passwd",
        "http://example.com/x.m3u8",
        "a\x00.mp4",
        "a\n.mp4",
        "a\x1b[2J.mp4",
        "",
        "  ",
    ],
)
def test_a_media_path_stays_in_its_folder(path: str) -> None:
    with pytest.raises(ValidationError, match="plain relative path"):
        MediaRef(path=path)
    with pytest.raises(ValidationError, match="plain relative path"):
        Frame(frame_id="f1", at_s=0, path=path)


@pytest.mark.parametrize("path", ["stream.mp4", "hls/main.m3u8", "bilder/straße 1.jpg", "a..b.mp4", ".hidden/x.mp4", "视频.mp4"])
def test_a_plain_relative_path_is_taken(path: str) -> None:
    assert MediaRef(path=path).path == path


@given(st.text(alphabet="ab./\\~:", max_size=12))
def test_no_accepted_path_leads_out(path: str) -> None:
    try:
        taken = MediaRef(path=path).path
    except ValidationError:
        return
    depth = 0
    for part in taken.replace("\\", "/").split("/"):
        assert part != ".."
        depth += part not in ("", ".")
    assert not taken.startswith(("/", "\\", "~"))
    assert ":" not in taken


def test_a_picture_comes_as_base64_and_does_not_show_in_logs() -> None:
    frame = Frame.model_validate_json('{"frame_id": "f1", "at_s": 0, "image": "aGVsbG8="}')
    assert frame.image == b"hello"
    assert "hello" not in repr(frame)
    with pytest.raises(ValidationError):
        Frame.model_validate_json('{"frame_id": "f1", "at_s": 0, "image": "not base64!"}')


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.lists(st.tuples(text, st.floats(0, 600)), max_size=8), text)
def test_a_segment_survives_json(messages: list[tuple[str, float]], title: str) -> None:
    segment = Segment.model_validate(
        {
            "stream_id": "s1",
            "segment_id": "1",
            "starts_at": "2026-06-01T12:00:00+08:00",
            "region": "SG",
            "title": title,
            "chat": [chat(f"m{number}", at_s) | {"text": said} for number, (said, at_s) in enumerate(messages)],
        }
    )
    assert Segment.model_validate_json(segment.model_dump_json()) == segment
    assert json.loads(segment.model_dump_json())["starts_at"] == "2026-06-01T04:00:00Z"
