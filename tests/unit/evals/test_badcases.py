"""Mistakes of a run in groups, from records to what the command prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result
from unit.evals.making import ALLOW, VIOLATION, case, expected, judged, record, run_info
from unit.evals.words import WordsEmbedder

import livesteward.models.embedders
from livesteward.agents.thresholds import Thresholds
from livesteward.cli.eval import app
from livesteward.evals.badcases.clusters import cluster_badcases
from livesteward.evals.badcases.mistakes import MistakeKind
from livesteward.evals.badcases.report import BadCaseCluster
from livesteward.evals.cases import Entry
from livesteward.evals.dataset import load_dataset
from livesteward.evals.judgements import Judgement
from livesteward.evals.outcomes import RunInfo
from livesteward.evals.runs.folder import Judged, RunFolder
from livesteward.evals.runs.runner import entry_digests
from livesteward.retrieval.rulebook import PolicyLibrary, load_library
from livesteward.settings import Settings

DRIVES = [
    "I read the chat while I drive on the motorway",
    "while I drive on the motorway I read the chat aloud",
    "on the motorway I read chat",
]
DOUBLES = ["your money comes back doubled on Friday", "doubled money comes back on Friday"]
HOSTILE = "[bold red]PASS[/] \x1b[2J doubled"
Run = Callable[..., Result]


@cache
def library() -> PolicyLibrary:
    return load_library(Settings(workspace=None).policies_dir)


def missed(case_id: str, said: str, *, severity: str = "high", category: str = "fraud_scam", rule: str = "FRAUD-1.1") -> Entry:
    gold = expected(evidence=[("u1", said)], severity=severity, category=category, rules=[rule])
    return case(case_id, gold, segment={"utterances": [said]}, reason=said)


def entries() -> list[Entry]:
    driving = [
        missed(f"drive-{n}", said, severity="critical", category="dangerous_acts", rule="DANGER-1.1") for n, said in enumerate(DRIVES)
    ]
    return [*(missed(f"double-{n}", said) for n, said in enumerate(DOUBLES)), *driving, case("fine")]


async def clusters(rows: Sequence[Judgement]) -> tuple[BadCaseCluster, ...]:
    return await cluster_badcases(rows, WordsEmbedder(), library=library(), thresholds=Thresholds())


async def test_mistakes_that_are_alike_are_one_group_and_the_costliest_comes_first() -> None:
    found = await clusters(judged(*((one, record(one, ALLOW)) for one in entries())))
    assert [(one.kind, one.category and one.category.value, one.size) for one in found] == [
        (MistakeKind.MISSED, "dangerous_acts", 3),
        (MistakeKind.MISSED, "fraud_scam", 2),
    ]
    first = found[0]
    assert first.cost == 24
    assert (first.shared["language"].name, first.shared["language"].n) == ("en", 3)
    assert {one.case_id for one in first.exemplars} == {"drive-0", "drive-1", "drive-2"}
    assert first.cause.facts
    assert "DANGER-1.1" in first.advice[-1]
    assert len({draft.case_id for one in found for draft in one.drafts}) == sum(len(one.drafts) for one in found) > 0


async def test_mistakes_of_another_kind_or_subject_stay_apart() -> None:
    said = "the scarf is knitted from the wool of seven quiet sheep"
    other = [missed("double-2", said), case("double-3", segment={"utterances": [DOUBLES[0]]}, reason=DOUBLES[0])]
    rows = judged(*((one, record(one, ALLOW)) for one in (*entries()[:2], other[0])), (other[1], record(other[1], VIOLATION)))
    assert sorted((one.kind.value, one.size) for one in await clusters(rows)) == [("missed", 1), ("missed", 2), ("wrongful_action", 1)]


async def test_a_run_without_mistakes_has_no_groups() -> None:
    fine = case("fine")
    assert await clusters(judged((fine, record(fine, ALLOW)))) == ()


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


@pytest.fixture
def judged_run(tmp_path: Path) -> Path:
    """The folder of a run in which everything was allowed, with a case of hostile text."""
    golden = tmp_path / "golden"
    golden.mkdir()
    made = [*entries(), missed("hostile", HOSTILE)]
    (golden / "cases.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in made), encoding="utf-8")
    read = load_dataset(golden)
    info: RunInfo = run_info(read, records=len(made)).model_copy(update={"entries": entry_digests(read)})
    folder = RunFolder(tmp_path / "runs" / "one")
    folder.begin(info)
    folder.finish(info, [Judged(case_id=one.case_id, records=(record(one, ALLOW),), timings=()) for one in read.entries])
    return folder.path


def test_badcases_prints_groups_for_people_and_nothing_that_a_stranger_wrote_acts(run: Run, judged_run: Path) -> None:
    result = run("badcases", judged_run, "--top", 3)
    assert result.exit_code == 0
    assert result.stdout.startswith("1. missed, dangerous_acts: 3 segments, costs 24")
    assert "6 segments judged wrong, in 3 groups; 3 shown, 100% of what they cost" in result.stdout
    assert "[bold red]PASS[/]" in result.stdout
    assert "\x1b" not in result.stdout
    assert "1 shown" in run("badcases", judged_run, "--top", 1).stdout


def test_badcases_writes_drafts_that_can_be_read_as_cases(run: Run, judged_run: Path, tmp_path: Path) -> None:
    result = run("badcases", judged_run, "--json", "--out", "drafts")
    told = json.loads(result.stdout)
    assert told["total"]["mistakes"] == 6
    assert Path(told["files"][0]).name == "01-missed-dangerous_acts.yaml"
    written = load_dataset(tmp_path / "drafts")
    assert len(written.cases) == sum(len(one["drafts"]) for one in told["clusters"])
    assert yaml.safe_load((tmp_path / told["files"][0]).read_text(encoding="utf-8"))[0]["split"] == "dev"


def test_badcases_of_cases_that_were_changed_since_are_refused(run: Run, judged_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "golden" / "cases.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("Because.", "For another reason."), encoding="utf-8")
    with pytest.raises(Exception, match="changed since the run"):
        run("badcases", judged_run)
