"""A circuit breaker: after some failures in a row calls fail at once, until one trial call gets through again."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from livesteward.errors import ModelUnavailableError


class CircuitState(StrEnum):
    """Closed lets calls through, open refuses them, half-open lets one through on trial."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """Counts failures in a row and opens.

    Every call asks :meth:`before`, which says whether it goes on trial, and then reports exactly one of :meth:`success`, :meth:`failure` or
    :meth:`abandon`. It is meant for one event loop and takes no lock.

    Args:
        what: What is behind it, for the error message.
        failures: How many failures in a row open it.
        reset_s: Seconds after which one call is let through on trial.
        clock: Monotonic seconds.
    """

    def __init__(self, what: str, *, failures: int, reset_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._limit = failures
        self._reset_s = reset_s
        self._clock = clock
        self._failed = 0
        self._opened_at: float | None = None
        self._on_trial = False

    @property
    def state(self) -> CircuitState:
        """The state at this moment."""
        if self._opened_at is None:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if self._clock() - self._opened_at >= self._reset_s else CircuitState.OPEN

    def before(self) -> bool:
        """Ask for leave to call, and return whether this call is the trial.

        Raises:
            ModelUnavailableError: If it is open, or half-open with a trial call under way; says when to try again.
        """
        state = self.state
        if state is CircuitState.CLOSED:
            return False
        if state is CircuitState.HALF_OPEN and not self._on_trial:
            self._on_trial = True
            return True
        assert self._opened_at is not None
        wait = max(0.0, self._reset_s - (self._clock() - self._opened_at))
        when = f"it is tried again in {wait:.0f} s" if wait else "a trial call is under way"
        raise ModelUnavailableError(f"{self._what} failed {self._failed} times in a row and is not called for now; {when}")

    def success(self) -> None:
        """Report that the other side answered."""
        self._failed = 0
        self._opened_at = None
        self._on_trial = False

    def failure(self, *, trial: bool) -> None:
        """Report that it did not; ``trial`` is what :meth:`before` said of the call."""
        self._failed += 1
        if trial or (self._opened_at is None and self._failed >= self._limit):
            self._opened_at = self._clock()
        self._ended(trial)

    def abandon(self, *, trial: bool) -> None:
        """Report that the call was given up without learning anything: where it was the ``trial``, another may go."""
        self._ended(trial)

    def _ended(self, trial: bool) -> None:
        # A call from before the circuit opened may end while the trial is still under way.
        if trial:
            self._on_trial = False
