"""That tests reach this machine and nothing else, and start without the developer's settings."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass


def test_another_machine_cannot() -> None:
    with pytest.raises(ConnectionRefusedError, match=r"a test tried to reach 203\.0\.113\.7"):
        socket.create_connection(("203.0.113.7", 443), timeout=5)
    with socket.socket() as plain, pytest.raises(ConnectionRefusedError):
        plain.connect_ex(("203.0.113.7", 443))


def test_a_name_that_is_never_there_is_not_found() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("model.invalid", 443)


def test_settings_of_the_developer_are_gone_and_the_cache_is_the_runs_own() -> None:
    assert [name for name in os.environ if name.startswith("LIVESTEWARD_")] == ["LIVESTEWARD_CACHE_DIR"]
    assert "livesteward-tests-" in os.environ["LIVESTEWARD_CACHE_DIR"]


def outcome(folder: Path, test: str) -> str:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", str(folder)]
    environment = os.environ | {"LIVESTEWARD_JUDGE": "server"}
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout


SWALLOWED = """
import socket, pytest
{mark}
def test_it():
    try:
        socket.getaddrinfo("192.168.77.1", 443)
    except OSError:
        pass
"""


def test_a_call_that_goes_out_fails_the_test_also_where_its_error_is_swallowed(tmp_path: Path) -> None:
    said = outcome(tmp_path, SWALLOWED.format(mark=""))
    assert "1 passed, 1 error" in said
    assert "the test tried to reach 192.168.77.1" in said


def test_a_marked_test_may_look_outside(tmp_path: Path) -> None:
    assert "1 passed" in outcome(tmp_path, SWALLOWED.format(mark="@pytest.mark.network"))


def test_a_setting_of_the_environment_does_not_reach_a_test(tmp_path: Path) -> None:
    assert "1 passed" in outcome(tmp_path, "import os\ndef test_it():\n    assert 'LIVESTEWARD_JUDGE' not in os.environ\n")
