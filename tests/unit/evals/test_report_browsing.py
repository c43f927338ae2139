"""What the case browser is given: order, highlights, verdicts before and now, pictures within their limits."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, dataset, record
from unit.evals.views import MENDED, MISSED, PUNISHED, compared_view, picture, view_of

from livesteward.contracts import Frame
from livesteward.evals.reports import browsing
from livesteward.evals.reports.browsing import browser_data
from livesteward.evals.reports.highlights import Layer, pieces
from livesteward.evals.reports.pictures import LARGEST, Pictures, thumbnail


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    return {found["id"]: found for found in browser_data(compared_view())["cases"]}


def text_of(found: dict[str, Any], item: str) -> dict[str, Any]:
    texts: list[dict[str, Any]] = found["steps"][0]["texts"]
    return next(text for text in texts if text["id"] == item)


def test_what_got_worse_comes_first_then_mistakes_then_the_rest(cases: dict[str, Any]) -> None:
    order = list(cases)
    assert order[:2] == [MISSED, PUNISHED]
    assert order.index("self-harm-01") < order.index("broken-down-01") < order.index(MENDED) < order.index("everyday-01")


def test_a_row_has_label_decision_and_flip(cases: dict[str, Any]) -> None:
    (first, _) = cases[MISSED]["steps"][0]["rows"]
    assert first == {
        "r": "SG", "g": "violation", "d": "allow", "c": ["fraud_scam"], "right": False, "s": "high", "b": "violation", "flip": "worse",
    }  # fmt: skip


def test_label_and_quotes_are_marked_in_the_text(cases: dict[str, Any]) -> None:
    marks = {text: layers for text, layers in text_of(cases[MISSED], "u1")["t"] if layers}
    assert marks == {"guaranteed": Layer.LABEL | Layer.BEFORE}


def test_a_picture_shows_what_stands_in_it_and_what_was_read(cases: dict[str, Any]) -> None:
    shown, read = text_of(cases["fraud-picture-01"], "f1"), text_of(cases["fraud-picture-01"], "ocr-1")
    assert shown["t"] == [("DOUBLE YOUR MONEY", Layer.LABEL)]
    assert (read["kind"], read["t"]) == ("read", [("DOUBLE YOURMONEY", Layer.LABEL | Layer.NOW | Layer.BEFORE)])


def test_a_verdict_that_did_not_change_is_not_told_twice(cases: dict[str, Any]) -> None:
    assert cases["everyday-01"]["steps"][0]["before"] == "same"
    assert cases[MISSED]["steps"][0]["before"]["findings"][0]["rule"] == "FRAUD-1.1"
    assert cases[MISSED]["steps"][0]["now"]["findings"] == []


def test_without_the_rows_of_the_other_run_only_decisions_are_known() -> None:
    data = browser_data(replace(compared_view(), before=()))
    (first, *_) = data["cases"]
    assert (data["compared"], data["detailed"]) == (True, False)
    assert first["steps"][0]["before"] is None
    assert first["steps"][0]["rows"][0]["b"] == "violation"


def test_a_stream_has_its_steps_and_when_it_breaks_a_rule(cases: dict[str, Any]) -> None:
    slow = cases["slow-trap"]
    assert (slow["stream"], slow["starts"], len(slow["steps"])) == (True, 45, 6)
    assert [step["offset"] for step in slow["steps"]] == [0, 20, 40, 60, 80, 100]


def test_pairs_and_places_are_told(cases: dict[str, Any]) -> None:
    assert (cases[MENDED]["twin"], cases[MENDED]["differs"]) == (MISSED, "One word.")
    assert cases[MENDED]["at"].endswith("golden/cases.yaml:3")


def test_of_several_trials_the_most_frequent_decision_counts() -> None:
    one = case("one-01")
    trials = [record(one, what, trial=place) for place, what in enumerate((ALLOW, VIOLATION, ALLOW))]
    (found,) = browser_data(view_of(dataset(one), trials, trials=3))["cases"]
    (row,) = found["steps"][0]["rows"]
    assert (row["d"], row["right"], row["trials"]) == ("allow", True, ["allow", "violation", "allow"])


def test_cases_that_matter_least_are_left_out_where_there_is_no_room() -> None:
    data = browser_data(compared_view(), most_bytes=4_000)
    assert 0 < len(data["cases"]) < 9
    assert data["left_out"] == 9 - len(data["cases"])
    assert data["cases"][0]["id"] == MISSED


def test_review_reasons_are_told() -> None:
    one = case("one-01")
    (found,) = browser_data(view_of(dataset(one), [record(one, REVIEW)]))["cases"]
    assert found["steps"][0]["now"]["review"] == [["unsure", "unsure"]]


@pytest.mark.parametrize(
    ("text", "quote", "marked"),
    [
        ("Send me MONEY now", "money", ["MONEY"]),
        ("GUARANTEED200%PROFIT", "guaranteed 200% profit", ["GUARANTEED200%PROFIT"]),
        ("a b a b", "a b", ["a b", "a b"]),
        ("(x) [y]", "[y]", ["[y]"]),
        ("nothing", "else", []),
        ("empty", " ", []),
    ],
)
def test_a_quote_is_found_whatever_its_case_and_spacing(text: str, quote: str, marked: list[str]) -> None:
    cut = pieces(text, {Layer.NOW: [quote]})
    assert "".join(piece for piece, _ in cut) == text
    assert [piece for piece, layers in cut if layers] == marked


def test_layers_may_overlap() -> None:
    assert pieces("abcd", {Layer.LABEL: ["abc"], Layer.NOW: ["bcd"]}) == [("a", 1), ("bc", 3), ("d", 2)]


def test_hidden_characters_are_shown_also_inside_a_quote() -> None:
    assert pieces("pay \u202e\u200bnow", {Layer.NOW: ["\u202e\u200bnow"]}) == [("pay ", 0), ("�now", Layer.NOW)]


def test_a_person_reads_tags_and_tokens_as_they_were_written() -> None:
    cut = pieces("gg <|im_end|> <b>now</b> [LIVE]", {Layer.NOW: ["<|im_end", "[LIVE"]})
    assert [piece for piece, layers in cut if layers] == ["<|im_end", "[LIVE"]


def size_of(url: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as opened:
        assert opened.format == "JPEG"
        return opened.size


def test_pictures_are_small_jpegs(tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(picture())
    urls = Pictures(tmp_path).urls([Frame(frame_id="f1", at_s=0, path="a.webp")])
    assert size_of(urls["f1"]) == (LARGEST, 180)


def test_there_are_only_so_many_pictures_and_the_same_one_counts_once(tmp_path: Path) -> None:
    frames = []
    for number in range(5):
        (tmp_path / f"{number}.webp").write_bytes(picture(f"#{number}0a0f0"))
        frames.append(Frame(frame_id=f"f{number}", at_s=number, path=f"{number}.webp"))
    pictures = Pictures(tmp_path, most=2)
    assert set(pictures.urls([frames[0], frames[0]])) == {"f0"}
    assert set(pictures.urls(frames)) == {"f0", "f1"}
    assert Pictures(tmp_path, most_chars=10).urls(frames) == {}


def test_what_is_missing_broken_or_outside_the_folder_is_left_out(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    (tmp_path / "secret.webp").write_bytes(picture())
    (media / "link.webp").symlink_to(tmp_path / "secret.webp")
    (media / "broken.webp").write_bytes(b"RIFF but no picture")
    frames = [Frame(frame_id=name, at_s=0, path=f"{name}.webp") for name in ("link", "broken", "missing")]
    assert Pictures(media).urls(frames) == {}
    assert thumbnail(b"<svg onload=alert(1)>") == ""


def test_where_there_is_room_for_one_picture_a_wrong_case_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = {"frames": [{"draw": {"scene": "desk", "text": []}}]}
    right, wrong = case("right-01", segment=frame), case("wrong-01", segment=frame)
    (tmp_path / "media").mkdir()
    for number, name in enumerate(("right-01", "wrong-01")):
        (tmp_path / "media" / f"{name}-f1.webp").write_bytes(picture(f"#{number}0a0f0"))
    view = view_of(dataset(right, wrong, root=tmp_path), [record(right, ALLOW), record(wrong, VIOLATION)])
    monkeypatch.setattr(browsing, "Pictures", partial(Pictures, most=1))
    found = {one["id"]: one for one in browser_data(view)["cases"]}
    assert text_of(found["wrong-01"], "f1")["url"].startswith("data:image/jpeg;base64,")
    assert "url" not in text_of(found["right-01"], "f1")
