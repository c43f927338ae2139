"""What is told of a group of mistakes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from livesteward.contracts import Category, Contract, Decision
from livesteward.evals.badcases.mistakes import MistakeKind
from livesteward.evals.cases import CaseId


class CauseCode(StrEnum):
    """The likely causes, the most telling first: of those that hold, the first is named."""

    BROKEN = "broken"
    INJECTION = "injection"
    NOT_PERCEIVED = "not_perceived"
    VIEWER_FOR_HOST = "viewer_for_host"
    WRONG_PERSON = "wrong_person"
    CLEARED = "cleared"
    NOT_RETRIEVED = "not_retrieved"
    LOST = "lost"
    OVERLAY = "overlay"
    NEAR_THRESHOLD = "near_threshold"
    EXCEPTION = "exception"
    QUOTED = "quoted"
    MAKE_BELIEVE = "make_believe"
    DISGUISED = "disguised"
    WRONG_SIDE = "wrong_side"
    LANGUAGE = "language"
    SCORE = "score"


class Shared(Contract):
    """What most mistakes of a group have in common in one respect: the name, and how many of them have it."""

    name: str
    n: Annotated[int, Field(ge=1)]


class Exemplar(Contract):
    """One mistake of a group.

    Attributes:
        case_id: The case or stream.
        step: Place in the stream, from 0.
        regions: Where the mistake was made.
        gold: What the label says in the first of them.
        decided: What the agent said there.
        text: What decides.
        reason: Why, as the case says.
    """

    case_id: CaseId
    step: int = 0
    regions: tuple[str, ...]
    gold: Decision
    decided: Decision
    text: str
    reason: str


class Cause(Contract):
    """Why the mistakes of a group were likely made.

    Attributes:
        code: For programs.
        sentence: For people.
        holds: For how many of the group it holds.
        facts: What it rests on, of some of them.
        also: Other causes that hold for at least half of them.
    """

    code: CauseCode
    sentence: str
    holds: int
    facts: tuple[str, ...]
    also: tuple[CauseCode, ...] = ()


class Draft(Contract):
    """A case that somebody should write: how it was made, and the YAML to begin with."""

    case_id: CaseId
    change: str
    yaml: str


class BadCaseCluster(Contract):
    """Mistakes of one kind and category that are alike.

    Attributes:
        kind: In which way they are wrong.
        category: Of the harm that was missed or wrongly seen; None where nothing was found and nothing is wrong.
        size: Segments.
        rows: Segments times regions and trials.
        cost: Summed over segments, see :attr:`livesteward.evals.badcases.mistakes.Mistake.cost`; the list is ordered by it.
        shared: By dimension of slices (``region``, ``language``, ``kind``), where most have one in common.
        exemplars: The most typical first.
        cause: Why.
        advice: What to try.
        drafts: Cases to write.
    """

    kind: MistakeKind
    category: Category | None
    size: Annotated[int, Field(ge=1)]
    rows: Annotated[int, Field(ge=1)]
    cost: Annotated[float, Field(ge=0)]
    shared: dict[str, Shared] = {}
    exemplars: Annotated[tuple[Exemplar, ...], Field(min_length=1)]
    cause: Cause
    advice: tuple[str, ...] = ()
    drafts: tuple[Draft, ...] = ()
