"""What holds for every test: no settings of the developer's, one cache of the run's own, and no connection to anywhere else."""

from __future__ import annotations

import ipaddress
import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

CACHE = "LIVESTEWARD_CACHE_DIR"
_NEVER_THERE = (".invalid", ".example", ".test")
"""Names that can never be looked up (RFC 6761): a test may ask for one to see what happens."""


def pytest_configure(config: pytest.Config) -> None:
    """Clear what the developer has set, before any module of livesteward is imported.

    Embedding and recognising speech is slow, so the tests of one run share a cache; the workers of a run inherit it.
    """
    is_worker = hasattr(config, "workerinput")
    for name in [name for name in os.environ if name.startswith("LIVESTEWARD_") and not (is_worker and name == CACHE)]:
        del os.environ[name]
    # How wide and colourful a terminal is must not decide; typer colours its help where it sees a build server.
    for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "CLICOLOR_FORCE", "GITHUB_ACTIONS"):
        os.environ.pop(name, None)
    # A library that can fetch a model must find that it may not.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", RAY_USAGE_STATS_ENABLED="0", ANONYMIZED_TELEMETRY="False")
    if not is_worker:
        folder = tempfile.mkdtemp(prefix="livesteward-tests-")
        os.environ[CACHE] = os.environ["XDG_CACHE_HOME"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


class Connections:
    """Lets a test reach this machine and nothing else, and remembers what else it tried."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.guarded = True

    def check(self, host: object) -> None:
        if not self.guarded or _is_here(host):
            return
        if isinstance(host, str) and host.endswith(_NEVER_THERE):
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is a name that is never there")
        if not _is_for_documentation(host):
            self.refused.append(str(host))
        raise ConnectionRefusedError(f"a test tried to reach {host}; only this machine may be reached in tests")


def _is_here(host: object) -> bool:
    if host in (None, "", "localhost", "localhost.localdomain", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_for_documentation(host: object) -> bool:
    try:
        address = ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))


_connections = Connections()


@pytest.fixture(scope="session", autouse=True)
def _only_this_machine() -> Iterator[None]:
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _connections.check(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _connections.check(address[0])
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *arguments: Any, **named: Any) -> Any:
        _connections.check(host)
        return look_up(host, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@pytest.fixture(autouse=True)
def _no_call_goes_out(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that tried to reach another machine, also where the code under test made a review of the error."""
    _connections.refused.clear()
    _connections.guarded = request.node.get_closest_marker("network") is None
    yield
    _connections.guarded = True
    if _connections.refused:
        pytest.fail(
            f"the test tried to reach {', '.join(sorted(set(_connections.refused)))}; use a server on 127.0.0.1, or mark it 'network'"
        )


@pytest.fixture(autouse=True)
def _logging_is_as_before() -> Iterator[None]:
    """Undo what a command set up: it logs to the standard error of its own test, which is closed after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    if (structlog := sys.modules.get("structlog")) is not None:
        structlog.reset_defaults()
