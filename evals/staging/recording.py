"""Encoding what is staged: pictures as WebP, speech over a still picture as mp4. The same input gives the same bytes."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from livesteward.evals.staging.sound import RATE

if TYPE_CHECKING:
    from PIL import Image

    from livesteward.evals.staging.sound import Samples

_WEBP_QUALITY: Final = 92
_FRAMES_PER_S: Final = 2
_AUDIO_BIT_RATE: Final = 40_000
_AAC_FRAME: Final = 1_024
"""Samples that one packet of AAC holds."""


def to_webp(image: Image.Image) -> bytes:
    """Return a picture as WebP."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_WEBP_QUALITY, method=6)
    return out.getvalue()


def to_mp4(image: Image.Image, sound: Samples) -> bytes:
    """Return a recording of one still picture with sound: H.264 and AAC, mono.

    Args:
        image: What is shown all the time; width and height are even.
        sound: Samples of -1 to 1 at :data:`~livesteward.evals.staging.sound.RATE`; the recording is as long as they are.
    """
    import av
    import numpy as np

    # The last frame would otherwise show longer than there is sound.
    shown = max(1, int(sound.size / RATE * _FRAMES_PER_S))
    # What remains of a last packet would make the recording longer than its samples.
    sound = sound[: max(1, sound.size // _AAC_FRAME) * _AAC_FRAME]
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=_FRAMES_PER_S)
        video.width, video.height, video.pix_fmt = image.width, image.height, "yuv420p"
        # One key frame is enough for a still picture, and one thread makes the result repeatable.
        video.gop_size = shown
        video.codec_context.thread_count = 1
        video.options = {"crf": "23", "preset": "slow", "tune": "stillimage", "x264-params": "scenecut=0:threads=1"}
        audio = container.add_stream("aac", rate=RATE)
        audio.layout, audio.bit_rate = "mono", _AUDIO_BIT_RATE
        for index in range(shown):
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = index, Fraction(1, _FRAMES_PER_S)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for start in range(0, sound.size, _AAC_FRAME):
            piece = np.ascontiguousarray(sound[None, start : start + _AAC_FRAME])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    return out.getvalue()
