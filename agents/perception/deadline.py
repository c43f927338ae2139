"""The moment by which perception of one segment must be done."""

from __future__ import annotations

import time

from livesteward.errors import PerceptionError


class Deadline:
    """A moment on the monotonic clock; loops in threads ask it, since a thread cannot be stopped from outside."""

    def __init__(self, seconds: float) -> None:
        """Start the clock; ``seconds`` from now on are left."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that remain, never under zero."""
        return max(0.0, self._end - time.monotonic())

    def check(self, what: str) -> None:
        """Go on, or stop.

        Raises:
            PerceptionError: If the time is up; the message says what was being done and how to allow more.
        """
        if self._end <= time.monotonic():
            raise PerceptionError(f"{what} took longer than {self.seconds:g} s (perception.timeout_s)")
