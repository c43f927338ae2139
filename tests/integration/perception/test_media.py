"""Recordings are read window by window, within limits, and never half."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from livesteward.agents.perception.deadline import Deadline
from livesteward.agents.perception.media import SAMPLE_RATE, Sample, media_digest, probe, sample
from livesteward.errors import PerceptionError
from livesteward.settings import PerceptionSettings

LIMITS = PerceptionSettings()
MakeMedia = Callable[..., Path]


def look(path: Path, start_s: float = 0, duration_s: float = 20, *, settings: PerceptionSettings = LIMITS, timeout_s: float = 30) -> Sample:
    return sample(path.parent, path.name, start_s=start_s, duration_s=duration_s, settings=settings, deadline=Deadline(timeout_s))


@pytest.mark.parametrize("name", ["s.mp4", "s.m3u8"])
def test_the_header_says_length_and_size(tmp_path: Path, make_media: MakeMedia, name: str) -> None:
    make_media(tmp_path / name)
    facts = probe(tmp_path, name, LIMITS)
    assert facts.duration_s == pytest.approx(6, abs=0.3)
    assert (facts.width, facts.height, facts.has_sound) == (160, 96, True)


@pytest.mark.parametrize("name", ["s.mp4", "s.m3u8"])
def test_a_window_holds_its_own_pictures_and_sound(tmp_path: Path, make_media: MakeMedia, name: str) -> None:
    got = look(make_media(tmp_path / name), start_s=2, duration_s=3)
    assert [picture.at_s for picture in got.pictures] == pytest.approx([0, 1, 2], abs=0.11)
    # The level of grey says which second of the recording it is.
    assert [int(picture.pixels[5, 5, 0]) for picture in got.pictures] == pytest.approx([65, 65, 90], abs=6)
    assert got.sound is not None
    assert got.sound.size == pytest.approx(3 * SAMPLE_RATE, rel=0.02)
    spectrum = np.abs(np.fft.rfft(got.sound))
    assert float(np.fft.rfftfreq(got.sound.size, 1 / SAMPLE_RATE)[spectrum.argmax()]) == pytest.approx(440, abs=3)


def test_between_key_frames_that_lie_far_apart_the_others_are_looked_at(tmp_path: Path, make_media: MakeMedia) -> None:
    got = look(make_media(tmp_path / "s.mp4", seconds=12, gop=1_000), duration_s=12)
    assert len(got.pictures) > 10
    assert {round(int(picture.pixels[5, 5, 0]) / 25) for picture in got.pictures} >= {2, 3, 4, 5, 6, 7}


def test_sound_alone_and_pictures_alone_are_recordings(tmp_path: Path, make_media: MakeMedia) -> None:
    heard = look(make_media(tmp_path / "a.mp4", picture=False))
    assert heard.pictures == ()
    assert heard.sound is not None
    seen = look(make_media(tmp_path / "v.mp4", sound=False))
    assert seen.sound is None
    assert seen.pictures


def test_a_window_after_the_end_is_an_error(tmp_path: Path, make_media: MakeMedia) -> None:
    with pytest.raises(PerceptionError, match=r"starts at 60 s, but the recording lasts 6\.\d s"):
        look(make_media(tmp_path / "s.mp4"), start_s=60)


def test_too_many_pixels_are_refused_by_the_header(tmp_path: Path, make_media: MakeMedia) -> None:
    path = make_media(tmp_path / "s.mp4", size=(320, 192), seconds=1)
    with pytest.raises(PerceptionError, match=r"320x192 are more than the 10,000 pixels allowed"):
        look(path, settings=PerceptionSettings(max_pixels=10_000))


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, make_media: MakeMedia) -> None:
    path = make_media(tmp_path / "s.mp4", seconds=1)
    with path.open("r+b") as file:
        file.truncate(2_000_001)
    with pytest.raises(PerceptionError, match="max_file_mb"):
        look(path, settings=PerceptionSettings(max_file_mb=2))


@pytest.mark.parametrize("content", [b"", b"not a video at all " * 100, b"\0\0\0\x20ftypisom" + b"\xff" * 5_000])
def test_what_is_no_recording_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.mp4").write_bytes(content)
    with pytest.raises(PerceptionError, match=r"^s\.mp4: "):
        look(tmp_path / "s.mp4")


def test_a_recording_that_is_cut_off_is_an_error_and_no_short_window(tmp_path: Path, make_media: MakeMedia) -> None:
    from av import open as av_open

    # With the index in front, as in what streams are cut into, the header of half a file still promises all of it.
    whole = make_media(tmp_path / "whole.mp4", seconds=30, fps=5, size=(320, 192))
    with av_open(str(whole)) as source, av_open(str(tmp_path / "s.mp4"), "w", format="mp4", options={"movflags": "+faststart"}) as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    path = tmp_path / "s.mp4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(tmp_path, "s.mp4", LIMITS).duration_s == pytest.approx(30, abs=0.5)
    with pytest.raises(PerceptionError, match=r"cut off|damaged"):
        look(path, duration_s=30)


def test_a_damaged_middle_is_an_error(tmp_path: Path, make_media: MakeMedia) -> None:
    path = make_media(tmp_path / "s.mp4", sound=False)
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 400
    data[middle : middle + 1_500] = b"\xff" * 1_500
    path.write_bytes(bytes(data))
    with pytest.raises(PerceptionError, match=r"damaged near|cannot be read"):
        look(path)


def test_another_format_under_the_name_of_mp4_is_not_followed(tmp_path: Path, make_media: MakeMedia) -> None:
    make_media(tmp_path / "real.m3u8", seconds=2)
    (tmp_path / "s.mp4").write_bytes((tmp_path / "real.m3u8").read_bytes())
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile real0.ts\n", encoding="utf-8")
    for name in ("s.mp4", "list.mp4"):
        with pytest.raises(PerceptionError, match="cannot be read as mp4"):
            look(tmp_path / name)


def test_another_kind_of_file_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "s.mkv").write_bytes(b"x")
    with pytest.raises(PerceptionError, match=r"an \.mp4 or \.m3u8 file"):
        look(tmp_path / "s.mkv")


def test_the_time_is_bounded(tmp_path: Path, make_media: MakeMedia) -> None:
    path = make_media(tmp_path / "s.mp4")
    deadline = Deadline(0.01)
    time.sleep(0.02)
    with pytest.raises(PerceptionError, match=r"perception\.timeout_s"):
        sample(tmp_path, path.name, start_s=0, duration_s=6, settings=LIMITS, deadline=deadline)


def test_the_digest_of_hls_follows_every_file(tmp_path: Path, make_media: MakeMedia) -> None:
    path = make_media(tmp_path / "s.m3u8")
    before = media_digest(tmp_path, path.name, LIMITS)
    part = next(tmp_path.glob("*1.ts"))
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    assert media_digest(tmp_path, path.name, LIMITS) != before
    assert len(before) == 64
