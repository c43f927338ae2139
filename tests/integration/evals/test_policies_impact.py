"""`livesteward policies impact` on a small workspace in a git repository, from the command line to the report."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from livesteward.cli.main import run

Command = Callable[..., tuple[int, str, str]]

HEAD = """---
policy: "fraud"
title: "Fraud"
jurisdiction: "global"
category: "fraud_scam"
effective_from: "2026-01-01"
disclaimer: "Illustrative. Not legal advice."
---

What it protects.
"""

RULE = """
## {rule_id} {title}

```yaml
severity: "high"
host: ["{step}"]
viewer: ["remove_message"]
```

{text}

### Breaks the rule

- "{breaks}"
- "Send the money first and you get twice as much back."

### Does not break the rule

- "{allowed}"
- "My savings account pays two percent."

### Notice

{notice}
"""

PROFIT = {
    "rule_id": "FRAUD-1.1",
    "title": "Promises of sure profit",
    "step": "warn",
    "text": "Nobody may promise that money comes back multiplied.",
    "breaks": "You put in two hundred today and on Friday you have four hundred, guaranteed.",
    "allowed": "Nobody can promise you a profit.",
    "notice": "Do not promise profits.",
}
PRIZE = {
    "rule_id": "FRAUD-1.2",
    "title": "Fees for prizes",
    "step": "warn",
    "text": "Nobody may ask for a fee before a prize is handed out.",
    "breaks": "You won the phone, only pay the shipping fee by voucher.",
    "allowed": "The prize is free, shipping too.",
    "notice": "Do not ask for fees.",
}

CASES = """
- case_id: sure-profit
  split: golden
  segment:
    language: en
    utterances: ["Invest three hundred with me tonight and next week six hundred is yours, guaranteed, no risk, send it to my wallet now."]
  expect:
    - regions: [SG]
      decision: violation
      findings:
        - rules: [FRAUD-1.1]
          category: fraud_scam
          severity: high
          subject: host
          evidence: [{item: u1, quote: "next week six hundred is yours, guaranteed"}]
  reason: "A sure profit is promised."
- case_id: cooking
  split: golden
  segment:
    language: en
    utterances: ["Now we stir the soup and add a little salt."]
  expect:
    - {regions: [SG], decision: allow}
  reason: "Cooking."
"""


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            run(list(arguments))
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return call


def git(folder: Path, *arguments: str) -> None:
    person = ["-c", "user.name=Ann", "-c", "user.email=ann@team.example", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *person, *arguments], cwd=folder, capture_output=True, timeout=30, check=True)


def write(workspace: Path, *rules: dict[str, str]) -> None:
    file = workspace / "policies" / "global" / "fraud.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEAD + "".join(RULE.format(**rule) for rule in rules), encoding="utf-8")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "ours"
    (folder / "golden").mkdir(parents=True)
    (folder / "livesteward.toml").write_text('judge = "heads"\n', encoding="utf-8")
    (folder / "golden" / "cases.yaml").write_text(CASES, encoding="utf-8")
    write(folder, PROFIT, PRIZE)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "rules")
    monkeypatch.chdir(folder)
    return folder


def test_a_harsher_ladder_keeps_decisions_and_shows_the_other_action(workspace: Path, command: Command) -> None:
    write(workspace, PROFIT | {"step": "end_stream"}, PRIZE)
    code, out, err = command("policies", "impact", "HEAD", "--json", "--markdown", "out/impact.md")
    assert code == 0, err
    found = json.loads(out)
    assert [(rule["rule_id"], rule["change"], rule["fields"]) for rule in found["rules"]] == [("FRAUD-1.1", "changed", ["ladder"])]
    assert [one["case_id"] for one in found["touched"]] == ["sure-profit"]
    assert not found["flips"]
    assert found["shifts"][0]["actions_after"] == ["host: end_stream"]
    assert found["unseen"] == []
    assert found["before"].startswith("HEAD (")
    assert found["after"] == "working tree"
    assert "FRAUD-1.1" in (workspace / "out" / "impact.md").read_text(encoding="utf-8")


def test_two_commits_are_compared_whatever_is_on_disk(workspace: Path, command: Command) -> None:
    write(workspace, PRIZE)
    git(workspace, "commit", "-qam", "without sure profits")
    write(workspace, PROFIT, PRIZE)
    code, out, err = command("policies", "impact", "HEAD~1..HEAD", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert [(rule["rule_id"], rule["change"]) for rule in found["rules"]] == [("FRAUD-1.1", "removed")]
    assert [one["case_id"] for one in found["touched"]] == ["sure-profit"]
    assert found["judged"] == 1
    code, out, err = command("policies", "impact", "HEAD~1")
    assert (code, "the same on both sides" in " ".join(out.split())) == (0, True), err


def test_a_notice_alone_is_a_change_that_touches_nothing(workspace: Path, command: Command) -> None:
    write(workspace, PROFIT | {"notice": "Please do not promise profits."}, PRIZE)
    code, out, _ = command("policies", "impact", "HEAD")
    assert code == 0
    assert "changed: notice" in out
    assert "None of 2 cases" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere..HEAD"], "knows no revision 'nowhere'"),
        (["--before", "policies"], "name two revisions"),
        ([], "name two revisions"),
        (["HEAD", "--before", "policies", "--after", "policies"], "name two revisions"),
        (["--before", "policies", "--after", "not-there"], "not-there is no folder"),
        (["HEAD", "--split", "canary"], "has no case of split canary"),
    ],
)
def test_wrong_input_leaves_with_2_and_says_what_to_do(workspace: Path, command: Command, arguments: list[str], message: str) -> None:
    code, out, err = command("policies", "impact", *arguments)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_rules_that_cannot_be_read_say_of_which_side_they_are(workspace: Path, command: Command) -> None:
    file = workspace / "policies" / "global" / "fraud.md"
    file.write_text(file.read_text(encoding="utf-8").replace("### Notice", "### Remark"), encoding="utf-8")
    code, _, err = command("policies", "impact", "HEAD")
    assert code == 2
    assert "the rules of working tree cannot be read: global/fraud.md:" in " ".join(err.split())
