from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer
from unit.cli.conftest import Run
from unit.cli.made_up import FakeSteward, examined, failing, verdict

from livesteward.cli import main
from livesteward.cli.main import COMMANDS
from livesteward.contracts import Segment
from livesteward.errors import PolicyError, RetrievalError
from livesteward.sdk import Examined


def test_help_lists_every_command_without_importing_one(run: Run) -> None:
    listing = "import sys; from livesteward.cli.main import run\ntry: run(['--help'])\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60).stdout
    assert all(f" {name} " in shown for name in COMMANDS)
    for heavy in ("livesteward.sdk", "livesteward.agents", "langgraph", "chromadb", "numpy", "openai", "structlog", "jinja2"):
        assert f"'{heavy}'" not in shown, heavy


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_with_an_example(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    if not COMMANDS[name].is_group:
        assert f"Example: livesteward {name}" in result.output


def test_an_error_of_ours_is_one_sentence_and_exit_2(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSteward, "answer", staticmethod(failing(RetrievalError("the index is stale: run 'livesteward doctor'"))))
    result = run("moderate", segment_file)
    assert result.exit_code == 2
    assert result.stderr == "error the index is stale: run 'livesteward doctor'\n"
    assert result.stdout == ""


def test_an_unexpected_error_says_how_to_see_more_and_shows_no_traceback(
    run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_: object) -> None:
        raise ZeroDivisionError("division by \x1b[31mzero")

    monkeypatch.setattr(FakeSteward, "answer", staticmethod(explode))
    result = run("moderate", segment_file)
    assert result.exit_code == 2
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "LIVESTEWARD_DEBUG=1" in result.stderr
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("LIVESTEWARD_DEBUG", "1")
    assert isinstance(run("moderate", segment_file).exception, ZeroDivisionError)


def test_an_interruption_exits_with_130(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeSteward, "answer", staticmethod(interrupt))
    assert run("moderate", segment_file).exit_code == 130


def test_the_hostile_part_of_an_error_stays_text(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSteward, "answer", staticmethod(failing(PolicyError("[bold]x[/] \x1b[2J in a file"))))
    assert run("moderate", segment_file).stderr == "error [bold]x[/] in a file\n"


def test_an_unknown_command_names_the_one_that_was_meant(run: Run) -> None:
    result = run("moderat")
    assert result.exit_code == 2
    assert "moderate" in result.stderr


def test_a_wrong_log_level_is_named(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_LOG_LEVEL", "LOUD")
    result = run("moderate", segment_file)
    assert result.exit_code == 2
    assert "'LOUD' is no level" in result.stderr


def test_a_wrong_setting_is_one_sentence(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_JUDGE", "coin")
    result = run("moderate", segment_file)
    assert result.exit_code == 2
    assert result.stderr.startswith("error setting judge:")


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").output.startswith("livesteward 0.")


def test_the_entry_point_is_what_the_package_declares() -> None:
    assert callable(main.run)
    assert isinstance(main.app, typer.Typer)


def test_what_libraries_log_and_warn_below_the_level_does_not_reach_users(
    run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chatty(of: Segment) -> Examined:
        library = logging.getLogger("chatty")
        library.setLevel(logging.DEBUG)
        library.debug("building")
        warnings.warn("for programmers", UserWarning, stacklevel=1)
        return examined(of, verdict(of))

    monkeypatch.setattr(FakeSteward, "answer", staticmethod(chatty))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = run("moderate", segment_file)
    assert result.exit_code == 0
    assert result.stderr == ""


def test_addresses_with_a_password_do_not_reach_the_log(run: Run, segment_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loggers = {name: logging.getLogger(name) for name in ("httpx2", "httpcore2.connection", "httpx", "httpcore.http11", "ours")}

    def asking(of: Segment) -> Examined:
        for name, logger in loggers.items():
            logger.info("%s POST http://user:hunter2@gpu-1/v1", name)
            logger.debug("%s connects to hunter2", name)
        return examined(of, verdict(of))

    monkeypatch.setattr(FakeSteward, "answer", staticmethod(asking))
    for level, lines in (("INFO", 1), ("DEBUG", 2)):
        monkeypatch.setenv("LIVESTEWARD_LOG_LEVEL", level)
        said = run("moderate", segment_file).stderr
        assert said.count("hunter2") == said.count(" ours ours ") == lines
