from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest

from livesteward.errors import RetrievalError
from livesteward.retrieval.index import RuleIndex, ensure_index
from livesteward.retrieval.rulebook import PolicyLibrary
from livesteward.retrieval.search import RuleSearch
from livesteward.settings import Settings, load_settings

DAY = date(2026, 11, 22)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real Chroma server, of the installed package."""
    port = free_port()
    server = subprocess.Popen(
        [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1", "--port", str(port), "--path", "."],
        cwd=tmp_path_factory.mktemp("chroma"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                httpx2.get(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=2).raise_for_status()
                break
            except httpx2.HTTPError:
                assert server.poll() is None, "the server ended"
                time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
async def open_index(tmp_path: Path, port: int, embedder: Any) -> AsyncIterator[Callable[..., RuleIndex]]:
    """Makes indexes of several machines on the server, and closes them."""
    opened: list[RuleIndex] = []

    def make(machine: str, *, may_build: bool = True) -> RuleIndex:
        opened.append(RuleIndex.from_settings(settings_for(tmp_path / machine, port), embedder, may_build=may_build))
        return opened[-1]

    yield make
    for index in opened:
        await index.aclose()


def settings_for(tmp_path: Path, port: int, **more: object) -> Settings:
    return load_settings(cache_dir=tmp_path / "cache", chroma={"host": "127.0.0.1", "port": port, **more})


async def test_one_machine_builds_and_another_searches(open_index: Callable[..., RuleIndex], library: PolicyLibrary) -> None:
    built = await ensure_index(open_index("one"), library, ["SG"], DAY)
    assert built[0].built
    reader = open_index("two", may_build=False)
    found = await RuleSearch(library, reader).search("beer or wine", "SG", on=DAY)
    assert found[0].rule.title == "alcohol"
    assert not (await ensure_index(reader, library, ["SG"], DAY))[0].built


async def test_other_peoples_collections_are_left_alone(open_index: Callable[..., RuleIndex], library: PolicyLibrary) -> None:
    index = open_index("one")
    index.store._client.get_or_create_collection("theirs", embedding_function=None)
    await ensure_index(index, library, ["MY"], DAY)
    assert "theirs" in [collection.name for collection in index.store._client.list_collections()]


async def test_no_server_is_an_error_that_says_where_it_was_looked_for(tmp_path: Path, embedder: Any, library: PolicyLibrary) -> None:
    port = free_port()
    search = RuleSearch(library, RuleIndex.from_settings(settings_for(tmp_path, port), embedder, may_build=False))
    with pytest.raises(RetrievalError, match=rf"http://127\.0\.0\.1:{port}: .*check that the Chroma server runs there"):
        await search.search("beer", "SG", on=DAY)


async def test_a_server_that_says_nothing_is_given_up_on(tmp_path: Path, embedder: Any, library: PolicyLibrary) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings = settings_for(tmp_path, silent.getsockname()[1], timeout_s=0.5)
        search = RuleSearch(library, RuleIndex.from_settings(settings, embedder, may_build=False))
        started = time.monotonic()
        with pytest.raises(RetrievalError, match="Timeout"):
            await search.search("beer", "SG", on=DAY)
        assert time.monotonic() - started < 10
