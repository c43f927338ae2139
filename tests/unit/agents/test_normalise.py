from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesteward.agents.screen.ngrams import BITS, buckets
from livesteward.agents.screen.normalise import normalise

DISGUISES = {
    "leet": ("h4te", "hate"),
    "money sign": ("$cam", "scam"),
    "spaced out": ("k i l l", "kill"),
    "dotted": ("f.u.c.k you", "fuck you"),
    "stretched": ("killllll", "kill"),
    "homoglyph": ("кill", "kill"),
    "zero width": ("ki\u200bll", "kill"),
    "soft hyphen": ("ki\u00adll", "kill"),
    "bidi override": ("\u202ekill\u202c", "kill"),
    "fullwidth": ("ｋｉｌｌ", "kill"),
    "bold maths": ("𝐤𝐢𝐥𝐥", "kill"),
    "combining marks": ("k\u0336i\u0336l\u0336l\u0336", "kill"),
    "case": ("KiLL", "kill"),
}


@pytest.mark.parametrize(("written", "meant"), DISGUISES.values(), ids=DISGUISES.keys())
def test_a_disguise_is_undone(written: str, meant: str) -> None:
    assert normalise(written) == meant
    assert buckets(written).tolist() == buckets(meant).tolist()


@pytest.mark.parametrize("text", ["2024", "100%", "18+", "+1 202 435", "12:30"])
def test_numbers_stay_numbers(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize("text", ["杀了你", "привет как дела", "สวัสดีครับ", "سأعود غدا", "नमस्ते दोस्तों", "죽어라"])
def test_other_scripts_keep_their_letters_and_marks(text: str) -> None:
    assert normalise(text) == text


def test_a_link_becomes_one_word_whatever_it_points_at() -> None:
    assert normalise("see https://evil.example/a?b=c now") == normalise("see www.other.net now") == "see linkurl now"


@given(st.text(max_size=400))
def test_it_never_raises_and_stays_bounded(text: str) -> None:
    folded = normalise(text)
    assert folded == folded.strip()
    assert "  " not in folded
    # A compatibility form can stand for up to 18 letters, and a bare link for one word.
    assert len(folded) <= 18 * len(text) + 20


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=120))
def test_a_second_pass_comes_to_rest(text: str) -> None:
    once = normalise(text)
    again = normalise(once)
    for _ in range(6):
        once, again = again, normalise(again)
    assert again == once


def test_a_text_of_any_length_is_cut() -> None:
    assert len(normalise("ab " * 100_000)) <= 4_000


@given(st.text(max_size=300))
def test_buckets_are_sorted_distinct_and_in_range(text: str) -> None:
    found = buckets(text).tolist()
    assert found == sorted(set(found))
    assert all(0 <= bucket < 1 << BITS for bucket in found)


def test_no_text_has_no_buckets_and_other_texts_have_others() -> None:
    assert buckets(" \u200b ").size == 0
    assert set(buckets("kill").tolist()) != set(buckets("kiss").tolist())


def test_lone_surrogates_are_no_trouble() -> None:
    assert buckets("a\ud800b").size > 0
