"""Pictures and sound come out of their descriptions: whole, the same every time, and only where they are missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Case, Drawing, Scene, Sound
from livesteward.evals.dataset import Dataset, Located
from livesteward.evals.staging import check_media, fonts, stage
from livesteward.evals.staging.fonts import runs
from livesteward.evals.staging.lettering import SMALLEST, Box, fit, row_width
from livesteward.evals.staging.recording import to_webp
from livesteward.evals.staging.scenes import SCENES, draw
from livesteward.evals.staging.sound import LEAD_S, RATE, speak
from livesteward.evals.writing import read_entry

needs_fonts = pytest.mark.skipif(
    any(fonts.find((name,), fonts.FOLDERS) is None for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")),
    reason="the DejaVu fonts are not installed",
)
needs_han = pytest.mark.skipif(
    fonts.find(fonts.EAST_ASIAN.files, fonts.FOLDERS) is None, reason="no font with Chinese letters is installed"
)
needs_voice = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

FEW = ("SAVE 20% ON SEEDS", "Saturday 9 am to 1 pm")
MANY = ("Guaranteed returns of 12% a week, paid out daily: ask me how you can join me now",) * 7 + ("https://double.example/" + "x" * 57,)


def case(name: str, *, frames: list[Drawing] | None = None, sound: Sound | None = None, duration_s: float = 20) -> Case:
    segment = {
        "language": "en",
        "duration_s": duration_s,
        "frames": [{"draw": drawing.model_dump(mode="json")} for drawing in frames or []],
        **({"sound": sound.model_dump(mode="json")} if sound else {}),
    }
    entry = read_entry({"case_id": name, "segment": segment, "expect": [{"regions": ["SG"], "decision": "allow"}], "reason": "r"})
    assert isinstance(entry, Case)
    return entry


def dataset(root: Path, *cases: Case) -> Dataset:
    return Dataset(root=root, located=tuple(Located(one, root / "cases.yaml", number) for number, one in enumerate(cases, start=1)))


def codes(found: Dataset) -> list[str]:
    return [problem.code for problem in check_media(found)]


POSTER = Drawing(scene=Scene.POSTER, text=FEW)
SIGN = Drawing(scene=Scene.SIGN, text=("OPEN",))


def test_every_scene_that_a_case_may_name_can_be_drawn() -> None:
    assert set(SCENES) == set(Scene)


@needs_fonts
@pytest.mark.parametrize("scene", Scene)
@pytest.mark.parametrize("text", [(), FEW, ("", "  "), MANY], ids=["empty", "few", "blank", "many"])
def test_a_scene_is_a_picture_whatever_it_says(scene: Scene, text: tuple[str, ...]) -> None:
    assert draw(Drawing(scene=scene, text=text), name="a.webp").size == (640, 360)


@needs_fonts
@pytest.mark.parametrize("scene", Scene)
def test_a_picture_is_the_same_for_the_same_name_and_another_for_another(scene: Scene) -> None:
    drawing = Drawing(scene=scene, text=FEW)
    first, again, other = (to_webp(draw(drawing, name=name)) for name in ("a-f1.webp", "a-f1.webp", "b-f1.webp"))
    assert first == again != other


@needs_fonts
@pytest.mark.parametrize("size", [(600, 300), (260, 200), (150, 330)])
@pytest.mark.parametrize("lines", [("one",), FEW, (MANY[0], "x"), ("https://double.example/" + "x" * 57,)])
def test_text_fills_its_place_and_no_letter_is_lost(size: tuple[int, int], lines: tuple[str, ...]) -> None:
    lettering = fit(lines, Box(0, 0, *size))
    assert lettering.size >= SMALLEST
    assert lettering.height <= size[1]
    assert all(row_width(row, lettering.size, bold=True) <= size[0] for line in lettering.lines for row in line)
    assert ["".join(rows).replace(" ", "") for rows in lettering.lines] == [line.replace(" ", "") for line in lines]


@needs_fonts
def test_rows_of_a_wrapped_line_are_of_like_width() -> None:
    (rows,) = fit(("Saturday from 9 am to 1 pm at the mill by the river",), Box(0, 0, 300, 120)).lines
    assert len(rows) > 1
    assert min(map(len, rows)) > 0.6 * max(map(len, rows))


@needs_han
def test_chinese_is_wrapped_between_letters_and_no_row_begins_with_a_full_stop() -> None:
    text = "明天晚上七点继续上课，欢迎大家带上朋友一起来听。谢谢"
    (rows,) = fit((text,), Box(0, 0, 200, 200)).lines
    assert "".join(rows) == text
    assert len(rows) > 1
    assert not any(row[0] in "，。" for row in rows)


@needs_fonts
def test_more_text_than_can_be_read_is_an_error_that_says_how_much() -> None:
    with pytest.raises(InputError, match=r"640 letters in 8 lines are too much for 150 x 100 pixels, beginning with 'Guaranteed"):
        fit(MANY, Box(0, 0, 150, 100))


@needs_fonts
@needs_han
def test_each_letter_is_drawn_in_a_font_that_has_it() -> None:
    pieces = runs("Win 免费 now", bold=True)
    assert [text for _, text in pieces] == ["Win ", "免费 ", "now"]
    assert pieces[0][0] == pieces[2][0] != pieces[1][0]


@pytest.mark.parametrize(
    ("text", "package"),
    [("Hello", "fonts-dejavu-core"), ("免费", "fonts-droid-fallback"), ("नमस्ते", "fonts-noto-core")],
    ids=["Latin", "Han", "Devanagari"],
)
def test_a_font_that_is_missing_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, package: str) -> None:
    if text != "Hello":
        (tmp_path / "DejaVuSans.ttf").touch()
    monkeypatch.setattr(fonts, "FOLDERS", (tmp_path, tmp_path / "not there"))
    with pytest.raises(ConfigurationError, match=f"apt-get install {package}"):
        runs(text, bold=False)


@needs_fonts
def test_a_letter_that_no_font_has_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"U\+13000 EGYPTIAN HIEROGLYPH A001"):
        draw(Drawing(scene=Scene.SIGN, text=("\U00013000",)), name="a.webp")


@needs_voice
def test_sentences_follow_each_other_and_come_out_the_same() -> None:
    one = speak(Sound(text=("Good evening.",)), name="a.mp4", longest_s=20)
    two = speak(Sound(text=("Good evening.", "Good evening.")), name="a.mp4", longest_s=20)
    assert (one == speak(Sound(text=("Good evening.",)), name="a.mp4", longest_s=20)).all()
    assert two.size > 1.6 * one.size
    assert abs(one[: int(LEAD_S * RATE)]).max() < 0.01 < 0.5 < abs(one).max() <= 1


@needs_voice
def test_sentences_that_would_take_too_long_are_said_faster() -> None:
    sound = Sound(text=("This is a sentence with a number of words in it.",))
    at_ease = speak(sound, name="a.mp4", longest_s=20)
    in_haste = speak(sound, name="a.mp4", longest_s=at_ease.size / RATE - 0.01)
    assert 0.5 * at_ease.size < in_haste.size < at_ease.size


@needs_voice
def test_a_sentence_that_begins_with_a_dash_is_no_option() -> None:
    assert speak(Sound(text=("--help",)), name="a.mp4", longest_s=20).size > 0.5 * RATE


@needs_voice
@pytest.mark.parametrize(("voice", "text", "says"), [("xx-none", "Hello", "voice 'xx-none'"), ("en-us", "...", "'...'")])
def test_what_cannot_be_spoken_is_an_error_that_names_it(voice: str, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        speak(Sound(voice=voice, text=(text,)), name="a.mp4", longest_s=20)


def test_without_espeak_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="apt-get install espeak-ng"):
        speak(Sound(text=("Hello",)), name="a.mp4", longest_s=20)


@needs_fonts
def test_staging_writes_each_picture_once_with_a_record(tmp_path: Path) -> None:
    found = dataset(tmp_path, case("a", frames=[POSTER, SIGN]), case("b", frames=[SIGN]))
    told: list[tuple[int, int, str]] = []
    staged = stage(found, progress=lambda *about: told.append(about))
    assert staged.made == ("a-f1.webp", "a-f2.webp", "b-f1.webp")
    assert told == [(1, 3, "a-f1.webp"), (2, 3, "a-f2.webp"), (3, 3, "b-f1.webp")]
    with Image.open(tmp_path / "media" / "a-f1.webp") as image:
        assert (image.format, image.size) == ("WEBP", (640, 360))
    assert sorted(json.loads((tmp_path / "media" / "manifest.json").read_text("utf-8"))["files"]) == sorted(staged.made)
    assert {path.stat().st_mode & 0o777 for path in found.media.iterdir()} == {0o644}, "others could not read what was staged"
    assert codes(found) == []
    again = stage(found)
    assert (again.made, again.kept, again.orphans) == ((), staged.made, ())


@needs_fonts
def test_making_all_again_gives_the_same_bytes(tmp_path: Path) -> None:
    found = dataset(tmp_path, case("a", frames=[POSTER]))
    stage(found)
    before = {path.name: path.read_bytes() for path in found.media.iterdir()}
    assert stage(found, only_missing=False).made == ("a-f1.webp",)
    assert {path.name: path.read_bytes() for path in found.media.iterdir()} == before


@needs_fonts
def test_only_what_was_described_anew_changed_or_lost_is_made_again(tmp_path: Path) -> None:
    def described(text: str) -> Dataset:
        new = Drawing(scene=Scene.NOTE, text=(text,))
        return dataset(tmp_path, *(case(name, frames=[new if name == "c" else POSTER]) for name in "abcd"))

    stage(described("first"))
    media = described("first").media
    (media / "a-f1.webp").unlink()
    (media / "b-f1.webp").write_bytes(b"edited")
    after = described("second")
    assert codes(after) == ["media-missing", "media-changed", "media-recipe"]
    assert [problem.case_id for problem in check_media(after)] == ["a", "b", "c"]
    staged = stage(after)
    assert (staged.made, staged.kept) == (("a-f1.webp", "b-f1.webp", "c-f1.webp"), ("d-f1.webp",))
    assert codes(after) == []


@needs_fonts
def test_files_that_no_case_names_are_reported_and_stay(tmp_path: Path) -> None:
    stage(dataset(tmp_path, case("a", frames=[POSTER]), case("b", frames=[SIGN])))
    (tmp_path / "media" / "old").mkdir()
    (tmp_path / "media" / "old" / "x.webp").touch()
    left = dataset(tmp_path, case("a", frames=[POSTER]))
    assert stage(left).orphans == ("b-f1.webp", "old/x.webp")
    assert (tmp_path / "media" / "b-f1.webp").is_file()
    assert [str(problem) for problem in check_media(left) if problem.code == "media-orphan"] == [
        f"{tmp_path / 'media' / name}:1: -: no case names this file [media-orphan]" for name in ("b-f1.webp", "old/x.webp")
    ]


@needs_fonts
def test_staging_a_selection_forgets_nothing_of_the_others(tmp_path: Path) -> None:
    found = dataset(tmp_path, case("a", frames=[POSTER]), case("b", frames=[SIGN]))
    stage(found)
    stage(found.select(only=["a"]), only_missing=False)
    assert codes(found) == []


def test_a_recording_of_ones_own_must_be_there_and_needs_no_record(tmp_path: Path) -> None:
    raw = {"language": "en", "media": {"path": "own.mp4"}, "frames": [{"path": "own.png"}]}
    entry = read_entry({"case_id": "a", "segment": raw, "expect": [{"regions": ["SG"], "decision": "allow"}], "reason": "r"})
    found = Dataset(root=tmp_path, located=(Located(entry, tmp_path / "cases.yaml", 1),))
    assert codes(found) == ["media-missing", "media-missing"]
    (tmp_path / "media").mkdir()
    for name in ("own.mp4", "own.png"):
        (tmp_path / "media" / name).touch()
    assert codes(found) == []
    assert stage(found).made == ()


@needs_fonts
@needs_voice
def test_a_recording_is_no_longer_than_its_segment_and_repeatable(tmp_path: Path) -> None:
    import av

    found = dataset(tmp_path, case("a", sound=Sound(text=("Good evening, everybody.",), show=SIGN), duration_s=4))
    assert stage(found).made == ("a.mp4",)
    path = found.media / "a.mp4"
    first = path.read_bytes()
    with av.open(str(path)) as container:
        assert 1 < container.duration / 1e6 <= 4
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec.name, video.width, video.height) == ("h264", 640, 360)
        assert (audio.codec.name, audio.channels) == ("aac", 1)
    stage(found, only_missing=False)
    assert path.read_bytes() == first


@needs_fonts
@needs_voice
def test_speech_longer_than_its_segment_names_the_case_and_the_rest_is_made(tmp_path: Path) -> None:
    long = Sound(text=("This sentence is rather long for so short a segment.",))
    found = dataset(tmp_path, case("too-long", sound=long, duration_s=2), case("b", frames=[POSTER]))
    with pytest.raises(InputError, match=r"too-long \(too-long.mp4\): the speech takes \d\.\d s, the segment 2 s"):
        stage(found)
    assert codes(found) == ["media-missing"]
    assert (found.media / "b-f1.webp").is_file()


def test_a_file_that_two_cases_describe_differently_is_an_error(tmp_path: Path) -> None:
    one, other = case("a", frames=[POSTER]), case("b", frames=[SIGN])
    frames = (one.segment.frames[0].model_copy(update={"path": "b-f1.webp"}),)
    one = one.model_copy(update={"segment": one.segment.model_copy(update={"frames": frames})})
    found = dataset(tmp_path, one, other)
    with pytest.raises(InputError, match=r"cases.yaml:2 \(b\): b-f1.webp is also described by a"):
        stage(found)
    assert codes(found) == ["media"]


@pytest.mark.parametrize(
    ("change", "says"),
    [({"frames": ()}, "frame 'f1', which has no path"), ({"frames": "x.png"}, "what is staged here is a .webp file")],
)
def test_a_description_without_its_file_is_an_error(tmp_path: Path, change: dict[str, object], says: str) -> None:
    one = case("a", frames=[POSTER])
    frames = (one.segment.frames[0].model_copy(update={"path": "x.png"}),) if change["frames"] else ()
    with pytest.raises(InputError, match=says):
        stage(dataset(tmp_path, one.model_copy(update={"segment": one.segment.model_copy(update={"frames": frames})})))


def test_a_damaged_manifest_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "manifest.json").write_text('{"files": {"a": 1}}', encoding="utf-8")
    found = dataset(tmp_path, case("a", frames=[POSTER]))
    with pytest.raises(InputError, match=r"manifest.json \(delete it"):
        stage(found)
    assert codes(found) == ["media"]


def test_checking_loads_nothing_that_draws_or_encodes() -> None:
    code = "import sys, livesteward.evals.staging; print(sorted(set(sys.modules) & {'PIL', 'av', 'numpy', 'segno'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
