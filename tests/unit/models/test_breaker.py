from __future__ import annotations

from collections.abc import Callable

import pytest

from livesteward.errors import ModelUnavailableError
from livesteward.models.breaker import CircuitBreaker, CircuitState


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("the server", failures=3, reset_s=10, clock=clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failure(trial=breaker.before())


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert breaker.state is CircuitState.CLOSED
    fail(breaker, 1)
    assert breaker.state is CircuitState.OPEN
    with pytest.raises(ModelUnavailableError, match=r"the server failed 3 times in a row .* in 10 s"):
        breaker.before()


def test_a_success_in_between_starts_the_count_again(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.before()
    breaker.success()
    fail(breaker, 2)
    assert breaker.state is CircuitState.CLOSED


def test_one_call_goes_on_trial_and_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    assert breaker.state is CircuitState.HALF_OPEN
    breaker.before()
    with pytest.raises(ModelUnavailableError, match="trial call is under way"):
        breaker.before()
    breaker.success()
    breaker.before()
    breaker.before()


def test_a_failed_trial_opens_it_for_the_whole_time_again(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    fail(breaker, 1)
    clock.now += 9.9
    assert breaker.state is CircuitState.OPEN
    clock.now += 0.2
    assert breaker.state is CircuitState.HALF_OPEN


def test_an_abandoned_trial_leaves_room_for_another(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    breaker.abandon(trial=breaker.before())
    assert breaker.before() is True


@pytest.mark.parametrize("end", [CircuitBreaker.abandon, CircuitBreaker.failure])
def test_a_call_from_before_that_ends_lets_no_second_one_go_on_trial(
    breaker: CircuitBreaker, clock: Clock, end: Callable[..., None]
) -> None:
    old = breaker.before()
    fail(breaker, 3)
    clock.now += 10
    assert (old, breaker.before()) == (False, True)
    end(breaker, trial=old)
    with pytest.raises(ModelUnavailableError, match="trial call is under way"):
        breaker.before()


def test_late_failures_of_calls_that_ran_before_do_not_prolong_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 9
    breaker.failure(trial=False)
    clock.now += 1
    assert breaker.state is CircuitState.HALF_OPEN
