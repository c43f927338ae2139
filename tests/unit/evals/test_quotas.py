"""What is counted of a set, and quotas that fail when it is short."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.evals.making import ALLOW, REVIEW, VIEWER, case, dataset, expected, stream

from livesteward.errors import ConfigurationError
from livesteward.evals.dataset import SHIPPED, Dataset
from livesteward.evals.linting.quotas import FIGURES, QUOTAS, check_quotas, counts


@pytest.fixture
def small() -> Dataset:
    """A set with one of everything that is counted."""
    return dataset(
        case("scam", expected(), expected(ALLOW, regions=["DE"])),
        case("warning", looks_like=["fraud_scam"], twin_of="scam"),
        case("plain", segment={"language": "pt-BR"}, split="dev"),
        case("raid", expected(subject="viewers", evidence=[("c1", "hello")]), tags=["raid", "emoji"]),
        case("calm-raid", tags=["raid"]),
        case("host-raid", expected(), tags=["raid"]),
        case("ordered", expected(), injection={"base": "scam", "via": "chat", "aim": "acquit"}),
        case("denounced", injection={"base": "plain", "via": "chat", "aim": "punish"}, split="canary"),
        case("drawn", segment={"frames": [{"draw": {"scene": "poster", "text": ["sale"]}}]}),
        case("heard", expected(REVIEW), segment={"utterances": [], "sound": {"text": ["Hello."]}}),
        stream("live", ALLOW, ALLOW, "violation", starts_s=40),
    )


def test_figures_count_what_they_are_named_for(small: Dataset) -> None:
    figures = counts(small).figures
    assert set(figures) == set(FIGURES)
    assert figures["segments"] == 10
    assert (figures["streams"], figures["shortest_stream"], figures["longest_stream"]) == (1, 3, 3)
    assert (figures["categories"], figures["regions"], figures["languages"]) == (1, 2, 2)
    assert figures["english_percent"] == pytest.approx(100 * 10 / 11, abs=0.01)
    assert figures["allowed_percent"] == 50
    assert figures["look_alike_percent"] == 20
    assert (figures["minimal_pairs"], figures["region_contrasts"]) == (1, 1)
    assert (figures["injections"], figures["injections_punish_percent"]) == (2, 50)
    assert (figures["raids_and_trolls"], figures["disguised"]) == (1, 1)
    assert (figures["with_frames"], figures["with_sound"]) == (1, 1)
    assert figures["dev_percent"] + figures["golden_percent"] + figures["canary_percent"] == pytest.approx(100, abs=0.05)
    assert figures["categories_in_every_split"] == 0


def test_tallies_are_by_case_and_stream_the_most_frequent_first(small: Dataset) -> None:
    counted = counts(small)
    assert counted.languages == {"en": 10, "pt": 1}
    assert counted.regions == {"SG": 11, "DE": 1}
    assert counted.decisions == {"allow": 6, "violation": 4, "review": 1}
    assert counted.subjects == {"host": 4, "viewers": 1}
    assert counted.tags == {"raid": 3, "emoji": 1}
    assert VIEWER not in counted.model_dump_json()


def test_an_empty_set_has_figures() -> None:
    assert counts(dataset()).figures["allowed_percent"] == 0


def test_a_set_that_is_short_or_over_fails_with_the_line_of_the_quota(small: Dataset, tmp_path: Path) -> None:
    file = tmp_path / QUOTAS
    text = "# why\n[segments]\nat_least = 11\n\n[streams]\nat_least = 1\n\n[english_percent]\nat_least = 40\nat_most = 60\n"
    file.write_text(text, encoding="utf-8")
    short, over = check_quotas(small, file)
    assert (short.code, short.file, short.line) == ("quota", str(file), 2)
    assert "segments is 10" in short.message
    assert "at least 11" in short.message
    assert over.line == 8
    assert "at most 60" in over.message


def test_a_bound_that_is_just_held_holds(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / QUOTAS).write_text("[segments]\nat_least = 10\nat_most = 10\n", encoding="utf-8")
    assert check_quotas(small, tmp_path / QUOTAS) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[segment]\nat_least = 1\n", "no figure 'segment'"),
        ("[segments]\natleast = 1\n", "atleast"),
        ("[segments]\n", "at_least, at_most"),
        ("segments = ", "quotas.toml"),
    ],
)
def test_a_wrong_file_of_quotas_is_refused(small: Dataset, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / QUOTAS).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        check_quotas(small, tmp_path / QUOTAS)


def test_the_shipped_quotas_can_be_read_and_an_empty_set_holds_none_of_its_lower_bounds() -> None:
    problems = check_quotas(dataset(), SHIPPED / QUOTAS)
    assert {"segments", "streams", "minimal_pairs"} <= {problem.message.split()[0] for problem in problems}
