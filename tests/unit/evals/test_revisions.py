"""Rules of a git revision: read without touching the repository, and whatever people type stays a name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.impact.revisions import Revisions, RuleHistory, parse_revisions

OLD, NEW = "# old\n", "# new, with ümlauts and a\n\nblank line"


@pytest.fixture(autouse=True)
def _own_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def git(folder: Path, *arguments: str) -> str:
    person = ["-c", "user.name=Ann", "-c", "user.email=ann@team.example", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *person, *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A folder of rules, two commits deep, in a repository with other things."""
    folder = tmp_path / "repo" / "our rules" / "policies"
    (folder / "global").mkdir(parents=True)
    git(tmp_path / "repo", "init", "-q")
    (folder / "global" / "fraud.md").write_text(OLD, encoding="utf-8")
    (folder / "global" / "gone.md").write_text(OLD, encoding="utf-8")
    (folder / "README.md").write_text("no rule", encoding="utf-8")
    (tmp_path / "repo" / "global").mkdir()
    (tmp_path / "repo" / "global" / "elsewhere.md").write_text("no rule", encoding="utf-8")
    commit(tmp_path / "repo", "first")
    (folder / "global" / "fraud.md").write_text(NEW, encoding="utf-8")
    (folder / "global" / "gone.md").unlink()
    (folder / "SG").mkdir()
    (folder / "SG" / "goods.md").write_text("", encoding="utf-8")
    commit(tmp_path / "repo", "second")
    return folder


def read(policies: Path, name: str, into: Path) -> dict[str, str]:
    history = RuleHistory(policies)
    history.write(history.commit(name), into, name=name)
    return {path.relative_to(into).as_posix(): path.read_text(encoding="utf-8") for path in into.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("main..HEAD", Revisions("main", "HEAD")),
        ("main", Revisions("main", None)),
        ("main..", Revisions("main", "HEAD")),
        ("origin/main...feature/x", Revisions("origin/main", "feature/x", since_fork=True)),
        ("HEAD~2..v1.0^", Revisions("HEAD~2", "v1.0^")),
    ],
)
def test_revisions_are_written_as_git_has_them(text: str, meant: Revisions) -> None:
    assert parse_revisions(text) == meant


@pytest.mark.parametrize(
    "text", ["", "..HEAD", "--output=/tmp/x", "-h..HEAD", "main..--exec=x", "^main", "a b", "main:policies", "a..b..c", "x\ny", "m" * 300]
)
def test_what_is_no_name_of_a_revision_never_reaches_git(text: str) -> None:
    with pytest.raises(InputError, match="no name of a revision"):
        parse_revisions(text)


def test_the_documents_of_each_revision_are_read_as_they_were(policies: Path, tmp_path: Path) -> None:
    assert read(policies, "HEAD~1", tmp_path / "old") == {"global/fraud.md": OLD, "global/gone.md": OLD}
    assert read(policies, "main", tmp_path / "new") == {"global/fraud.md": NEW, "SG/goods.md": ""}


def test_neither_the_files_on_disk_nor_the_repository_are_touched(policies: Path, tmp_path: Path) -> None:
    (policies / "global" / "fraud.md").write_text("work in progress", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "repo").rglob("*")}
    assert read(policies, "HEAD", tmp_path / "new")["global/fraud.md"] == NEW
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "repo").rglob("*")} == before


def test_three_dots_start_where_the_branches_parted(policies: Path, tmp_path: Path) -> None:
    fork = git(policies, "rev-parse", "HEAD")
    git(policies, "checkout", "-q", "-b", "change")
    (policies / "SG" / "goods.md").write_text("changed", encoding="utf-8")
    commit(policies, "third")
    git(policies, "checkout", "-q", "main")
    (policies / "global" / "fraud.md").write_text("main went on", encoding="utf-8")
    commit(policies, "fourth")
    assert RuleHistory(policies).fork("main", "change") == fork


def test_a_revision_that_is_not_there_says_how_to_get_it(policies: Path) -> None:
    with pytest.raises(InputError, match=r"knows no revision 'origin/main'.*fetch-depth: 0"):
        RuleHistory(policies).commit("origin/main")


def test_a_name_is_no_piece_of_a_command(policies: Path, tmp_path: Path) -> None:
    for name in (f"$(touch${{IFS}}{tmp_path}/pwned)", f"`touch${{IFS}}{tmp_path}/pwned`", ";reboot", "main|cat"):
        with pytest.raises(InputError):
            RuleHistory(policies).commit(name)
    assert not (tmp_path / "pwned").exists()


def test_a_folder_in_no_repository_points_to_two_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"in no git repository.*--before and --after"):
        RuleHistory(tmp_path)


def test_a_revision_without_rules_is_told(policies: Path, tmp_path: Path) -> None:
    git(policies, "checkout", "-q", "--orphan", "empty")
    git(policies, "rm", "-r", "-q", "--cached", str(tmp_path / "repo"))
    git(policies, "commit", "-q", "--allow-empty", "-m", "nothing")
    with pytest.raises(InputError, match="no rule documents in our rules/policies/ at empty"):
        read(policies, "empty", tmp_path / "out")


def test_a_link_among_the_rules_is_refused(policies: Path, tmp_path: Path) -> None:
    (policies / "SG" / "link.md").symlink_to("/etc/passwd")
    commit(policies, "a link")
    with pytest.raises(InputError, match=r"SG/link\.md is a link"):
        read(policies, "HEAD", tmp_path / "out")


def test_hidden_and_nested_files_are_no_rules_here_as_on_disk(policies: Path, tmp_path: Path) -> None:
    for name in ("SG/.hidden.md", "SG/deep/er.md", "SG/notes.txt"):
        (policies / name).parent.mkdir(exist_ok=True)
        (policies / name).write_text("x", encoding="utf-8")
    commit(policies, "more")
    assert sorted(read(policies, "HEAD", tmp_path / "out")) == ["SG/goods.md", "global/fraud.md"]


def test_what_a_hook_of_another_repository_has_set_does_not_matter(policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    assert read(policies, "HEAD", tmp_path / "new")["global/fraud.md"] == NEW


def test_without_git_two_folders_are_proposed(policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(ConfigurationError, match=r"git was not found.*--before and --after"):
        RuleHistory(policies)
