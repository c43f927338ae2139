"""What is drawn and spoken is read and heard by the agent's own perception."""

from __future__ import annotations

import io
import re
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from livesteward.agents.perception.deadline import Deadline
from livesteward.agents.perception.media import sample
from livesteward.agents.perception.ocr import merge_blocks, read_blocks
from livesteward.agents.perception.pictures import Pixels
from livesteward.agents.perception.speech import transcribe
from livesteward.evals.cases import Drawing, Scene, Sound
from livesteward.evals.staging import fonts
from livesteward.evals.staging.recording import to_mp4, to_webp
from livesteward.evals.staging.scenes import draw
from livesteward.evals.staging.sound import speak
from livesteward.settings import Settings

FONTS = (("DejaVuSans.ttf",), ("DejaVuSans-Bold.ttf",), fonts.EAST_ASIAN.files)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("perception"),
    pytest.mark.skipif(any(fonts.find(files, fonts.FOLDERS) is None for files in FONTS), reason="a font is not installed"),
]
needs_voice = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

TEXTS = {
    "en": ("Guaranteed profit", "Send 50 dollars, get 100 back tomorrow", "Ask for the menu"),
    "zh": ("今晚八点抽奖送礼", "加我微信领取红包", "仅限前五十名"),
}
_HAN = "\u2e80-\u9fff"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+")


def words(text: str) -> Counter[str]:
    """Words, or in Chinese letters."""
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def share(wanted: str, found: str) -> float:
    """How many of the wanted words were found."""
    return (words(wanted) & words(found)).total() / words(wanted).total()


def read(pixels: Pixels) -> str:
    return " ".join(block.text for block in merge_blocks(read_blocks(pixels, at_s=0, frame_id="f1", threads=2)))


def shown(drawing: Drawing, name: str) -> Pixels:
    with Image.open(io.BytesIO(to_webp(draw(drawing, name=name)))) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("scene", Scene)
def test_the_text_of_every_scene_is_read(scene: Scene, language: str) -> None:
    lines = TEXTS[language]
    found = read(shown(Drawing(scene=scene, text=lines), f"{scene.value}-{language}-f1.webp"))
    assert share(" ".join(lines), found) >= 0.75, found
    assert words(found).total() <= words(" ".join(lines)).total() + 1, "something was read that nobody wrote"


@pytest.mark.parametrize("scene", Scene)
def test_nothing_is_read_where_nothing_is_written(scene: Scene) -> None:
    assert read(shown(Drawing(scene=scene), f"{scene.value}-none-f1.webp")) == ""


@needs_voice
@pytest.mark.parametrize(
    ("voice", "language", "text"),
    [
        ("en-us", "en", ("Good evening everyone, welcome to my kitchen.", "Send me money today and I will double it by tomorrow.")),
        ("de", "de", ("Guten Abend zusammen, heute backen wir ein Brot.", "Bitte schickt mir kein Geld, das hier ist umsonst.")),
    ],
)
def test_a_spoken_recording_is_heard_and_its_picture_read(tmp_path: Path, voice: str, language: str, text: tuple[str, ...]) -> None:
    sound = Sound(voice=voice, text=text, show=Drawing(scene=Scene.SLIDE, text=("Kitchen evening",)))
    (tmp_path / "a.mp4").write_bytes(to_mp4(draw(sound.show, name="a.mp4"), speak(sound, name="a.mp4", longest_s=20)))
    settings = Settings()
    seen = sample(tmp_path, "a.mp4", start_s=0, duration_s=20, settings=settings.perception, deadline=Deadline(120))
    assert seen.sound is not None
    transcript = transcribe(seen.sound, language=language, cache_dir=settings.cache_dir, threads=2, deadline=Deadline(120))
    heard = " ".join(utterance.text for utterance in transcript.utterances)
    assert share(" ".join(text), heard) >= 0.7, heard
    assert share("Kitchen evening", read(seen.pictures[0].pixels)) == 1
