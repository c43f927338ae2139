"""What is kept can be found again, and what is damaged counts as absent."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from livesteward.agents.perception.speech import Transcript
from livesteward.agents.perception.store import FrameStore, ResultCache, cache_key, prune, write_atomically


def test_a_picture_is_found_by_its_digest_also_by_another_process(tmp_path: Path) -> None:
    digest = FrameStore(tmp_path).put(b"picture")
    assert digest == hashlib.sha256(b"picture").hexdigest()
    assert FrameStore(tmp_path).get(digest) == b"picture"
    assert FrameStore(None).get(digest) is None


def test_without_a_folder_nothing_is_written_and_memory_is_bounded() -> None:
    store = FrameStore(None, memory_bytes=250)
    digests = [store.put(bytes([number]) * 100) for number in range(4)]
    assert [store.get(digest) is not None for digest in digests] == [False, False, True, True]


def test_a_damaged_picture_counts_as_absent(tmp_path: Path) -> None:
    digest = FrameStore(tmp_path).put(b"picture")
    next(tmp_path.rglob("*.jpg")).write_bytes(b"other")
    assert FrameStore(tmp_path).get(digest) is None


def test_a_result_is_kept_under_everything_that_it_depends_on(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    cache.put("speech", cache_key("v1", "media", 0.0), Transcript(language="en"))
    assert cache.get("speech", cache_key("v1", "media", 0.0), Transcript) == Transcript(language="en")
    assert cache.get("speech", cache_key("v2", "media", 0.0), Transcript) is None
    assert cache.get("ocr", cache_key("v1", "media", 0.0), Transcript) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"unknown": 1}', b"[]", b"\0" * 100])
def test_a_damaged_result_counts_as_absent(tmp_path: Path, content: bytes) -> None:
    cache = ResultCache(tmp_path)
    cache.put("speech", cache_key("k"), Transcript())
    next(tmp_path.rglob("*.json")).write_bytes(content)
    assert cache.get("speech", cache_key("k"), Transcript) is None


def test_a_place_that_cannot_be_written_costs_no_result(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    cache = ResultCache(tmp_path / "file" / "cache")
    cache.put("speech", cache_key("k"), Transcript())
    assert cache.get("speech", cache_key("k"), Transcript) is None


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "a" / "b", b"data")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_oldest_files_go_first(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"{number}"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    prune(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "4"]
