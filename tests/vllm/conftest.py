"""A real vLLM for the tests of this folder: the one at ``LIVESTEWARD_TEST_VLLM_URL``, else one that is started here.

It is started with the command that ``LIVESTEWARD_ENGINE__VLLM`` names, else with ``vllm`` on the path.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx2
import pytest
from served import FOLDER, OpenModel, OpenSteward, Served, Traffic, make_model, starter, vllm_command

from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.sdk import Steward

# Read while this module is imported: what is set is cleared before the first test.
URL = os.environ.get("LIVESTEWARD_TEST_VLLM_URL", "").rstrip("/")
COMMAND = os.environ.get("LIVESTEWARD_ENGINE__VLLM", "vllm")

REPORTED = ("vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total", "vllm:mm_cache_queries_total", "vllm:mm_cache_hits_total")

traffic = Traffic()
counted: Counter[str] = Counter()
command_line: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server, for as long as the tests run."""
    with traffic.counted():
        if URL:
            server = Served.at(URL if URL.endswith("/v1") else f"{URL}/v1")
            before = server.counters()
            yield server
            tally(server, before)
            return
        vllm = vllm_command(COMMAND)
        if vllm is None:
            pytest.skip(f"no vLLM: there is no command {COMMAND!r}; set LIVESTEWARD_ENGINE__VLLM to one, or LIVESTEWARD_TEST_VLLM_URL")
        folder = tmp_path_factory.mktemp("vllm")
        begin = starter(vllm, make_model(vllm, folder / FOLDER), folder)
        command_line.extend(begin.command)
        try:
            server = begin.start()
            yield server
            # One that died has failed a test, and counts nothing any more.
            with suppress(httpx2.HTTPError):
                tally(server, {})
        finally:
            begin.server.stop()


def tally(server: Served, before: dict[str, float]) -> None:
    """Add up what a server counted before it ends."""
    after = server.counters()
    counted.update({name: int(after.get(name, 0) - before.get(name, 0)) for name in REPORTED})


@pytest.fixture
def count_so_far(served: Served) -> Callable[[], None]:
    """Adds up what the server counted, for a test that ends it."""
    return lambda: tally(served, {})


@pytest.fixture
async def open_model(served: Served) -> AsyncIterator[OpenModel]:
    """Makes models that ask the server, and closes them; the arguments are settings of the model."""
    async with AsyncExitStack() as stack:

        def make(**model: Any) -> OpenAICompatibleModel:
            made = OpenAICompatibleModel(served.settings(model=model).model)
            stack.push_async_callback(made.aclose)
            return made

        yield make


@pytest.fixture
async def open_steward(served: Served) -> AsyncIterator[OpenSteward]:
    """Makes stewards whose judge is the server, and closes them."""
    async with AsyncExitStack() as stack:

        def make(kind: type[OpenAICompatibleModel] | None = None, *, model: dict[str, Any] | None = None, **overrides: Any) -> Steward:
            settings = served.settings(model=model, **overrides)
            steward = Steward.from_settings(settings, model=kind(settings.model) if kind else None)
            stack.push_async_callback(steward.aclose)
            return steward

        yield make


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a patient person have all segments judged by the embedded engine too."""
    parser.addoption(
        "--engine-segments",
        type=int,
        default=4,
        help="How many of the 50 segments the embedded engine judges too: it takes some ten seconds for each on two cores.",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what ends the server last."""
    items.sort(key=lambda item: item.path.name == "test_restart.py")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was asked of the server."""
    if not traffic.requests:
        return
    terminalreporter.section("vLLM")
    if command_line:
        terminalreporter.write_line(f"server: {shlex.join(command_line)}")
    terminalreporter.write_line(f"requests: {traffic.requests:,}, with images: {traffic.with_images:,}")
    for name, kind in (("prefix", "tokens"), ("mm", "pictures")):
        asked, hit = counted[f"vllm:{name}_cache_queries_total"], counted[f"vllm:{name}_cache_hits_total"]
        terminalreporter.write_line(f"{name} cache: {hit:,} of {asked:,} {kind} were hits ({hit / max(1, asked):.0%})")
