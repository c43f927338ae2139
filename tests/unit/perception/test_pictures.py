"""Pictures are checked by their header before they are decoded, and compared part by part."""

from __future__ import annotations

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from livesteward.agents.perception.pictures import Pixels, choose, difference, read_picture, to_jpeg
from livesteward.errors import PerceptionError


def encoded(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def png_that_says(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header announces a large picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1_000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(6_000, 6_000), (10_000, 10_000), (20_000, 20_000)])
def test_a_picture_with_too_many_pixels_is_refused_by_its_header(width: int, height: int) -> None:
    started = time.perf_counter()
    with pytest.raises(PerceptionError, match=r"frame 'f1'.*25,000,000 pixels allowed"):
        read_picture(png_that_says(width, height), max_pixels=25_000_000, name="frame 'f1'")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_are_read(kind: str) -> None:
    pixels = read_picture(encoded(Image.new("RGB", (40, 30), "red"), kind), max_pixels=10_000, name="f")
    assert pixels.shape == (30, 40, 3)
    assert pixels[15, 20, 0] > 200 > 60 > pixels[15, 20, 1]


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(PerceptionError, match="no JPEG, PNG or WebP"):
        read_picture(encoded(Image.new("RGB", (4, 4)), kind), max_pixels=10_000, name="f")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_cut_off_picture_is_an_error_and_no_half_picture(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, kind)
    with pytest.raises(PerceptionError):
        read_picture(data[: len(data) // 2], max_pixels=10_000, name="f")


def test_a_picture_is_turned_as_the_camera_was_held() -> None:
    image = Image.new("RGB", (40, 20), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    assert read_picture(out.getvalue(), max_pixels=10_000, name="f").shape == (40, 20, 3)


def test_transparency_and_palettes_become_plain_colours() -> None:
    for mode in ("RGBA", "P", "L", "1"):
        assert read_picture(encoded(Image.new(mode, (8, 8)), "PNG"), max_pixels=100, name="f").shape == (8, 8, 3)


def test_a_stored_picture_is_no_larger_than_needed() -> None:
    with Image.open(io.BytesIO(to_jpeg(np.zeros((1_080, 1_920, 3), dtype=np.uint8)))) as image:
        assert (image.format, image.size) == ("JPEG", (1_280, 720))


def grey(level: int = 90) -> Pixels:
    return np.full((360, 640, 3), level, dtype=np.uint8)


def test_a_small_banner_makes_a_difference_and_noise_does_not() -> None:
    banner = grey()
    banner[320:345, 200:330] = 240
    noisy = np.clip(grey().astype(int) + np.random.default_rng(2).normal(0, 3, (360, 640, 3)), 0, 255).astype(np.uint8)
    assert difference(grey(), banner) > 0.1
    assert difference(grey(), noisy) < 0.02


def test_the_pictures_that_show_something_new_are_chosen() -> None:
    banner = grey()
    banner[320:345, 200:330] = 240
    pictures = [grey(), grey(91), grey(), banner, grey(), grey(92)]
    assert [index for index, _ in choose(pictures, 6)] == [0, 3]
    assert choose([], 6) == []


def test_no_more_pictures_than_asked_for_are_chosen() -> None:
    pictures = [grey(level) for level in range(0, 250, 25)]
    chosen = choose(pictures, 4)
    assert len(chosen) == 4
    assert chosen[0] == (0, 0.0)
    assert [index for index, _ in chosen] == sorted(index for index, _ in chosen)
    assert all(change > 0.1 for _, change in chosen[1:])
