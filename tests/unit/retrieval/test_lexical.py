from __future__ import annotations

import pytest

from livesteward.retrieval.lexical import LexicalIndex, tokens


def test_words_are_small_letters_without_accents_and_plural() -> None:
    assert tokens("The VAPES, a Café & naïveté!") == ["vape", "cafe", "naivete"]


def test_vietnamese_typed_without_its_marks_is_the_same_word() -> None:
    assert tokens("lừa đảo")[0] == tokens("lua dao")[0]


def test_hindi_vowel_signs_do_not_cut_words() -> None:
    assert tokens("सट्टा ऐप") == ["सट्टा", "ऐप"]


def test_scripts_without_spaces_become_pairs_and_triples() -> None:
    assert tokens("电子烟") == ["电子", "子烟", "电子烟"]
    assert tokens("烟 5G") == ["烟", "5g"]


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ("电子烟可以卖吗", "在直播间出售电子烟弹"),
        ("オンラインカジノの紹介", "違法なカジノサイトを宣伝する"),
        ("ขายบุหรี่ไฟฟ้าได้ไหม", "ห้ามโฆษณาบุหรี่ไฟฟ้าในไลฟ์"),
        ("도박사이트 홍보", "불법 도박을 홍보하는 방송"),
        ("can I sell vapes", "Selling a vape on stream"),
    ],
)
def test_a_part_of_a_sentence_finds_its_document(query: str, right: str) -> None:
    others = ["在直播间唱歌", "料理の配信", "ร้องเพลงในไลฟ์", "노래하는 방송", "Singing on stream"]
    scores = LexicalIndex([*others, right]).scores(query)
    assert scores.argmax() == len(others)


@pytest.mark.parametrize("query", ["", "!!!", "the of", "xyzzy"])
def test_a_query_that_shares_nothing_scores_nothing(query: str) -> None:
    assert LexicalIndex(["one two", "three"]).scores(query).tolist() == [0.0, 0.0]


def test_nothing_to_search_is_no_error() -> None:
    assert LexicalIndex([]).scores("one").tolist() == []
    assert LexicalIndex(["", "!"]).scores("one").tolist() == [0.0, 0.0]
