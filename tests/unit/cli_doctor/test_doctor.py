"""``livesteward doctor``: what it finds, that it says what to do, and that it neither hangs nor breaks."""

from __future__ import annotations

import importlib.metadata
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from livesteward.cli import doctor_checks
from livesteward.cli.doctor_checks import LOOKS, extras
from livesteward.cli.doctor_report import Check, CheckState, Report, run_check
from livesteward.cli.main import run
from livesteward.settings import Settings, load_settings
from livesteward.workspace import lay_out

Command = Callable[..., tuple[int, str, str]]


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


def look(name: str, settings: Settings) -> Check:
    found = {entry[0]: entry for entry in LOOKS}[name]
    return run_check(name, lambda: found[1](settings), if_it_fails=found[2], timeout_s=found[3])


@contextmanager
def server(body: bytes, *, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v1/models" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/v1"
        running.shutdown()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay_out(tmp_path / "ours", regions=["SG"])
    monkeypatch.chdir(tmp_path / "ours")
    return tmp_path / "ours"


def test_an_installation_as_it_should_be_needs_nothing(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("doctor", "--json")
    report = json.loads(out)
    assert (code, report["state"]) == (0, "fine"), err + out
    checks = {check["name"]: check for check in report["checks"]}
    assert {name for name, *_ in LOOKS} | {"python", "settings", "extra engine", "extra perception", "extra train"} <= set(checks)
    assert report["version"] == importlib.metadata.version("livesteward")
    assert "384 dimensions" in checks["embedder"]["detail"]
    assert "are indexed" in checks["index"]["detail"]


def test_a_wrong_setting_is_told_once_and_without_a_traceback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__TIMEOUT_S", "soon")
    code, out, err = command("doctor")
    assert code == 2
    assert "model.timeout_s" in "".join(out.split())
    assert "Traceback" not in out + err
    assert "cannot judge like this: settings" in err


def test_a_server_that_does_not_answer_should_be_mended(command: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        # Bound and not listening: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", f"http://me:sk-secret@127.0.0.1:{taken.getsockname()[1]}/v1")
        monkeypatch.setenv("LIVESTEWARD_MODEL__API_KEY", "sk-secret")
        code, out, err = command("doctor", "--json")
    report = json.loads(out)
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["model server"]["state"] == "mend"
    assert "engine start" in checks["model server"]["remedy"]
    assert code == (2 if report["state"] == "broken" else 1)
    assert "LIVESTEWARD_MODEL__BASE_URL" in checks["settings"]["detail"], "the variables that are set are named"
    assert str(workspace) in checks["workspace"]["detail"]
    assert "sk-secret" not in out + err
    assert checks["model server"]["until_then"] == "every segment that reaches the judge becomes a review"


def test_a_server_that_serves_the_model_is_fine() -> None:
    with server(b'{"data": [{"id": "judge-8b"}]}') as url:
        assert look("model server", load_settings(model={"base_url": url})).state is CheckState.FINE
        other = look("model server", load_settings(model={"base_url": url, "name": "judge-9b"}))
        assert other.state is CheckState.MEND
        assert "serves judge-8b, and not judge-9b" in other.detail


def test_the_server_check_says_by_which_profile_the_model_is_asked() -> None:
    with server(b'{"data": [{"id": "Qwen/Qwen3-VL-8B-Instruct"}]}') as url:
        assert "asked by the profile qwen3-vl" in look("model server", load_settings(model={"base_url": url})).detail
        set_ = look("model server", load_settings(model={"base_url": url, "profile": "gemma-3"}))
        assert "asked by the profile gemma-3" in set_.detail
        wrong = look("model server", load_settings(model={"base_url": url, "profile": "qwen"}))
    assert wrong.state is CheckState.MEND
    assert "there is no profile 'qwen'; there are auto, plain" in wrong.detail


def test_a_guard_that_the_settings_do_not_name_should_be_named() -> None:
    with server(b'{"data": [{"id": "Qwen/Qwen3Guard-Gen-8B"}]}') as url:
        found = look("model server", load_settings(model={"base_url": url}))
        assert (found.state, found.remedy) == (CheckState.MEND, "LIVESTEWARD_MODEL__NAME=Qwen/Qwen3Guard-Gen-8B")
        named = look("model server", load_settings(model={"base_url": url, "name": "Qwen/Qwen3Guard-Gen-8B"}))
    assert named.state is CheckState.FINE
    assert "asked by the profile qwen3guard" in named.detail


def test_every_server_and_fallback_is_looked_at() -> None:
    with server(b'{"data": [{"id": "judge-8b"}]}') as url, server(b'{"data": [{"id": "small"}]}') as small:
        assert look("model server", load_settings(model={"base_url": url, "endpoints": [small]})).state is CheckState.FINE
        found = look("model server", load_settings(model={"base_url": url, "fallbacks": [{"base_url": small, "name": "smaller"}]}))
        assert "serves small, and not smaller" in found.detail
        gone = look("model server", load_settings(model={"base_url": url, "endpoints": ["http://127.0.0.1:9/v1"]}))
        assert "127.0.0.1:9" in gone.detail


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"<html>hello</html>", 200), (b'{"data": 3}', 200), (b'["a"]', 200), (b"no", 401), (b"", 500), (b'{"data": [1]}', 200)],
)
def test_a_server_that_answers_something_else_should_be_mended(body: bytes, status: int) -> None:
    with server(body, status=status) as url:
        found = look("model server", load_settings(model={"base_url": url}))
    assert found.state is CheckState.MEND
    assert found.remedy


def test_a_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "SERVER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = load_settings(model={"base_url": f"http://127.0.0.1:{silent.getsockname()[1]}/v1"})
        started = time.monotonic()
        found = look("model server", settings)
    assert found.state is CheckState.MEND
    assert time.monotonic() - started < 3


def test_a_silent_server_makes_reviews_where_it_is_asked_and_nothing_else_can_be() -> None:
    silent = "http://127.0.0.1:9/v1"

    def means(**settings: object) -> str:
        return look("model server", load_settings(**settings)).until_then

    assert means(model={"base_url": silent}) == "every segment that reaches the judge becomes a review"
    assert means(model={"base_url": silent}, judge="heads") == ""
    with server(b'{"data": [{"id": "judge-8b"}]}') as url:
        assert means(model={"base_url": silent, "endpoints": [url]}) == ""


def test_no_server_is_no_fault() -> None:
    assert look("model server", load_settings()).state is CheckState.ABSENT


def test_a_cache_that_cannot_be_written_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = look("cache", load_settings(cache_dir=tmp_path / "file" / "cache"))
    assert found.state is CheckState.BROKEN
    assert "LIVESTEWARD_CACHE_DIR" in found.remedy


def test_a_full_disk_should_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "MIN_FREE_GB", 1e12)
    assert look("cache", load_settings(cache_dir=tmp_path)).state is CheckState.MEND


def test_a_faulty_rule_is_named_with_file_and_line(workspace: Path) -> None:
    document = workspace / "policies" / "SG" / "regulated-goods.md"
    document.write_text(document.read_text(encoding="utf-8").replace('severity: "high"', 'severity: "severe"', 1), encoding="utf-8")
    found = look("rules", load_settings())
    assert found.state is CheckState.BROKEN
    assert "SG/regulated-goods.md:" in found.detail
    assert found.remedy == "livesteward policies lint"


def test_wrong_thresholds_stop_everything(workspace: Path) -> None:
    (workspace / "thresholds.toml").write_text("[default]\nviolation = 2\n", encoding="utf-8")
    found = look("thresholds", load_settings())
    assert found.state is CheckState.BROKEN
    assert "default.violation" in found.detail


def test_a_released_prompt_that_was_changed_should_be_mended(workspace: Path) -> None:
    prompt = workspace / "prompts" / "judge" / "v1.md"
    prompt.write_text(prompt.read_text(encoding="utf-8").replace("Be exact", "Be very exact"), encoding="utf-8")
    assert look("prompts", load_settings()).state is CheckState.MEND


def test_engine_weights_are_missed_only_where_the_engine_is_asked_for(tmp_path: Path) -> None:
    gone = tmp_path / "gone.gguf"
    assert look("engine weights", load_settings(engine={"weights": gone})).state is CheckState.MEND


def test_an_extra_that_is_absent_comes_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        'no-such-thing>=1; extra == "perception"',
        'pytest>=1; extra == "train"',
        "numpy>=2",
        'livesteward[engine]; extra == "embedded"',
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    perception, train = extras()
    assert (perception.state, train.state) == (CheckState.ABSENT, CheckState.FINE)
    assert "no-such-thing" in perception.detail
    assert perception.remedy == 'pip install "livesteward[perception]"'


def test_every_extra_of_the_package_is_looked_for() -> None:
    named = set(importlib.metadata.metadata("livesteward").get_all("Provides-Extra") or ())
    assert {check.name.removeprefix("extra ") for check in extras()} == named


def test_the_graph_is_printed_as_mermaid(command: Command) -> None:
    code, out, _ = command("doctor", "--graph")
    assert code == 0
    assert "graph TD" in out
    for step in ("ingest", "perceive", "screen", "retrieve", "judge", "verify", "decide"):
        assert step in out
    code, out, _ = command("doctor", "--graph", "--json")
    assert "graph TD" in json.loads(out)["mermaid"]


def test_a_check_that_breaks_is_a_finding_and_not_a_crash() -> None:
    def explode() -> Check:
        raise RuntimeError("broken wheel")

    found = run_check("library", explode, if_it_fails=CheckState.MEND, timeout_s=5)
    assert (found.state, found.detail) == (CheckState.MEND, "RuntimeError: broken wheel")


def test_a_check_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hang() -> Check:
        released.wait(20)
        return Check(name="library", state=CheckState.FINE, detail="")

    started = time.monotonic()
    found = run_check("library", hang, if_it_fails=CheckState.BROKEN, timeout_s=0.2)
    released.set()
    assert (found.state, time.monotonic() - started < 5) == (CheckState.BROKEN, True)
    assert "no answer within 0.2 s" in found.detail


def test_the_worst_check_decides_and_absence_is_no_fault() -> None:
    def report(*states: CheckState) -> Report:
        return Report.of("1", [Check(name=state.value, state=state, detail="") for state in states])

    assert report(CheckState.FINE, CheckState.ABSENT).state is CheckState.FINE
    assert report(CheckState.MEND, CheckState.ABSENT).state is CheckState.MEND
    assert report(CheckState.MEND).summary == "something should be mended: mend; the rest works"
    costs = Check(name="server", state=CheckState.MEND, detail="", until_then="all is reviewed")
    assert Report.of("1", [costs]).summary == "something should be mended: server; until then, all is reviewed"
    worst = report(CheckState.MEND, CheckState.BROKEN, CheckState.FINE)
    assert (worst.state, worst.summary) == (CheckState.BROKEN, "livesteward cannot judge like this: mend, broken")
