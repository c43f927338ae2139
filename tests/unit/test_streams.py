"""Stream folders and segment files are read within limits, and what is wrong is named by file, line and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livesteward.agents.streams import load_path, load_segment, load_stream
from livesteward.errors import InputError
from livesteward.settings import Settings

SETTINGS = Settings()

ABOUT = {
    "stream_id": "s1",
    "region": "SG",
    "audience_regions": ["DE"],
    "language": "en",
    "title": "Hi",
    "starts_at": "2026-11-20T12:00:00Z",
}


def folder(tmp_path: Path, about: dict[str, Any] | None = None, **files: list[dict[str, Any]]) -> Path:
    (tmp_path / "stream.json").write_text(json.dumps({**ABOUT, **(about or {})}), encoding="utf-8")
    for name, entries in files.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return tmp_path


def message(number: int, at_s: float, **fields: Any) -> dict[str, Any]:
    return {"message_id": f"m{number}", "at_s": at_s, "viewer_id": "v", "text": "hello", **fields}


def test_a_stream_is_cut_into_segments_with_times_of_their_own(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        {"duration_s": 50, "viewers": 7, "host": {"host_id": "h", "verified": True}},
        chat=[message(1, 45), message(2, 3), message(3, 20), message(4, 19.999)],
        utterances=[
            {"utterance_id": "u1", "at_s": 18, "end_s": 22, "text": "so"},
            {"utterance_id": "u2", "at_s": 41, "end_s": 43, "text": "yes"},
        ],
        overlays=[{"overlay_id": "o1", "at_s": 21, "text": "SALE"}],
        gifts=[{"gift_id": "g1", "at_s": 0, "viewer_id": "v", "name": "rose"}],
    )
    stream = load_stream(path, settings=SETTINGS)
    first, second, third = stream.segments
    assert [(one.segment_id, one.offset_s, one.duration_s) for one in stream.segments] == [
        ("0001", 0, 20),
        ("0002", 20, 20),
        ("0003", 40, 10),
    ]
    assert [[(one.message_id, one.at_s) for one in part.chat] for part in stream.segments] == [
        [("m2", 3), ("m4", 19.999)],
        [("m3", 0)],
        [("m1", 5)],
    ]
    assert (first.utterances[0].at_s, first.utterances[0].end_s) == (18, 22)
    assert (third.utterances[0].at_s, third.utterances[0].end_s) == (1, 3)
    assert second.overlays[0].at_s == 1
    assert first.gifts[0].name == "rose"
    assert second.starts_at.isoformat() == "2026-11-20T12:00:20+00:00"
    assert {(one.region, one.audience_regions, one.viewers, one.host.verified) for one in stream.segments} == {("SG", ("DE",), 7, True)}
    assert stream.media_root == path
    assert first.media is None


def test_a_short_rest_belongs_to_the_segment_before(tmp_path: Path) -> None:
    stream = load_stream(folder(tmp_path, {"duration_s": 42}), settings=SETTINGS)
    assert [one.duration_s for one in stream.segments] == [20, 22]


def test_a_stream_without_a_length_lasts_until_its_last_message(tmp_path: Path) -> None:
    stream = load_stream(folder(tmp_path, {"segment_s": 10}, chat=[message(1, 25)]), settings=SETTINGS)
    assert len(stream.segments) == 3
    assert stream.segments[-1].chat[0].at_s == 5


def test_an_empty_chat_file_and_empty_lines_are_fine(tmp_path: Path) -> None:
    path = folder(tmp_path, chat=[])
    assert load_stream(path, settings=SETTINGS).segments[0].chat == ()
    (path / "chat.jsonl").write_text("\n" + json.dumps(message(1, 2)) + "\n\n", encoding="utf-8-sig")
    assert len(load_stream(path, settings=SETTINGS).segments[0].chat) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"message_id": "m", "at_s": 1', r"chat\.jsonl:2: Invalid JSON"),
        (b'{"message_id": "m", "at_s": -1, "viewer_id": "v", "text": "x"}', r"chat\.jsonl:2: at_s"),
        (b'{"message_id": "m", "at_s": NaN, "viewer_id": "v", "text": "x"}', r"chat\.jsonl:2: at_s"),
        (b'{"message_id": "m", "at_s": 1, "viewer_id": "v", "text": "x", "colour": 1}', r"chat\.jsonl:2: colour"),
        (b'{"message_id": "m", "at_s": 1, "viewer_id": "v"}', r"chat\.jsonl:2: text"),
        (
            b'{"message_id": "m1", "at_s": 1, "viewer_id": "v", "text": "x"}',
            r"chat\.jsonl:2: message_id: 'm1' is already used in .*chat\.jsonl:1",
        ),
        (b'{"message_id": "\xff", "at_s": 1}', r"chat\.jsonl:2: byte 16 is no UTF-8"),
        (b'{"text": "' + b"x" * 70_000 + b'"}', r"chat\.jsonl:2: the line has 70,012 bytes"),
        (b"[" * 50_000, r"chat\.jsonl:2: "),
        (b"null", r"chat\.jsonl:2: "),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: bytes, says: str) -> None:
    path = folder(tmp_path, chat=[message(1, 2)])
    with (path / "chat.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(InputError, match=says):
        load_stream(path, settings=SETTINGS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"region": "UK"}, r"stream\.json: region: .*did you mean 'GB'"),
        ({"language": "english please"}, r"stream\.json: language"),
        ({"starts_at": "2026-11-20T12:00:00"}, r"stream\.json: starts_at"),
        ({"segment_s": 0}, r"stream\.json: segment_s"),
        ({"colour": "red"}, r"stream\.json: colour"),
        ({"media": "../other.mp4"}, r"stream\.json: media: .*plain relative path"),
        ({"media": "http://h.example/a.mp4"}, r"stream\.json: media: .*plain relative path"),
        ({"media": "none.mp4"}, r"stream\.json: media: .*no such file"),
    ],
)
def test_a_wrong_field_of_the_stream_is_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        load_stream(folder(tmp_path, change), settings=SETTINGS)


def test_a_folder_without_stream_json_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no stream\.json"):
        load_path(tmp_path, settings=SETTINGS)


def test_a_chat_of_fifty_megabytes_is_refused_without_reading_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder(tmp_path)
    with (path / "chat.jsonl").open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(InputError, match=r"chat\.jsonl: 50 MB are more than the 32 MB allowed \(limits\.max_file_mb\)"):
        load_stream(path, settings=SETTINGS)


def test_a_link_out_of_the_stream_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "stream"
    inner.mkdir()
    (tmp_path / "secret").write_text(json.dumps(message(1, 1)), encoding="utf-8")
    path = folder(inner)
    (path / "chat.jsonl").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"chat\.jsonl: .*leads out"):
        load_stream(path, settings=SETTINGS)


def test_a_flood_in_one_segment_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path, chat=[message(number, 1) for number in range(5_001)])
    with pytest.raises(InputError, match=r"segment 1 from 0 s on: chat"):
        load_stream(path, settings=SETTINGS)


def test_one_segment_is_loaded_with_its_folder_for_media(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    data = {"stream_id": "s", "segment_id": "1", "starts_at": "2026-11-20T12:00:00Z", "region": "SG"}
    path.write_text(json.dumps(data), encoding="utf-8")
    assert load_segment(path, settings=SETTINGS).region == "SG"
    loaded = load_path(path, settings=SETTINGS)
    assert (len(loaded.segments), loaded.media_root) == (1, tmp_path)
    path.write_text(json.dumps({**data, "chat": [message(1, 1), {**message(2, 1), "text": 5}]}), encoding="utf-8")
    with pytest.raises(InputError, match=r"one\.json: chat\[1\]\.text"):
        load_path(path, settings=SETTINGS)


def test_what_is_no_input_says_what_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="give a stream folder, a segment"):
        load_path(tmp_path / "notes.txt", settings=SETTINGS)
    with pytest.raises(InputError, match=r"none\.json: there is no such file"):
        load_path(tmp_path / "none.json", settings=SETTINGS)
    with pytest.raises(InputError, match="--region SG"):
        load_path(tmp_path / "a.mp4", settings=SETTINGS)
    with pytest.raises(InputError, match="region"):
        load_path(tmp_path / "a.mp4", settings=SETTINGS, region="UK")
