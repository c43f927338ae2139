"""``eval compare`` looks at both sides before it judges the first."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from livesteward.cli.evals import running
from livesteward.cli.main import app
from livesteward.settings import Settings


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """What was judged; nothing should be."""
    runs: list[object] = []

    def judge(asked: object) -> None:
        runs.append(asked)
        raise RuntimeError("judged")

    monkeypatch.setattr(running, "run_now", judge)
    monkeypatch.chdir(tmp_path)
    return runs


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["eval", "compare", *arguments])
    assert done.exit_code == 2, done.output
    return " ".join(done.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "judge-sg"], "needs model.base_url"),
        (["--prompt", "judge@v1", "--vs", "judge@v99"], "99"),
        (["--policies", "no-such-folder"], "no folder of rule documents"),
    ],
)
def test_what_is_wrong_with_the_second_side_is_said_before_the_first_is_judged(
    arguments: list[str], message: str, judged: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--prompt" in arguments:
        monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", "http://127.0.0.1:9/v1")
    assert message in refused(*arguments)
    assert judged == []


SERVED = {"LIVESTEWARD_MODEL__BASE_URL": "http://127.0.0.1:9/v1", "LIVESTEWARD_MODEL__NAME": "judge-sg"}


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--model", "judge-sg"], SERVED),
        (["--prompt", "judge@v1", "--vs", "judge@v1"], SERVED),
        (["--model", "heads"], {}),
        # The heads have no prompt.
        (["--prompt", "judge@v1", "--vs", "judge@v2"], {}),
        (["--policies", str(Settings(workspace=None).policies_dir)], {}),
    ],
)
def test_two_sides_that_come_to_the_same_are_not_judged_twice(
    arguments: list[str], variables: dict[str, str], judged: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert "both sides come to the same" in refused(*arguments)
    assert judged == []


def test_two_models_of_one_server_are_two_sides(judged: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LIVESTEWARD_MODEL__NAME", "judge-base")
    CliRunner().invoke(app, ["eval", "compare", "--model", "judge-sg"])
    assert len(judged) == 1
