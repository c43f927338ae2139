"""Progress on standard error: there while a person waits at a terminal, gone when it is over, silent in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from livesteward.cli.output import console, errors
from livesteward.cli.plain import plain
from livesteward.cli.words import clock, span

if TYPE_CHECKING:
    from livesteward.contracts import Segment
    from livesteward.sdk import StepEvent

_MARKS: Final = {"started": ("…", "yellow"), "finished": ("✔", "green"), "failed": ("!", "red")}


def _screen() -> Console:
    # Where both outputs are the same terminal, one console must draw both, or they overwrite each other.
    return console if console.is_terminal and errors.is_terminal else errors


class StepBoard:
    """The steps of the segment that is being judged, live with their times."""

    def __init__(self) -> None:
        """Start with nothing to show."""
        self._title = ""
        self._steps: dict[str, tuple[str, float]] = {}

    def begin(self, segment: Segment, number: int, total: int) -> None:
        """Clear the board for a segment."""
        self._steps = {}
        self._title = f"segment {number} of {total} · {clock(segment.offset_s)}–{clock(segment.offset_s + segment.duration_s)}"

    def note(self, text: str) -> None:
        """Say what happens before the first segment."""
        self._title = plain(text)

    def on_event(self, event: StepEvent) -> None:
        """Take note of a step that started, finished or failed."""
        self._steps[event.step] = (event.state, time.monotonic() if event.state == "started" else event.elapsed_ms)

    def __rich__(self) -> RenderableType:
        """Draw the board as it stands."""
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row("", Text(self._title, "dim"), "")
        for step, (state, value) in self._steps.items():
            symbol, style = _MARKS[state]
            took = (time.monotonic() - value) * 1_000 if state == "started" else value
            grid.add_row(Text(f"  {symbol}", style), Text(plain(step)), Text(span(took), "dim"))
        return grid


@contextmanager
def step_board() -> Iterator[StepBoard]:
    """Show a board while the block runs; nothing of it stays."""
    board = StepBoard()
    if not errors.is_terminal:
        yield board
        return
    with Live(board, console=_screen(), transient=True, refresh_per_second=8, redirect_stdout=False, redirect_stderr=False):
        yield board


class WatchBar:
    """One bar over all segments of all streams, with the time that is left."""

    def __init__(self, progress: Progress, total: int) -> None:
        """Start at nothing of ``total`` segments."""
        self._progress = progress
        self._task: TaskID = progress.add_task("getting ready", total=total)

    def note(self, text: str) -> None:
        """Say what is going on."""
        self._progress.update(self._task, description=plain(text, limit=44))

    def on_event(self, event: StepEvent) -> None:
        """Show the step that runs."""
        if event.state == "started":
            self.note(f"{event.segment_id}: {event.step}")

    def advance(self, segments: int = 1) -> None:
        """Count finished segments."""
        self._progress.advance(self._task, segments)


@contextmanager
def watch_bar(total: int) -> Iterator[WatchBar]:
    """Show a bar while the block runs; nothing of it stays."""
    progress = Progress(
        SpinnerColumn(),
        # The description holds ids that the platform chose.
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=_screen(),
        transient=True,
        disable=not errors.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with progress:
        yield WatchBar(progress, total)
