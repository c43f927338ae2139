"""The bridge from code that is not async: one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from livesteward.errors import ConfigurationError

ResultT = TypeVar("ResultT")


class LoopThread:
    """An event loop that runs in a thread until it is closed. The thread never keeps a program from ending."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="livesteward-sync", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run ``work`` to its end and return what it returns; whatever interrupts the waiting ends the work too."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Stop the loop and wait for the thread."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def refuse_in_event_loop(name: str, instead: str) -> None:
    """Refuse to block a running event loop.

    Raises:
        ConfigurationError: If there is one; says what to call instead.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigurationError(f"{name} was called in a running event loop, which it would block; use {instead} there")
