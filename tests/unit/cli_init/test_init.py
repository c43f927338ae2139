"""``livesteward init``: what it lays out, what it leaves alone, and that commands then use it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from unit.evals.making import run_info

from livesteward.agents.thresholds import load_thresholds
from livesteward.cli.evals.showing import held_for
from livesteward.cli.main import run
from livesteward.contracts import Category, Decision
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Split
from livesteward.evals.dataset import Dataset, load_dataset
from livesteward.evals.linting.consistency import check_consistency
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import Settings, load_settings
from livesteward.workspace import lay_out

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command; returns exit code, standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            run(list(arguments))
        out, err = capsys.readouterr()
        code = left.value.code
        return (code if isinstance(code, int) else 0 if code is None else 1), out, err

    return call


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay_out(tmp_path / "ours", regions=["SG"])
    monkeypatch.chdir(tmp_path / "ours")
    return tmp_path / "ours"


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_laid_out(tmp_path: Path, command: Command) -> None:
    code, out, _ = command("init", str(tmp_path / "ours"))
    assert code == 0, out
    written = files(tmp_path / "ours")
    assert {
        "livesteward.toml",
        "README.md",
        ".gitignore",
        "thresholds.toml",
        "gates.toml",
        "golden/cases.yaml",
        ".github/workflows/moderation.yml",
        "prompts/judge/v1.md",
        "prompts/lock.json",
    } <= set(written)
    shipped = Settings(workspace=None)
    own_rules = {name.removeprefix("policies/"): content for name, content in written.items() if name.startswith("policies/")}
    assert own_rules == files(shipped.policies_dir)
    assert written["thresholds.toml"] == shipped.thresholds_file.read_bytes()
    assert not [name for name in written if name.endswith(".py")]
    assert not [name for name, content in written.items() if re.search(rb"(?<!\$)\{\{", content) and not name.startswith("prompts/")]


def test_with_a_region_come_its_rules_those_of_its_groups_and_the_global_ones(tmp_path: Path) -> None:
    done = lay_out(tmp_path / "ours", regions=["SG", "DE", "SG"])
    assert done.jurisdictions == ("global", "ASEAN", "SG", "EU", "DE")
    assert sorted(path.name for path in (tmp_path / "ours" / "policies").iterdir()) == ["ASEAN", "DE", "EU", "SG", "global"]


@pytest.mark.parametrize(("region", "message"), [("UK", "did you mean 'GB'"), ("NZ", "no rules of its own for NZ"), ("../x", "ISO 3166")])
def test_a_region_without_rules_is_told_and_nothing_is_written(tmp_path: Path, region: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        lay_out(tmp_path / "ours", regions=[region])
    assert message in str(caught.value)
    assert not (tmp_path / "ours").exists()


def test_a_folder_with_files_is_refused_and_left_as_it_is(tmp_path: Path, command: Command) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    code, _, err = command("init", str(tmp_path))
    assert code == 2
    assert "not empty" in err
    assert "--force" in err
    assert files(tmp_path) == {"notes.txt": b"mine"}


def test_a_fresh_repository_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert lay_out(tmp_path, regions=["SG"]).written


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="this is a file"):
        lay_out(tmp_path / "file")


def test_force_keeps_what_differs_says_so_and_adds_what_is_missing(workspace: Path, command: Command) -> None:
    (workspace / "thresholds.toml").write_text("# ours\n", encoding="utf-8")
    (workspace / "policies" / "SG" / "regulated-goods.md").unlink()
    before = files(workspace)
    code, out, err = command("init", ".", "--region", "SG", "--force", "--json")
    assert (code, err) == (0, "")
    done = json.loads(out)
    assert (done["kept"], done["written"]) == (["thresholds.toml"], ["policies/SG/regulated-goods.md"])
    after = files(workspace)
    assert {name: after[name] for name in before} == before
    assert "policies/SG/regulated-goods.md" in after
    code, _, err = command("init", ".", "--region", "SG", "--force")
    assert (code, "thresholds.toml" in err) == (0, True)


def test_a_link_that_leads_nowhere_is_kept_too(workspace: Path) -> None:
    (workspace / "README.md").unlink()
    (workspace / "README.md").symlink_to(workspace.parent / "elsewhere.md")
    assert lay_out(workspace, regions=["SG"], force=True).kept == ("README.md",)
    assert not (workspace.parent / "elsewhere.md").exists()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "policies").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        lay_out(tmp_path, force=True)


def test_a_new_workspace_is_clean_by_its_own_checks(workspace: Path, command: Command) -> None:
    assert command("policies", "lint")[0] == 0
    assert command("prompts", "lint")[0] == 0


def test_a_changed_rule_shows_in_the_workspace_and_not_outside(workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    document = workspace / "policies" / "SG" / "regulated-goods.md"
    text = document.read_text(encoding="utf-8")
    changed = text.replace("There is no adult-audience", "Lychee ice is no better than mango. There is no adult-audience")
    changed = (
        changed
        if changed != text
        else text.replace("In Singapore the purchase", "Lychee ice is no better than mango. In Singapore the purchase")
    )
    assert changed != text
    document.write_text(changed, encoding="utf-8")
    arguments = ("policies", "show", "GOODS-2.2", "--region", "SG", "--json")
    (workspace / "golden" / "deeper").mkdir()
    monkeypatch.chdir(workspace / "golden" / "deeper")
    code, out, err = command(*arguments)
    assert code == 0, err
    assert "Lychee ice is no better than mango." in out
    monkeypatch.chdir(workspace.parent)
    code, out, err = command(*arguments)
    assert code == 0, err
    assert "Lychee ice is no better than mango." not in out


def test_thresholds_of_the_workspace_are_used(workspace: Path) -> None:
    file = workspace / "thresholds.toml"
    file.write_text(re.sub(r"violation = 0\.\d+", "violation = 0.71", file.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    thresholds = load_thresholds(load_settings().thresholds_file)
    assert thresholds.band(Category.FRAUD_SCAM, "SG").violation == 0.71
    assert load_thresholds(Settings(workspace=None).thresholds_file).band(Category.FRAUD_SCAM, "SG").violation != 0.71


def test_a_prompt_changed_in_the_workspace_is_noticed_there(workspace: Path, command: Command) -> None:
    prompt = workspace / "prompts" / "judge" / "v1.md"
    prompt.write_text(prompt.read_text(encoding="utf-8").replace("Be exact", "Be very exact"), encoding="utf-8")
    code, _, err = command("prompts", "lint")
    assert (code, "judge" in err) == (1, True)


def golden(folder: Path) -> Dataset:
    return load_dataset(folder / "golden")


def test_the_golden_cases_are_six_violations_and_six_innocents_in_pairs(tmp_path: Path) -> None:
    lay_out(tmp_path)
    cases = golden(tmp_path).cases
    assert len(cases) == 12
    assert {case.split for case in cases} == {Split.GOLDEN}
    decisions = [expectation.decision for case in cases for expectation in case.expect]
    assert (decisions.count(Decision.ALLOW), decisions.count(Decision.VIOLATION)) == (6, 6)
    by_id = {case.case_id: case for case in cases}
    pairs = [(by_id[case.twin_of], case) for case in cases if case.twin_of]
    assert len(pairs) == 5
    assert all({one.expect[0].decision for one in pair} == {Decision.ALLOW, Decision.VIOLATION} for pair in pairs)


@pytest.mark.parametrize(("regions", "cases"), [((), 12), (("SG",), 12), (("DE",), 10)])
def test_the_golden_cases_fit_the_rules_that_they_come_with(tmp_path: Path, regions: tuple[str, ...], cases: int) -> None:
    lay_out(tmp_path, regions=regions)
    library = load_library(tmp_path / "policies")
    found = golden(tmp_path)
    assert len(found.cases) == cases
    assert check_consistency(found, lambda region, on: {rule.rule_id: rule for rule in library.rulebook(region, on).rules}) == []


def test_the_golden_cases_say_nothing_that_is_another_case_or_an_example_of_a_rule(workspace: Path, command: Command) -> None:
    code, out, err = command("eval", "lint", "golden", "--quick")
    assert code == 0, out + err


def test_the_readme_tells_every_field_of_a_golden_case(workspace: Path) -> None:
    readme = (workspace / "README.md").read_text(encoding="utf-8")
    written = yaml.safe_load((workspace / "golden" / "cases.yaml").read_text(encoding="utf-8"))
    findings = [finding for case in written for expectation in case["expect"] for finding in expectation.get("findings", [])]
    fields = {field for case in written for field in case} | {field for finding in findings for field in finding} - {"subject_ids"}
    assert not [field for field in fields if f"`{field}`" not in readme]


def test_the_gates_stand_where_a_run_of_the_golden_cases_looks_for_them(workspace: Path) -> None:
    dataset = golden(workspace)
    info = run_info(dataset, records=12).model_copy(update={"splits": (Split.GOLDEN,)})
    held = held_for(None, info, dataset)
    assert held is not None
    assert held.baseline == workspace / "golden-baseline.jsonl"
    assert held.gates.floor and held.gates.non_inferior


def test_the_workflow_installs_this_version_runs_the_checks_and_judges_the_cases(workspace: Path) -> None:
    from importlib.metadata import version

    workflow = yaml.safe_load((workspace / ".github" / "workflows" / "moderation.yml").read_text(encoding="utf-8"))
    runs = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    assert runs == [f'pip install "livesteward=={version("livesteward")}"', "livesteward policies lint", "livesteward prompts lint"]
    (used,) = [step for step in workflow["jobs"]["golden"]["steps"] if "/actions/eval@" in step.get("uses", "")]
    assert used["uses"].endswith(f"@v{version('livesteward')}")
    assert (used["with"]["livesteward"], used["with"]["split"]) == (version("livesteward"), "golden")
    action = yaml.safe_load((ROOT / ".github" / "actions" / "eval" / "action.yml").read_text(encoding="utf-8"))
    assert set(used["with"]) <= set(action["inputs"])
    assert workflow["permissions"] == {"contents": "read"}
