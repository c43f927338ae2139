from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from livesteward.cli.policies import app
from livesteward.errors import InputError, PolicyError

Run = Callable[..., Result]
SHIPPED = Path(__file__).parents[3] / "retrieval" / "policies"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in an empty folder; errors of livesteward come through, for ``livesteward`` itself turns them into exit 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIVESTEWARD_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def read(result: Result) -> Any:
    """What a program reads from standard output: JSON and nothing else."""
    return json.loads(result.stdout)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with one rule of its own."""
    (tmp_path / "livesteward.toml").write_text("", encoding="utf-8")
    file = tmp_path / "policies/global/goods.md"
    file.parent.mkdir(parents=True)
    file.write_text((SHIPPED / "global/regulated-goods.md").read_text(encoding="utf-8"), encoding="utf-8")
    return file


def test_lint_ends_with_0_where_nothing_is_to_mend_and_with_1_and_the_place_where_something_is(run: Run, workspace: Path) -> None:
    assert run("lint").exit_code == 0
    assert read(run("lint", "--json")) == []
    workspace.write_text(workspace.read_text(encoding="utf-8").replace('jurisdiction: "global"', "jurisdiction: NO"), encoding="utf-8")
    result = run("lint")
    assert result.exit_code == 1
    assert "goods.md:4" in result.stdout
    result = run("lint", workspace.parents[1], "--json")
    assert result.exit_code == 1
    assert [(problem["path"], problem["line"], problem["code"]) for problem in read(result)] == [("global/goods.md", 4, "yaml-type")]


def test_search_finds_the_rule_and_says_why(run: Run) -> None:
    result = run("search", "--region", "SG", "is a stream allowed to sell vape pods", "--date", "2026-11-22")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[0] == "GOODS-2.2"
    assert "meaning 0." in result.stdout
    found = read(run("search", "--region", "SG", "直播间可以卖电子烟弹吗", "--date", "2026-11-22", "--limit", "2", "--json"))
    assert found[0]["rule"]["rule_id"] == "GOODS-2.2"
    assert len(found) == 2


def test_index_says_what_it_built_and_that_it_was_there(run: Run) -> None:
    first = read(run("index", "--region", "NZ", "--date", "2026-11-22", "--json"))
    assert [one["jurisdiction"] for one in first] == ["NZ"]
    again = read(run("index", "--region", "NZ", "--date", "2026-11-22", "--json"))
    assert again[0]["built"] is False


def test_a_workspace_searches_its_own_rules(run: Run, workspace: Path) -> None:
    found = read(run("list", "--region", "SG", "--json"))
    assert {rule["category"] for rule in found["rules"]} == {"regulated_goods"}
    with pytest.raises(InputError, match="only the shipped rules are frozen"):
        run("index", "--freeze")


def test_explain_goes_through_the_layers_with_file_line_norm_and_changed_fields(run: Run) -> None:
    explained = read(run("explain", "--region", "DE", "--date", "2026-11-22", "HATE-1.2", "--json"))
    assert [one["layer"]["jurisdiction"] for one in explained["layers"]] == ["global", "DE"]
    german = explained["layers"][1]
    assert "§ 86a StGB" in german["layer"]["norm"]
    assert "text" in german["layer"]["changed"]
    lines = (SHIPPED / german["layer"]["document"]).read_text(encoding="utf-8").split("\n")
    assert lines[german["layer"]["line"] - 1].startswith("## HATE-1.2")
    shown = run("explain", "--region", "DE", "--date", "2026-11-22", "HATE-1.2").stdout
    assert f"{german['layer']['document']}:{german['layer']['line']}" in shown
    assert "§ 86a StGB" in shown


def test_show_prints_the_rule_of_the_region_and_refuses_one_that_does_not_hold(run: Run) -> None:
    assert "In Germany" in run("show", "HATE-1.2", "--region", "DE", "--date", "2026-11-22").stdout
    assert read(run("show", "HATE-1.2", "--region", "DE", "--json"))["rule_id"] == "HATE-1.2"
    with pytest.raises(InputError, match=r"GOODS-4\.2 does not hold in US"):
        run("show", "GOODS-4.2", "--region", "US", "--date", "2026-11-22")


def test_diff_compares_regions_days_and_folders(run: Run, workspace: Path) -> None:
    workspace.rename(workspace.with_name("elsewhere.md"))
    assert run("diff", "global", "global").exit_code == 0
    for sides in (("global", "global@2025-12-31"), (str(SHIPPED), str(workspace.parents[1]))):
        result = run("diff", *sides, "--json", "--date", "2026-11-22")
        assert result.exit_code == 1
        assert read(result)["removed"]
    result = run("diff", SHIPPED, workspace.parents[1], "--region", "SG", "--date", "2026-11-22")
    assert "removed" in result.stdout


def test_list_names_the_regions_and_the_rules_of_one(run: Run) -> None:
    assert {"global", "EU", "SG"} <= {one["region"] for one in read(run("list", "--json"))}
    assert "GOODS-SG-1" in run("list", "--region", "SG", "--date", "2026-11-22").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "--region", "UK"), "did you mean 'GB'"),
        (("show", "HATE-9.9"), "no document that holds in global"),
        (("list", "--date", "22.11.2026"), "write it as 2026-11-22"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(run: Run, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(*arguments)


def test_a_folder_without_rules_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="holds no rule documents"):
        run("lint", tmp_path)
