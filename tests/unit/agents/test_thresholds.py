from __future__ import annotations

from pathlib import Path

import pytest

from livesteward.agents.thresholds import Thresholds, load_thresholds
from livesteward.contracts import Category
from livesteward.errors import ConfigurationError
from livesteward.settings import Settings

HATE = Category.HATE_HARASSMENT


def load(tmp_path: Path, text: str) -> Thresholds:
    file = tmp_path / "thresholds.toml"
    file.write_text(text, encoding="utf-8")
    return load_thresholds(file)


def test_the_shipped_file_is_read() -> None:
    thresholds = load_thresholds(Settings().thresholds_file)
    assert thresholds.band(Category.MINOR_SAFETY, "SG").review < thresholds.default.review


def test_the_nearest_table_wins(tmp_path: Path) -> None:
    thresholds = load(
        tmp_path,
        """
        [default]
        violation = 0.8
        review = 0.5
        [category.hate_harassment]
        violation = 0.75
        [jurisdiction.EU.hate_harassment]
        violation = 0.7
        review = 0.4
        [jurisdiction.DE.hate_harassment]
        violation = 0.6
        """,
    )
    assert thresholds.band(Category.FRAUD_SCAM, "DE").violation == 0.8
    assert thresholds.band(HATE, "SG").violation == 0.75
    assert thresholds.band(HATE, "FR").violation == 0.7
    assert (thresholds.band(HATE, "DE").violation, thresholds.band(HATE, "DE").review) == (0.6, 0.4)
    assert thresholds.lowest_review(HATE, ("SG", "DE")) == 0.4


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[default]\nviolation = 0.3\n", ["default", "review (0.4) must not be above violation (0.3)"]),
        ("[category.self_harm]\nreview = 0.9\n", ["category.self_harm", "review (0.9)"]),
        ("[jurisdiction.DE.self_harm]\nviolation = 0.3\n", ["jurisdiction.DE.self_harm", "violation (0.3)"]),
        (
            "[jurisdiction.EU.self_harm]\nreview = 0.7\n[jurisdiction.DE.self_harm]\nviolation = 0.6\n",
            ["jurisdiction.DE.self_harm", "review (0.7)"],
        ),
        ("[category.hate]\nreview = 0.1\n", ["category.hate"]),
        ("[jurisdiction.UK.self_harm]\nreview = 0.1\n", ["jurisdiction.UK", "'GB'"]),
        ("[default]\nreview = 1.5\n", ["default.review"]),
        ("[default]\nreview = nan\n", ["default.review"]),
        ("[screen]\nfloor = 'high'\n", ["screen.floor"]),
        ("[verfy]\nsecond_opinion = 0\n", ["verfy"]),
        ("default = \nother = 1\n", ["line 1"]),
    ],
)
def test_a_wrong_value_is_refused_with_file_and_field(tmp_path: Path, text: str, names: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    for name in ["thresholds.toml", *names]:
        assert name in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"thresholds\.toml"):
        load_thresholds(tmp_path / "thresholds.toml")


def test_the_digest_changes_with_the_file(tmp_path: Path) -> None:
    first = load(tmp_path, "[default]\nviolation = 0.8\n")
    assert first.digest == load(tmp_path, "[default]\nviolation = 0.8\n").digest
    assert first.digest != load(tmp_path, "[default]\nviolation = 0.81\n").digest
