"""A playlist names files of its folder and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from livesteward.agents.perception.playlist import check_playlist
from livesteward.errors import PerceptionError

HEAD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n"
END = "#EXT-X-ENDLIST\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "a.ts").write_bytes(b"x" * 1_000)
    (folder / "b.ts").write_bytes(b"x" * 1_000)
    (tmp_path / "secret.ts").write_bytes(b"x")
    return folder


def written(root: Path, text: str, name: str = "s.m3u8") -> str:
    (root / name).write_text(text, encoding="utf-8")
    return name


def test_the_files_that_it_needs_are_named(root: Path) -> None:
    name = written(root, HEAD + "#EXTINF:4,\na.ts\n#EXTINF:4,\nb.ts\n#EXTINF:4,\na.ts\n" + END)
    assert check_playlist(root, name, max_bytes=10_000) == ("a.ts", "b.ts")


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/a.ts",
        "https://h.example/a.ts",
        "file:///etc/passwd",
        "concat:a.ts|b.ts",
        "crypto+file:a.ts",
        "data:video/mp2t;base64,AA",
        "../secret.ts",
        "/etc/passwd",
        "//h.example/a.ts",
        "..%2fsecret.ts",
        "a.ts?x=1",
        "none.ts",
    ],
)
@pytest.mark.parametrize("line", ["{}", '#EXT-X-MAP:URI="{}"', '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="{}"'])
def test_anything_else_is_refused_with_its_line(root: Path, uri: str, line: str) -> None:
    name = written(root, HEAD + "#EXTINF:4,\na.ts\n" + line.format(uri) + "\n" + END)
    with pytest.raises(PerceptionError, match=r"^s\.m3u8:6: "):
        check_playlist(root, name, max_bytes=10_000)


def test_a_link_out_of_the_folder_is_refused(root: Path) -> None:
    (root / "link.ts").symlink_to(root.parent / "secret.ts")
    with pytest.raises(PerceptionError, match="leads out"):
        check_playlist(root, written(root, HEAD + "link.ts\n" + END), max_bytes=10_000)


def test_a_file_that_is_no_media_is_refused(root: Path) -> None:
    (root / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(PerceptionError, match="no media file"):
        check_playlist(root, written(root, HEAD + "notes.txt\n" + END), max_bytes=10_000)


def test_encrypted_media_are_refused(root: Path) -> None:
    text = HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="http://h.example/key"\n#EXTINF:4,\na.ts\n' + END
    with pytest.raises(PerceptionError, match="encrypted"):
        check_playlist(root, written(root, text), max_bytes=10_000)


def test_a_playlist_that_still_grows_is_refused(root: Path) -> None:
    with pytest.raises(PerceptionError, match="ENDLIST"):
        check_playlist(root, written(root, HEAD + "#EXTINF:4,\na.ts\n"), max_bytes=10_000)


@pytest.mark.parametrize("text", ["", "\n", "hello", HEAD + END, '<html lang="en">'])
def test_what_is_no_playlist_is_refused(root: Path, text: str) -> None:
    with pytest.raises(PerceptionError):
        check_playlist(root, written(root, text), max_bytes=10_000)


def test_a_main_playlist_is_followed_once(root: Path) -> None:
    written(root, HEAD + "#EXTINF:4,\na.ts\n" + END, "low.m3u8")
    name = written(root, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n")
    assert check_playlist(root, name, max_bytes=10_000) == ("low.m3u8", "a.ts")
    deeper = written(root, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns.m3u8\n", "deeper.m3u8")
    with pytest.raises(PerceptionError):
        check_playlist(root, deeper, max_bytes=10_000)
    with pytest.raises(PerceptionError):
        check_playlist(root, written(root, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nself.m3u8\n", "self.m3u8"), max_bytes=10_000)


def test_what_it_names_together_is_held_to_the_size(root: Path) -> None:
    name = written(root, HEAD + "a.ts\nb.ts\n" + END)
    with pytest.raises(PerceptionError, match=r"perception\.max_file_mb"):
        check_playlist(root, name, max_bytes=1_999)


def test_a_flood_of_playlists_is_refused(root: Path) -> None:
    for number in range(20):
        written(root, HEAD + "a.ts\n" + END, f"v{number}.m3u8")
    text = "#EXTM3U\n" + "".join(f"#EXT-X-STREAM-INF:BANDWIDTH={n + 1}\nv{n}.m3u8\n" for n in range(20))
    with pytest.raises(PerceptionError, match="16 playlists"):
        check_playlist(root, written(root, text), max_bytes=10_000)
