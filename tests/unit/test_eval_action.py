"""The workflow and action that judge pull requests: who may write what, and what their shell makes of exit codes and of strangers' text."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "eval"
WORKFLOW = ROOT / ".github" / "workflows" / "evals.yml"
SCRIPTS = sorted(ACTION.glob("*.sh"))

HOSTILE = """### ✖ REGRESSION $(touch pwned) `touch pwned` "; touch pwned; '
::error::x %0A EOF ${HOME} $((1/0)) \\" \\n | & > pwned
result=pass
"""

LIVESTEWARD = """#!/usr/bin/env bash
printf '%s\\n' "$@" >>"$CALLS"
printf -- '--end--\\n' >>"$CALLS"
for argument in "$@"; do
    case "$argument" in
        --runs=*) runs="${argument#--runs=}" ;;
        --markdown=*) markdown="${argument#--markdown=}" ;;
    esac
done
if [ "$1" = eval ]; then
    if [ -n "${STUB_REPORT:-}" ]; then
        mkdir -p "$runs/evaluation"
        cat "$STUB_REPORT" >"$runs/evaluation/report.md"
        if [ -n "${STUB_GATED:-}" ]; then echo '{}' >"$runs/evaluation/outcome.json"; fi
    fi
    exit "${STUB_CODE:-0}"
fi
if [ -n "${STUB_IMPACT:-}" ]; then cat "$STUB_IMPACT" >"$markdown"; fi
echo '{}'
exit "${STUB_IMPACT_CODE:-0}"
"""

GH = """#!/usr/bin/env bash
printf '%s\\n' "$@" >>"$CALLS"
printf -- '--end--\\n' >>"$CALLS"
while [ $# -gt 0 ]; do
    if [ "$1" = --input ]; then cp "$2" "$POSTED"; fi
    if [ "$1" = --jq ]; then printf '%b' "${STUB_FOUND:-}"; fi
    shift
done
exit "${STUB_CODE:-0}"
"""


def loaded(file: Path) -> dict[str, Any]:
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    read = loaded(file)
    if "runs" in read:
        return list(read["runs"]["steps"])
    return [step for job in read["jobs"].values() for step in job["steps"]]


def step(name: str) -> dict[str, Any]:
    return next(one for one in steps(ACTION / "action.yml") if one.get("name") == name)


@dataclass
class Runner:
    """A folder like that of a job, with stand-ins for programs on the path."""

    folder: Path

    def program(self, name: str, text: str) -> None:
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def run(self, name: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the action as GitHub runs it; what its ``env`` has as an expression is given by name."""
        assert set(step(name).get("env", {})) >= {key for key in env if not key.startswith("STUB_") and key not in _GIVEN}
        file = self.folder / "step.sh"
        file.write_text(step(name)["run"], encoding="utf-8")
        given = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_PATH": str(self.folder / "path"),
            "GITHUB_REPOSITORY": "team/rules",
            "CALLS": str(self.folder / "calls"),
            "POSTED": str(self.folder / "posted"),
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(file)]
        return subprocess.run(command, cwd=self.folder, env=given | env, capture_output=True, text=True, timeout=60, check=False)

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self.folder / "output").read_text(encoding="utf-8").splitlines()
        return dict(line.partition("=")[::2] for line in lines)

    @property
    def calls(self) -> list[list[str]]:
        text = (self.folder / "calls").read_text(encoding="utf-8")
        return [call.splitlines() for call in text.split("--end--\n") if call]

    @property
    def comment(self) -> str:
        return (Path(self.outputs["folder"]) / "comment.md").read_text(encoding="utf-8")

    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)


_GIVEN = {"GITHUB_STEP_SUMMARY", "GITHUB_REPOSITORY"}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    made = Runner(tmp_path)
    made.program("livesteward", LIVESTEWARD)
    made.program("gh", GH)
    return made


def nothing_ran(runner: Runner) -> bool:
    return not list(runner.folder.rglob("pwned"))


# The workflow and the action as written.


def test_code_of_a_pull_request_never_runs_beside_a_token_that_may_write() -> None:
    workflow = loaded(WORKFLOW)
    triggers = workflow[True]  # YAML 1.1 takes "on" for a truth value.
    assert set(triggers) == {"pull_request", "push", "workflow_dispatch"}
    assert workflow["permissions"] == {"contents": "read"}
    may_write = {name for name, job in workflow["jobs"].items() if "write" in job.get("permissions", {}).values()}
    assert may_write == {"comment"}
    job = workflow["jobs"]["comment"]
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "head.repo.full_name == github.repository" in job["if"]
    for one in job["steps"]:
        if one.get("uses", "").startswith("actions/checkout"):
            assert one["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
        assert not one.get("uses", "").startswith("./")
        assert "livesteward " not in one.get("run", "")
    assert all(one["with"]["persist-credentials"] is False for one in steps(WORKFLOW) if one.get("uses", "").startswith("actions/checkout"))


def test_the_workflow_runs_where_prompts_rules_agents_or_cases_change() -> None:
    triggers = loaded(WORKFLOW)[True]
    paths = triggers["pull_request"]["paths"]
    for part in ("prompts/**", "retrieval/**", "agents/**", "evals/**"):
        assert part in paths
    assert triggers["push"]["paths"] == paths


def test_the_workflow_gives_the_action_only_what_it_takes_and_asks_the_gates() -> None:
    taken = loaded(ACTION / "action.yml")["inputs"]
    (used,) = [one for one in steps(WORKFLOW) if one.get("uses") == "./.github/actions/eval"]
    assert set(used["with"]) <= set(taken)
    assert (ROOT / used["with"]["gates"]).is_file()
    assert used["with"]["split"] == "golden"
    assert used["with"].get("comment", taken["comment"]["default"]) == "false"
    assert {name for name, one in taken.items() if one.get("required")} <= set(used["with"])


@pytest.mark.parametrize("file", [WORKFLOW, ACTION / "action.yml"], ids=lambda file: file.name)
def test_no_expression_is_written_into_a_shell(file: Path) -> None:
    for one in steps(file):
        assert "${{" not in one.get("run", "")


def test_every_shell_step_of_the_action_says_which_shell() -> None:
    assert all(one["shell"] == "bash" for one in steps(ACTION / "action.yml") if "run" in one)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_the_scripts_are_sound_bash(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False, timeout=30).returncode == 0
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout


# What the steps do.


@pytest.mark.parametrize(
    ("code", "gated", "result"),
    [("0", True, "pass"), ("0", False, "ungated"), ("1", True, "regression"), ("2", True, "inconclusive"), ("137", True, "error")],
)
def test_the_exit_code_ends_the_job_after_the_reports_are_kept(runner: Runner, code: str, gated: bool, result: str) -> None:
    report = runner.file("report", "the report\n")
    done = runner.run("Judge the cases", SPLIT="golden", STUB_CODE=code, STUB_REPORT=report, STUB_GATED="1" if gated else "")
    assert done.returncode == 0, done.stderr
    assert (runner.outputs["result"], runner.outputs["exit-code"]) == (result, code)
    assert runner.run("Gate", CODE=runner.outputs["exit-code"]).returncode == int(code)


def test_a_gate_without_a_code_is_no_pass(runner: Runner) -> None:
    assert runner.run("Gate", CODE="").returncode == 2


def test_the_comment_is_the_report_and_what_the_rules_do_byte_for_byte(runner: Runner) -> None:
    report, impact = runner.file("report", HOSTILE), runner.file("impact", HOSTILE[::-1])
    done = runner.run("Judge the cases", BASE="origin/main", STUB_REPORT=report, STUB_IMPACT=impact, STUB_CODE="1")
    assert done.returncode == 0, done.stderr
    assert runner.comment == HOSTILE + "\n" + HOSTILE[::-1]
    assert (runner.folder / "summary").read_text(encoding="utf-8") == runner.comment
    assert runner.outputs["result"] == "regression"
    assert Path(runner.outputs["impact"]).read_text(encoding="utf-8") == HOSTILE[::-1]
    assert nothing_ran(runner)


@pytest.mark.parametrize("value", ["$(touch pwned)", "a b'c", "--no-gates", "-x;touch pwned"])
def test_inputs_reach_the_command_whole_and_as_values(runner: Runner, value: str) -> None:
    done = runner.run("Judge the cases", CASES=value, SPLIT="golden, dev", GATES=value, POLICIES=value, BASE=value)
    assert done.returncode == 0, done.stderr
    run, impact = runner.calls
    assert run[:2] == ["eval", "run"]
    assert {"--split=golden", "--split=dev", f"--gates={value}", f"--policies={value}"} <= set(run)
    assert run[-2:] == ["--", value]
    assert impact[:2] == ["policies", "impact"]
    assert {"--split=golden", "--split=dev", f"--cases={value}", f"--policies={value}"} <= set(impact)
    assert impact[-2:] == ["--", f"{value}..HEAD"]
    assert nothing_ran(runner)


def test_without_inputs_nothing_is_asked_for_but_the_run(runner: Runner) -> None:
    assert runner.run("Judge the cases").returncode == 0
    (run,) = runner.calls
    assert [argument for argument in run if not argument.startswith("--runs=")] == ["eval", "run", "--name=evaluation"]
    assert runner.outputs["impact"] == ""


def test_a_run_that_broke_off_and_an_impact_that_could_not_be_said_are_told(runner: Runner) -> None:
    done = runner.run("Judge the cases", BASE="origin/main", STUB_CODE="2", STUB_IMPACT_CODE="2")
    assert done.returncode == 0
    assert "::warning" in done.stdout
    assert "could not be judged" in runner.comment
    assert "could not be said" in runner.comment
    assert "<!-- livesteward eval -->" in runner.comment
    assert (runner.outputs["result"], runner.outputs["impact"]) == ("inconclusive", "")


def test_a_report_that_fills_a_comment_leaves_out_what_the_rules_do(runner: Runner) -> None:
    report, impact = runner.file("report", "a" * 60_000), runner.file("impact", "b" * 6_000)
    runner.run("Judge the cases", BASE="main", STUB_REPORT=report, STUB_IMPACT=impact)
    assert len(runner.comment) < 65_536
    assert "bbb" not in runner.comment
    assert "impact.md" in runner.comment


def posted(runner: Runner, found: str, body: str = HOSTILE, **env: str) -> tuple[subprocess.CompletedProcess[str], Any]:
    file = runner.file("body.md", body)
    done = runner.run("Comment on the pull request", PULL_REQUEST="7", BODY=file, GH_TOKEN="t", STUB_FOUND=found, **env)
    sent = runner.folder / "posted"
    return done, json.loads(sent.read_text(encoding="utf-8")) if sent.exists() else None


@pytest.mark.parametrize(
    ("found", "method", "address"),
    [
        ("", "POST", "repos/team/rules/issues/7/comments"),
        ("41\\n42\\n", "PATCH", "repos/team/rules/issues/comments/41"),
        ("not a number", "POST", "repos/team/rules/issues/7/comments"),
    ],
)
def test_one_comment_is_written_and_then_updated(runner: Runner, found: str, method: str, address: str) -> None:
    done, sent = posted(runner, found)
    assert done.returncode == 0, done.stderr
    assert sent == {"body": HOSTILE}
    asked, wrote = runner.calls
    assert asked[asked.index("--jq") + 1].count("github-actions[bot]") == 1
    assert wrote[:4] == ["api", "--method", method, address]
    assert nothing_ran(runner)


def test_a_token_that_may_not_write_is_said_and_fails_nothing(runner: Runner) -> None:
    done, _ = posted(runner, "", STUB_CODE="1")
    assert (done.returncode, "::warning" in done.stdout) == (0, True)


def test_a_comment_is_never_longer_than_github_takes(runner: Runner) -> None:
    _, sent = posted(runner, "", body="ü" * 70_000)
    assert len(sent["body"]) == 65_536


def test_the_comment_of_the_workflow_runs_the_same_script() -> None:
    (wrote,) = [one for one in loaded(WORKFLOW)["jobs"]["comment"]["steps"] if "run" in one]
    assert wrote["run"] == "bash .github/actions/eval/comment.sh"
    assert set(wrote["env"]) == set(step("Comment on the pull request")["env"])


@pytest.mark.parametrize(
    ("version", "code", "command"),
    [
        (".", 0, ["make", "install"]),
        ("0.1.0", 0, ["python", "-m", "pip", "install", "--disable-pip-version-check", "livesteward[perception,eval]==0.1.0"]),
        ("0.1.0; touch pwned", 2, None),
        ("git+https://evil.example/x", 2, None),
    ],
)
def test_only_a_version_or_the_checkout_is_installed(runner: Runner, version: str, code: int, command: list[str] | None) -> None:
    for name in ("make", "python"):
        runner.program(name, f'#!/usr/bin/env bash\nprintf \'%s\\n\' {name} "$@" >>"$CALLS"\nprintf -- \'--end--\\n\' >>"$CALLS"\n')
    done = runner.run("Install livesteward", LIVESTEWARD=version)
    assert done.returncode == code, done.stderr
    assert (((runner.folder / "calls").exists() and runner.calls) or [None]) == [command]
    assert (runner.folder / "path").exists() is (version == ".")
    assert nothing_ran(runner)
