from __future__ import annotations

import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from livesteward.errors import ConfigurationError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.vllm import ServeOptions, serve_command
from livesteward.models.vllm_process import VllmServer


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "vllm"
    fake = Path(__file__).with_name("fake_vllm.py")
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def options() -> ServeOptions:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return ServeOptions(port=free.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[VllmServer]:
    made = VllmServer(tmp_path / "cache" / "vllm")
    yield made
    made.stop(grace_s=2)


def test_it_starts_is_looked_at_and_stops(server: VllmServer, program: str, options: ServeOptions) -> None:
    seen: list[str] = []
    record = server.start(
        serve_command("models/judge", options, vllm=program),
        base_url=options.base_url,
        model="models/judge",
        api_key="secret",
        timeout_s=20,
        progress=lambda _, last: seen.append(last),
    )
    assert seen, "it is told of the wait"
    assert "loading models/judge" in server.log.read_text(encoding="utf-8")
    assert "secret" not in (server.log.parent / "vllm.json").read_text(encoding="utf-8")

    status = server.status(api_key="secret")
    assert (status.healthy, status.pid, status.models) == (True, record.pid, ("models/judge",))
    assert (status.metrics["requests_running"], status.metrics["kv_cache_usage"]) == (3, 0.25)
    assert (status.metrics["prefix_hit_share"], status.metrics["mm_hit_share"]) == (0.9, 0.5)
    assert "generation_tokens_per_s" not in status.metrics
    assert server.status(window_s=0.01).metrics["generation_tokens_per_s"] > 0
    assert server.status(api_key="wrong").models == ()

    with pytest.raises(ConfigurationError, match="runs already"):
        server.start(["sh"], base_url=options.base_url, model="m")

    assert server.stop()
    assert not psutil.pid_exists(record.pid)
    assert server.running() is None
    assert not server.stop()
    assert not server.status(base_url=options.base_url).healthy


def test_a_server_that_ends_while_loading_is_quoted(server: VllmServer, program: str, options: ServeOptions) -> None:
    command = serve_command("m", options, vllm=program)
    with pytest.raises(ModelUnavailableError, match=r"ended with code 3 .*ValueError: no such model"):
        server.start(command, base_url=options.base_url, model="m", environment={"FAKE_VLLM": "crash"}, timeout_s=20)
    assert server.running() is None


def test_a_server_that_never_answers_is_stopped_at_the_limit(server: VllmServer, program: str, options: ServeOptions) -> None:
    command = serve_command("m", options, vllm=program)
    with pytest.raises(ModelTimeoutError, match="within 1 s and was stopped"):
        server.start(command, base_url=options.base_url, model="m", environment={"FAKE_VLLM": "hang"}, timeout_s=1)
    assert server.running() is None
    assert not any(child.name() == "python" and "fake_vllm.py" in " ".join(child.cmdline()) for child in psutil.Process().children())


def test_a_server_that_does_not_listen_is_killed(server: VllmServer, program: str, options: ServeOptions) -> None:
    command = serve_command("m", options, vllm=program)
    record = server.start(command, base_url=options.base_url, model="m", environment={"FAKE_VLLM": "stubborn"}, timeout_s=20)
    began = time.monotonic()
    assert server.stop(grace_s=0.5)
    assert time.monotonic() - began < 5
    assert not psutil.pid_exists(record.pid)


def test_a_missing_program_says_how_to_install_it(server: VllmServer, options: ServeOptions) -> None:
    with pytest.raises(ConfigurationError, match=r"no program 'no-such-vllm'.*python -m venv"):
        server.start(["no-such-vllm", "serve"], base_url=options.base_url, model="m")


def test_a_taken_port_is_said_before_anything_starts(server: VllmServer, program: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(ConfigurationError, match=r"something answers at .* already"):
            server.start([program], base_url=url, model="m")


def test_the_number_of_a_process_that_is_another_now_is_left_alone(server: VllmServer) -> None:
    me = psutil.Process()
    server.log.parent.mkdir(parents=True)
    (server.log.parent / "vllm.json").write_text(
        f'{{"pid": {me.pid}, "created": {me.create_time() - 100}, "base_url": "http://x/v1", "model": "m", "command": [], "log": "l"}}',
        encoding="utf-8",
    )
    assert server.running() is None
    assert not server.stop()
