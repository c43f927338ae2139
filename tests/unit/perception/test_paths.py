"""Files are taken from the media folder and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livesteward.agents.perception.paths import inside, open_bounded
from livesteward.errors import PerceptionError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"x" * 100)
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


def test_a_file_of_the_folder_is_found(root: Path) -> None:
    assert inside(root, "a.mp4") == (root / "a.mp4").resolve()


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "sub/../../secret.txt", "/etc/passwd", "file:a.mp4", "http://h/a.mp4", "~/a.mp4", "..\\secret.txt", "a\x00b", " "],
)
def test_a_name_that_is_no_plain_relative_path_is_refused(root: Path, name: str) -> None:
    with pytest.raises(PerceptionError, match="no plain relative path"):
        inside(root, name)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_that_leads_out_is_refused(root: Path, kind: str) -> None:
    if kind == "file":
        (root / "link").symlink_to(root.parent / "secret.txt")
        name = "link"
    else:
        (root / "up").symlink_to(root.parent)
        name = "up/secret.txt"
    with pytest.raises(PerceptionError, match="leads out"):
        inside(root, name)


def test_a_link_inside_the_folder_is_followed(root: Path) -> None:
    (root / "b.mp4").symlink_to("a.mp4")
    assert inside(root, "b.mp4").name == "a.mp4"


def test_a_missing_file_and_a_link_in_a_circle_are_named(root: Path) -> None:
    (root / "loop").symlink_to("loop")
    for name in ("none.mp4", "loop"):
        with pytest.raises(PerceptionError, match=f"{name}: there is no such file"):
            inside(root, name)


def test_a_pipe_is_refused_without_waiting_for_a_writer(root: Path) -> None:
    os.mkfifo(root / "pipe.mp4")
    with pytest.raises(PerceptionError, match="not a regular file"):
        inside(root, "pipe.mp4")
    with pytest.raises(PerceptionError, match="not a regular file"):
        open_bounded(root / "pipe.mp4", max_bytes=10, name="pipe.mp4")


def test_an_empty_and_a_too_large_file_are_refused_before_reading(root: Path) -> None:
    (root / "empty.mp4").touch()
    with pytest.raises(PerceptionError, match="empty"):
        open_bounded(root / "empty.mp4", max_bytes=10, name="empty.mp4")
    with pytest.raises(PerceptionError, match=r"perception\.max_file_mb"):
        open_bounded(root / "a.mp4", max_bytes=99, name="a.mp4")
    with open_bounded(root / "a.mp4", max_bytes=100, name="a.mp4") as file:
        assert len(file.read()) == 100
