"""Comparing rules and prompts on real golden cases: what got worse is caught, what did not passes, and half a run says nothing."""

import json
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import comb
from pathlib import Path
from threading import Thread

import pytest
from integration.models.misbehaving_server import completion
from typer.testing import CliRunner, Result

from livesteward.cli.main import app
from livesteward.contracts import Category, Decision
from livesteward.evals.cases import Case, Split, gold_for
from livesteward.evals.dataset import SHIPPED, load_dataset
from livesteward.evals.runs.folder import JOURNAL, RESULTS, RunFolder
from livesteward.settings import Settings

Run = Callable[..., Result]
REGIONS = {"AU", "BR", "DE", "ES", "GB", "ID", "IE", "IN", "MX", "SG", "TR", "US"}
GATES = """\
baseline = "unused.jsonl"
[[non_inferior]]
metric = "missed_severe"
margin = 0.10
[[non_inferior]]
metric = "wrongful_action"
margin = 0.05
[[no_worse]]
metric = "recall"
dimensions = ["category"]
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("LIVESTEWARD_WORKSPACE", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Golden cases on spam, and some others; of few regions, whose rules are soon indexed, and none with media."""
    quick = [
        case
        for case in load_dataset(SHIPPED).cases
        if case.split is not Split.CANARY and not case.segment.frames and not case.segment.media and set(case.regions) <= REGIONS
    ]
    spam = [case for case in quick if any(Category.SPAM_INAUTHENTIC in expectation.categories for expectation in case.expect)]
    others = [case for case in quick if case not in spam][:: 2 * len(quick) // len(spam)]
    file = tmp_path_factory.mktemp("golden") / "cases.jsonl"
    file.write_text("".join(f"{case.model_dump_json(exclude_defaults=True)}\n" for case in spam + others), encoding="utf-8")
    return file


def copied_rules(folder: Path) -> Path:
    return Path(shutil.copytree(Settings(workspace=None).policies_dir, folder))


def take_out_spam(rules: Path) -> None:
    """Plant a regression: every rule on spam is gone, as if somebody had deleted a document too many."""
    for file in rules.rglob("*.md"):
        head, *sections = file.read_text(encoding="utf-8").split("\n## ")
        kept = [section for section in sections if not section.startswith("SPAM-")]
        if not kept:
            file.unlink()
        elif len(kept) < len(sections):
            file.write_text("\n## ".join([head, *kept]), encoding="utf-8")


def exact_p(one: int, other: int) -> float:
    n, k = one + other, min(one, other)
    return min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n)


@pytest.mark.slow
def test_a_regression_in_one_category_is_caught_and_a_rewording_passes(run: Run, cases: Path, tmp_path: Path) -> None:
    gates = tmp_path / "gates.toml"
    gates.write_text(GATES, encoding="utf-8")
    worse = copied_rules(tmp_path / "worse")
    take_out_spam(worse)
    caught = run("eval", "compare", "--policies", worse, "--cases", cases, "--gates", gates, "--json")
    assert caught.exit_code == 1, caught.output
    said = json.loads(caught.stdout)
    regressed = [gate for gate in said["outcome"]["gates"] if gate["result"] == "regression"]
    assert [gate["slice"] for gate in regressed] == ["spam_inauthentic"]
    assert said["outcome"]["line"].startswith("REGRESSION")

    reworded = copied_rules(tmp_path / "reworded")
    file = reworded / "global" / "spam-and-inauthentic.md"
    text = file.read_text(encoding="utf-8")
    changed = text.replace("in any language or encoding", "whatever the language or the encoding")
    assert changed != text
    file.write_text(changed, encoding="utf-8")
    harmless = run("eval", "compare", "--policies", reworded, "--cases", cases, "--gates", gates, "--json")
    assert harmless.exit_code == 0, harmless.output
    assert json.loads(harmless.stdout)["outcome"]["result"] == "pass"


def test_half_a_run_is_refused(run: Run, cases: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("".join(cases.read_text(encoding="utf-8").splitlines(keepends=True)[:12]), encoding="utf-8")
    assert run("eval", "run", few, "--runs", "runs", "--name", "whole", "--no-gates").exit_code == 0
    shutil.copytree("runs/whole", "runs/cut")
    results = Path("runs/cut") / RESULTS
    results.write_text("".join(results.read_text(encoding="utf-8").splitlines(keepends=True)[:7]), encoding="utf-8")
    cut = run("eval", "compare", "runs/whole", "runs/cut")
    assert cut.exit_code == 2, cut.output
    assert "INCONCLUSIVE" in cut.output
    assert run("eval", "compare", "runs/cut", "runs/whole").exit_code == 2
    # One that was stopped has a journal and no results.
    shutil.copytree("runs/whole", "runs/stopped")
    info = RunFolder(Path("runs/stopped")).info()
    RunFolder(Path("runs/stopped")).begin(info.model_copy(update={"finished_at": None, "records": 0}))
    (Path("runs/stopped") / JOURNAL).write_text("", encoding="utf-8")
    assert run("eval", "compare", "runs/whole", "runs/stopped").exit_code == 2
    gates = tmp_path / "gates.toml"
    gates.write_text('baseline = "unused.jsonl"\n[[non_inferior]]\nmetric = "missed"\nmargin = 0.1\n', encoding="utf-8")
    assert run("eval", "compare", "runs/whole", "runs/whole", "--gates", gates).exit_code == 0


class Judge(BaseHTTPRequestHandler):
    """A served model that lets everything go, unless the second prompt tells it to take hints seriously."""

    def do_GET(self) -> None:
        self._send(json.dumps({"object": "list", "data": [{"id": "judge", "object": "model"}]}))

    def do_POST(self) -> None:
        asked = json.dumps(json.loads(self.rfile.read(int(self.headers["content-length"]))), ensure_ascii=False)
        wary = "Take every hint seriously" in asked and any(word in asked.split("<segment", 1)[-1] for word in ("money", "dinero", "send"))
        answer = {"findings": [], "decision": "review" if wary else "allow", "reason": "a hint" if wary else "fine"}
        self._send(completion(answer, model="judge").body)

    def _send(self, body: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def team(workspace: Path) -> Path:
    """A workspace with the shipped judge prompt and a draft of a third version."""
    shutil.copytree(Settings(workspace=None).prompts_dir, workspace / "prompts", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    first = (workspace / "prompts" / "judge" / "v1.md").read_text(encoding="utf-8")
    second = first.replace("version: 1", "version: 3", 1).replace('status: "released"', 'status: "draft"', 1)
    second = second.replace("# system\n", "# system\n\nTake every hint seriously.\n", 1)
    assert "Take every hint" in second
    (workspace / "prompts" / "judge" / "v3.md").write_text(second, encoding="utf-8")
    return workspace


@pytest.mark.slow
def test_two_prompts_are_compared_with_the_probabilities_of_an_independent_computation(
    run: Run, cases: Path, tmp_path: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = team(tmp_path / "team")
    monkeypatch.setenv("LIVESTEWARD_WORKSPACE", str(workspace))
    monkeypatch.setenv("LIVESTEWARD_JUDGE", "server")
    monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", served)
    compared = run("eval", "compare", "--prompt", "judge@v1", "--vs", "judge@v3", "--cases", cases, "--json")
    assert compared.exit_code in (0, 1, 2), compared.output
    said = json.loads(compared.stdout)["comparison"]
    assert (said["before"]["fingerprint"]["prompt"][:8], said["after"]["fingerprint"]["prompt"][:8]) == ("judge@v1", "judge@v3")

    entries = {entry.case_id: entry for entry in load_dataset(cases).entries}
    runs = {info["name"]: RunFolder(tmp_path / ".livesteward" / "runs" / info["name"]) for info in (said["before"], said["after"])}
    decided = [{record.case_id: record for record in folder.records()} for folder in runs.values()]
    for metric, counts, wrong in (
        ("missed", Decision.VIOLATION, {Decision.ALLOW}),
        ("false_alarm", Decision.ALLOW, {Decision.REVIEW, Decision.VIOLATION}),
    ):
        better = worse = 0
        for name, entry in entries.items():
            assert isinstance(entry, Case)
            regions = [region for region in entry.regions if gold_for(entry.expect, region).decision is counts]
            if not regions:
                continue
            before, after = (all(run_[name].ruling(region).decision not in wrong for region in regions) for run_ in decided)
            better += after and not before
            worse += before and not after
        test = next(one for one in said["tests"] if (one["metric"], one["dimension"]) == (metric, "overall"))
        assert (test["better"], test["worse"]) == (better, worse)
        assert better + worse > 0, "the prompts make a difference"
        assert test["p"] == pytest.approx(exact_p(better, worse))


def test_a_recording_replaces_the_model_and_a_changed_prompt_is_never_green(
    run: Run, cases: Path, tmp_path: Path, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, gates, recording = tmp_path / "few.jsonl", tmp_path / "gates.toml", tmp_path / "recording.jsonl"
    few.write_text("".join(cases.read_text(encoding="utf-8").splitlines(keepends=True)[:6]), encoding="utf-8")
    gates.write_text('baseline = "b.jsonl"\n[[floor]]\nmetric = "missed"\nmax = 1.0\n', encoding="utf-8")
    monkeypatch.setenv("LIVESTEWARD_WORKSPACE", str(team(tmp_path / "team")))
    monkeypatch.setenv("LIVESTEWARD_JUDGE", "server")
    monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", served)
    monkeypatch.setenv("LIVESTEWARD_MODEL__CONTEXT_TOKENS", "32768")
    monkeypatch.setenv("LIVESTEWARD_MODEL__RECORD", str(recording))
    assert run("eval", "run", few, "--name", "live", "--no-gates").exit_code == 0

    monkeypatch.delenv("LIVESTEWARD_MODEL__RECORD")
    monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("LIVESTEWARD_MODEL__REPLAY", str(recording))
    again = run("eval", "run", few, "--name", "again", "--gates", gates)
    assert again.exit_code == 0, again.output
    records = RunFolder(tmp_path / ".livesteward" / "runs" / "again").records()
    assert [record.verdict.review_reasons for record in records if record.failure] == []
    assert any(record.verdict.provenance.replayed for record in records)
    changed = run("eval", "run", few, "--prompt", "judge@v3", "--name", "changed", "--gates", gates)
    assert changed.exit_code == 2, changed.output
    assert "could not be judged" in changed.output
