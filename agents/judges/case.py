"""What a judge is given, and what it must do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from livesteward.agents.perception.perceived import FrameRef
from livesteward.agents.state import Judgement, Screened, StreamMemory
from livesteward.agents.thresholds import Thresholds
from livesteward.contracts import RetrievedRule, Segment
from livesteward.prompts.rulebook_layout import FOUND_ONLY, RulebookLayout


@dataclass(frozen=True)
class Case:
    """One segment before a judge.

    Attributes:
        segment: After perception.
        screened: What the screen flagged.
        rules: The retrieved rules of all jurisdictions asked for; all there are, the best found first, where the rulebook stands in the
            prompt.
        regions: Those jurisdictions.
        on: The day whose rules hold.
        frames: References to the pictures.
        memory: Of the stream.
        layout: Which rules stand where in a prompt.
        thresholds: Of ``decide``; a judge may leave out what is far below them.
    """

    segment: Segment
    screened: Screened
    rules: tuple[RetrievedRule, ...]
    regions: tuple[str, ...]
    on: date
    frames: tuple[FrameRef, ...]
    memory: StreamMemory
    thresholds: Thresholds
    layout: RulebookLayout = FOUND_ONLY


class Judge(Protocol):
    """Decides which rules a segment breaks."""

    @property
    def sees(self) -> bool:
        """Whether it looks at pictures."""
        ...

    async def judge(self, case: Case) -> Judgement:
        """Return what it holds; every claim is verified afterwards.

        Raises:
            ModelError: If it cannot judge.
        """
        ...

    async def aclose(self) -> None:
        """Free what it holds."""
        ...
