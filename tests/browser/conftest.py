from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from livesteward.cli.page import render_page
from livesteward.cli.watched import WatchedStream

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

Shown = Callable[..., Page]


# A session-wide one would leave its event loop running under the tests of other folders.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium is installed ({', '.join(NAMES)}); with Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, chromium_sandbox=False, args=FLAGS, timeout=60_000)
        yield running
        running.close()


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Shown]:
    """Open the page of some streams from a file, as a user does; options are those of a browser context."""
    contexts = []

    def show(*streams: WatchedStream, **options: object) -> Page:
        path = tmp_path / f"page-{len(contexts)}.html"
        path.write_text(render_page(streams), encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
