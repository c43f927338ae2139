"""Text that is read in several pictures is one text, and words keep their spaces."""

from __future__ import annotations

import numpy as np
import pytest

from livesteward.agents.perception.ocr import TextBlock, _blocks, _SpacingDecoder, merge_blocks


def block(text: str, at_s: float = 0, confidence: float = 0.9) -> TextBlock:
    return TextBlock(at_s=at_s, text=text, confidence=confidence, frame_id=f"key-{at_s:g}")


def test_a_text_seen_in_several_pictures_is_one_with_its_first_time_and_surest_reading() -> None:
    merged = merge_blocks([block("GUARANTEED RETURN5", 2, 0.7), block("GUARANTEEDRETURNS", 4, 0.8), block("GUARANTEED RETURNS", 6, 0.95)])
    assert [(one.text, one.at_s, one.frame_id) for one in merged if "RETURNS" in one.text] == [("GUARANTEED RETURNS", 4, "key-4")]


def test_small_reading_errors_are_the_same_text() -> None:
    assert len(merge_blocks([block("wallet DEMO-4471-XYZ"), block("walletDEM0-4471-XYZ", 2)])) == 1
    assert len(merge_blocks([block("SCAN AND SEND NOW"), block("SCAN AND SENO NOW", 2)])) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Pods $8.50", "Pods $3.50"), ("18+ only", "10+ only"), ("wallet 4471-8812-AA", "wallet 4471-8813-AA")]
)
def test_texts_that_differ_in_a_figure_stay_two(one: str, other: str) -> None:
    assert len(merge_blocks([block(one), block(other, 2)])) == 2


def test_what_the_platform_gave_is_not_read_again() -> None:
    blocks = [block("GUARANTEED200%PROFIT"), block("ONLY TODAY")]
    assert [one.text for one in merge_blocks(blocks, known=["guaranteed 200% profit - join"])] == ["ONLY TODAY"]


def test_a_lone_letter_is_a_pattern_and_no_text() -> None:
    assert merge_blocks([block("三"), block("|"), block("--")]) == ()


def test_lines_of_one_banner_are_joined_and_far_or_larger_ones_are_not() -> None:
    def line(x: float, y: float, width: float, height: float, text: str) -> tuple[np.ndarray, str, float]:
        return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], dtype=float), text, 0.9

    lines = [
        line(20, 10, 200, 20, "SEND 0.1 BTC"),
        line(30, 34, 180, 20, "GET 0.2 BACK"),
        line(20, 120, 200, 20, "OPEN DAILY"),
        line(300, 34, 200, 60, "TODAY"),
    ]
    assert [text for text, _ in _blocks(lines)] == ["SEND 0.1 BTC GET 0.2 BACK", "TODAY", "OPEN DAILY"]


def test_a_space_is_kept_where_the_recogniser_half_sees_one() -> None:
    characters = ["blank", "a", "b", " "]
    columns = [("a", 0.0), ("a", 0.0), ("blank", 0.2), ("b", 0.0), ("blank", 0.01), ("a", 0.0), ("blank", 0.0), ("a", 0.0), ("blank", 0.3)]
    output = np.zeros((len(columns), 4), dtype=np.float32)
    for row, (letter, space) in enumerate(columns):
        output[row, characters.index(letter)] = 0.9
        output[row, 3] = space
    ((text, confidence),) = _SpacingDecoder(characters)(output[None])
    assert text == "a baa"
    assert confidence == pytest.approx(0.9)
