"""How far embedding is, on standard error: quick where texts are known, minutes where thousands are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SILENT_S = 3.0
"""What is over before needs no word."""


@contextmanager
def embedding_bar() -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left while a person waits; in a pipe, a line for every tenth of the way."""
    from livesteward.cli.output import errors

    if not errors.is_terminal:
        yield _lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("embedding"), BarColumn(), MofNCompleteColumn(), TextColumn("texts"), TextColumn("[dim]left[/]"))
    with Progress(*columns, TimeRemainingColumn(), console=errors, transient=True) as bar:
        task = bar.add_task("embedding", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines() -> Callable[[int, int], None]:
    from livesteward.cli.output import errors

    said, started = 0, 0.0

    def told(done: int, total: int) -> None:
        nonlocal said, started
        started = started or time.monotonic()
        tenth = 10 * done // max(1, total)
        if tenth > said and time.monotonic() - started > _SILENT_S:
            said = tenth
            errors.print(f"embedded {done} of {total} texts", soft_wrap=True)

    return told
