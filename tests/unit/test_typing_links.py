"""The links that show type checkers the package as it installs, and the folders that refuse to be imported under their bare names."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINKS = ROOT / ".typing" / "livesteward"
AREAS = ("agents", "evals", "prompts", "retrieval")


def installed_names() -> dict[str, Path]:
    package = ROOT / "src" / "livesteward"
    shared = {
        path.name: path for path in package.iterdir() if path.suffix == ".py" or path.name == "py.typed" or (path / "__init__.py").is_file()
    }
    return shared | {name: ROOT / name for name in AREAS}


def test_every_module_and_area_has_a_link_that_leads_to_it() -> None:
    wanted = installed_names()
    found = {path.name: path for path in LINKS.iterdir()}
    assert sorted(found) == sorted(wanted), "run 'make format', which renews the links"
    for name, link in found.items():
        assert link.is_symlink(), f"{name} is a copy and would grow stale"
        assert link.resolve(strict=True) == wanted[name]
        assert not link.readlink().is_absolute(), f"{name} would break when the repository is moved"


def test_the_tool_agrees_that_nothing_is_to_be_done() -> None:
    done = subprocess.run([sys.executable, "tools/typing_links.py"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("area", AREAS)
def test_an_area_refuses_its_bare_name_and_says_the_right_one(area: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"import {area}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert f"ImportError: import livesteward.{area}, not {area}" in done.stderr
