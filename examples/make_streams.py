"""Make the demo streams anew: `python examples/make_streams.py [NAME ...]`.

Needs the development dependencies, espeak-ng (Debian: `apt-get install espeak-ng`) and the DejaVu fonts (`fonts-dejavu-core`). With the
same versions of these, the files come out byte for byte the same. Users of livesteward do not need it: the streams are in the repository.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from scenes import SCENES
from stories import STORIES, Story

FOLDER = Path(__file__).parent / "streams"
RATE = 22_050
FRAMES_PER_S = 12

Samples = npt.NDArray[np.float32]


def spoken(story: Story) -> Samples:
    """Let espeak-ng say the lines, each at its time or after the one before it, over a very quiet noise as any microphone has it."""
    sound = np.random.default_rng(7).normal(0, 0.0006, int(story.duration_s * RATE)).astype(np.float32)
    free_from = 0.0
    for line in story.lines:
        command = ["espeak-ng", "-v", story.voice, "-s", str(story.speed), "-p", str(story.pitch), "--stdout", line.text]
        data = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
        with wave.open(io.BytesIO(data)) as file:
            assert file.getframerate() == RATE
            # espeak-ng streams to stdout and writes no true length into the header: take what follows it.
            samples = np.frombuffer(data[44:], dtype="<i2").astype(np.float32) / 32_768
        length = samples.size / RATE
        at_s = max(line.at_s, free_from + 0.15)
        end = at_s + length
        if end > story.duration_s or int(at_s // 20) != int(end // 20):
            raise SystemExit(f"{story.about['stream_id']}: {line.text!r} from {at_s:.1f} to {end:.1f} s goes past the end of its segment")
        start = int(at_s * RATE)
        sound[start : start + samples.size] += 0.7 * samples / max(0.01, float(np.abs(samples).max()))
        free_from = end
    return sound


def openness(sound: Samples, t: float) -> float:
    """How far the mouth is open at a time: the loudness of the moment."""
    piece = sound[int(t * RATE) : int((t + 1 / FRAMES_PER_S) * RATE)]
    return float(min(1.0, 4.5 * np.sqrt(np.mean(piece**2)))) if piece.size else 0.0


def film(story: Story, sound: Samples, path: Path) -> None:
    """Draw and encode: H.264 with a key frame every two seconds, AAC, index in front."""
    scene = SCENES[story.about["stream_id"]]
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as out:
        video = out.add_stream("libx264", rate=FRAMES_PER_S)
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        video.gop_size = 2 * FRAMES_PER_S
        video.codec_context.thread_count = 1
        video.options = {"crf": "24", "preset": "slow", "x264-params": "scenecut=0:threads=1"}
        audio = out.add_stream("aac", rate=RATE)
        audio.layout, audio.bit_rate = "mono", 56_000
        for index in range(int(story.duration_s * FRAMES_PER_S)):
            t = index / FRAMES_PER_S
            frame = av.VideoFrame.from_image(scene(t, openness(sound, t)))
            frame.pts, frame.time_base = index, Fraction(1, FRAMES_PER_S)
            out.mux(video.encode(frame))
        out.mux(video.encode())
        for start in range(0, sound.size, 1_024):
            piece = np.ascontiguousarray(sound[start : start + 1_024][None, :])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            out.mux(audio.encode(frame))
        out.mux(audio.encode())


def write(story: Story) -> None:
    folder = FOLDER / story.about["stream_id"]
    folder.mkdir(parents=True, exist_ok=True)
    film(story, spoken(story), folder / "stream.mp4")
    (folder / "stream.json").write_text(json.dumps({**story.about, "segment_s": 20}, indent=2) + "\n", encoding="utf-8")
    messages = [
        {"message_id": f"chat-{number}", "at_s": message.at_s, "viewer_id": message.viewer, "text": message.text}
        for number, message in enumerate(story.chat, start=1)
    ]
    for name, entries in (("chat", messages), ("gifts", list(story.gifts))):
        if entries:
            lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
            (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "expected.toml").write_text(story.expected, encoding="utf-8")
    print(f"{folder.name}: {(folder / 'stream.mp4').stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    for one in STORIES:
        if not sys.argv[1:] or one.about["stream_id"] in sys.argv[1:]:
            write(one)
