"""Small recordings, made on the spot."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

RATE = 16_000

MakeMedia = Callable[..., Path]


def _picture(t: float, width: int, height: int) -> np.ndarray:
    """Grey that changes its level every two seconds, with a white bar that moves."""
    pixels = np.full((height, width, 3), 40 + 25 * (int(t / 2) % 8), dtype=np.uint8)
    x = int(t * 10) % max(1, width - 20)
    pixels[height // 2 :, x : x + 20] = 255
    return pixels


@pytest.fixture
def make_media() -> MakeMedia:
    """Return a function that writes an mp4 or HLS recording with a 440 Hz tone."""

    def make(
        path: Path,
        *,
        seconds: float = 6,
        fps: int = 10,
        gop: int = 10,
        size: tuple[int, int] = (160, 96),
        sound: bool = True,
        picture: bool = True,
    ) -> Path:
        options = {"hls_time": "2", "hls_playlist_type": "vod"} if path.suffix == ".m3u8" else {}
        with av.open(str(path), "w", format="hls" if options else "mp4", options=options) as out:
            video = out.add_stream("libx264", rate=fps) if picture else None
            audio = out.add_stream("aac", rate=RATE) if sound else None
            if video is not None:
                video.width, video.height, video.pix_fmt, video.gop_size = *size, "yuv420p", gop
                video.options = {"preset": "ultrafast", "x264-params": "scenecut=0:bframes=0"}
            if audio is not None:
                audio.layout = "mono"
            if video is not None:
                for index in range(int(seconds * fps)):
                    frame = av.VideoFrame.from_ndarray(_picture(index / fps, *size), format="rgb24")
                    frame.pts, frame.time_base = index, Fraction(1, fps)
                    out.mux(video.encode(frame))
                out.mux(video.encode())
            if audio is not None:
                tone = 0.3 * np.sin(2 * math.pi * 440 * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)
                for start in range(0, tone.size, 1_024):
                    frame = av.AudioFrame.from_ndarray(
                        np.ascontiguousarray(tone[None, start : start + 1_024]), format="fltp", layout="mono"
                    )
                    frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
                    out.mux(audio.encode(frame))
                out.mux(audio.encode())
        return path

    return make
