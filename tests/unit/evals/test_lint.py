"""The lint as a whole: every kind of problem, in order, and the command that prints them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result
from unit.evals.making import case, dataset, expected
from unit.evals.words import WordsEmbedder

import livesteward.models.embedders
from livesteward.cli.eval import app
from livesteward.contracts import Rule
from livesteward.evals.badcases.drafts import DRAFT
from livesteward.evals.linting.decisive_texts import PlacedText
from livesteward.evals.linting.lint import lint

OFFER = "Send me three hundred tonight and on Sunday there will be three thousand in your account, guaranteed."
Run = Callable[..., Result]


def no_rules(_region: str, _day: object) -> dict[str, Rule]:
    return {}


async def test_every_check_has_its_say_in_the_order_of_the_files(tmp_path: Path) -> None:
    quotas = tmp_path / "quotas.toml"
    quotas.write_text("[streams]\nat_least = 1\n", encoding="utf-8")
    cases = dataset(
        case("calls", segment={"utterances": ["Ring me on +60 12-873 9921."]}),
        case("copied", segment={"utterances": [OFFER]}),
        case("begun", note=f"{DRAFT}. Something.", segment={"utterances": ["Onions."]}),
        case("shown", segment={"utterances": ["Look."], "frames": [{"draw": {"scene": "poster", "text": ["sale"]}}]}),
        case("unruly", expected(rules=["FRAUD-9.9"], evidence=[("u1", "sure")]), segment={"utterances": ["It is sure."]}),
        root=tmp_path,
    )
    taught = [PlacedText(OFFER, "taught.jsonl", 7, "training text")]
    problems = await lint(cases, no_rules, training=taught, embedder=WordsEmbedder(), quotas=quotas)
    assert [(problem.case_id, problem.code) for problem in problems] == [
        ("calls", "real-data"),
        ("copied", "duplicate-training"),
        ("begun", "draft"),
        ("shown", "media-missing"),
        ("unruly", "rules"),
        ("-", "quota"),
    ]


async def test_real_data_is_looked_for_in_pictures_sound_names_and_notes(tmp_path: Path) -> None:
    number = "+60 12-873 9921"
    cases = dataset(
        case("drawn", segment={"frames": [{"draw": {"scene": "poster", "text": [number]}}]}),
        case("heard", segment={"utterances": [], "sound": {"text": [f"Call {number}."]}}),
        case("named", segment={"chat": [{"viewer_id": "bo", "text": "hi", "display_name": number}]}),
        case("noted", note=number),
        root=tmp_path,
    )
    problems = [problem for problem in await lint(cases, no_rules) if problem.code == "real-data"]
    assert [problem.case_id for problem in problems] == ["drawn", "heard", "named", "noted"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in an empty folder, with an embedder that needs no model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIVESTEWARD_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(livesteward.models.embedders, "embedder_from_settings", lambda settings: WordsEmbedder())

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def written(case_id: str, said: str, **more: Any) -> dict[str, Any]:
    segment = {"language": "en", "region": "SG", "utterances": [said]}
    return {"case_id": case_id, "segment": segment, "expect": [{"regions": ["SG"], "decision": "allow"}], "reason": "Fine.", **more}


def test_lint_ends_with_0_where_nothing_is_to_mend_and_with_1_and_the_place_where_something_is(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "golden" / "cases.yaml"
    file.parent.mkdir()
    file.write_text(
        yaml.safe_dump([written("market", "The lighthouse is closed in winter, so we walk along the harbour.")]), encoding="utf-8"
    )
    assert run("lint", "golden", "--quick").exit_code == 0
    copied = [written("one", OFFER), written("two", f"{OFFER} [bold]Now.[/]\x1b[2J", split="canary")]
    file.write_text(yaml.safe_dump(copied, sort_keys=False), encoding="utf-8")
    result = run("lint", "golden", "--quick")
    assert result.exit_code == 1
    assert "golden/cases.yaml:1  one:" in result.stdout
    assert "(duplicate-split)" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "1 to mend in 2 cases and 0 streams" in result.stdout


def test_lint_prints_problems_and_counts_for_programs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump([written("one", OFFER), written("two", OFFER)]), encoding="utf-8")
    result = run("lint", "cases.yaml", "--json", "--quick")
    read = json.loads(result.stdout)
    assert [(one["case_id"], one["code"], one["line"]) for one in read["problems"]] == [("one", "duplicate", 1)]
    assert read["counts"]["figures"]["segments"] == 2


def test_quotas_beside_the_cases_are_asked_for_a_folder_and_named_ones_always(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "golden" / "cases.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump([written("one", OFFER)]), encoding="utf-8")
    quotas = tmp_path / "golden" / "quotas.toml"
    quotas.write_text("[streams]\nat_least = 1\n", encoding="utf-8")
    assert "(quota)" in run("lint", "golden", "--quick").stdout
    assert run("lint", file, "--quick").exit_code == 0
    assert "(quota)" in run("lint", file, "--quick", "--quotas", quotas).stdout
