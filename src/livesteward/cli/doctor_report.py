"""What ``livesteward doctor`` says: checks with a state, and how one is run so that it neither hangs nor breaks the others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from enum import StrEnum

from livesteward.contracts import Contract
from livesteward.errors import LivestewardError


class CheckState(StrEnum):
    """What came of a check, best first."""

    FINE = "fine"
    ABSENT = "absent"
    """An optional part is not installed or not set."""
    MEND = "mend"
    """Something that was asked for does not work; the rest does."""
    BROKEN = "broken"
    """livesteward cannot judge like this."""

    @property
    def rank(self) -> int:
        """0 for fine to 3 for broken."""
        return list(CheckState).index(self)


class Check(Contract):
    """One thing that was looked at: what was found, what to do where that is not fine, and what it means as long as that is not done."""

    name: str
    state: CheckState
    detail: str
    remedy: str = ""
    until_then: str = ""


class Report(Contract):
    """All checks. ``state`` is the worst of them, where what is merely absent counts as fine."""

    version: str
    state: CheckState
    summary: str
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, version: str, checks: list[Check]) -> Report:
        """Sum up ``checks``."""
        worst = max((check.state for check in checks), key=lambda state: state.rank)
        state = CheckState.FINE if worst is CheckState.ABSENT else worst
        faults = [check.name for check in checks if check.state in (CheckState.MEND, CheckState.BROKEN)]
        until_then = "; ".join(check.until_then for check in checks if check.until_then)
        works = f"until then, {until_then}" if until_then else "the rest works"
        said = {
            CheckState.FINE: "everything that is needed works",
            CheckState.MEND: f"something should be mended: {', '.join(faults)}; {works}",
            CheckState.BROKEN: f"livesteward cannot judge like this: {', '.join(faults)}",
        }
        return cls(version=version, state=state, summary=said[state], checks=tuple(checks))


def run_check(name: str, look: Callable[[], Check], *, if_it_fails: CheckState, timeout_s: float) -> Check:
    """Run ``look`` and return what it says; an error, or no answer in time, becomes a check in the state ``if_it_fails``."""
    results: queue.SimpleQueue[Check] = queue.SimpleQueue()

    def work() -> None:
        try:
            results.put(look())
        except LivestewardError as error:
            results.put(Check(name=name, state=if_it_fails, detail=str(error)))
        except Exception as error:
            # A broken installation fails in any way there is; the other checks must still be told.
            results.put(Check(name=name, state=if_it_fails, detail=f"{type(error).__name__}: {error}"[:500]))

    # A daemon, so that what hangs in a library does not keep the process from ending.
    threading.Thread(target=work, name=f"doctor-{name}", daemon=True).start()
    try:
        return results.get(timeout=timeout_s)
    except queue.Empty:
        return Check(name=name, state=if_it_fails, detail=f"no answer within {timeout_s:g} s")
