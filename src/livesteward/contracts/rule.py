"""Rules, the documents they come from, and the rulebook of one jurisdiction on one date."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from livesteward.contracts.base import (
    STREAM_ACTIONS,
    VIEWER_ACTIONS,
    ActionKind,
    Category,
    Contract,
    Jurisdiction,
    RuleId,
    Severity,
    Sha256,
)

Text = Annotated[str, Field(min_length=1, max_length=4_000)]
Example = Annotated[str, Field(min_length=1, max_length=1_000)]


class ActionLadder(Contract):
    """What is done at the first, second, third ... time, for the host's stream and for a viewer.

    The last step repeats. An empty ladder means that the rule is not about that kind of subject.
    """

    host: Annotated[tuple[ActionKind, ...], Field(max_length=6)] = ()
    viewer: Annotated[tuple[ActionKind, ...], Field(max_length=6)] = ()

    @field_validator("host")
    @classmethod
    def _host_actions(cls, value: tuple[ActionKind, ...]) -> tuple[ActionKind, ...]:
        return _only(value, STREAM_ACTIONS, "host")

    @field_validator("viewer")
    @classmethod
    def _viewer_actions(cls, value: tuple[ActionKind, ...]) -> tuple[ActionKind, ...]:
        return _only(value, VIEWER_ACTIONS, "viewer")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.host and not self.viewer:
            raise ValueError("a ladder needs at least one step for host or viewer")
        return self


def _only(value: tuple[ActionKind, ...], allowed: frozenset[ActionKind], kind: str) -> tuple[ActionKind, ...]:
    wrong = [action.value for action in value if action not in allowed]
    if wrong:
        names = ", ".join(action.value for action in ActionKind if action in allowed)
        raise ValueError(f"{', '.join(wrong)} is no action for a {kind}; there are: {names}")
    return value


class LayerEffect(StrEnum):
    """What one document did to a rule."""

    BASE = "base"
    ADD = "add"
    TIGHTEN = "tighten"
    RELAX = "relax"
    OFF = "off"


class RuleLayer(Contract):
    """One document's part in making a rule what it is; ``changed`` names the fields that it set or extended."""

    jurisdiction: Jurisdiction
    effect: LayerEffect
    document: Annotated[str, Field(max_length=512)]
    line: Annotated[int, Field(ge=1)]
    effective_from: date
    effective_to: date | None = None
    norm: Annotated[str, Field(max_length=500)] = ""
    changed: tuple[str, ...] = ()


class Rule(Contract):
    """A rule as it holds in one jurisdiction.

    Attributes:
        rule_id: ``FRAUD-2.1``.
        title: A few words.
        text: What is forbidden (or required), in full sentences.
        exceptions: When it does not apply.
        breaks: Examples that break it, as they would be said, written or shown on a stream.
        allowed: Look-alikes that do not break it.
        ladder: What is done, by strike and subject.
        notice: What the host is told, in English.
        norms: Laws or customs that it reflects.
        layers: The documents that made it, widest jurisdiction first.
    """

    rule_id: RuleId
    title: Annotated[str, Field(min_length=1, max_length=120)]
    category: Category
    severity: Severity
    text: Text
    exceptions: tuple[Text, ...] = ()
    breaks: Annotated[tuple[Example, ...], Field(min_length=2)]
    allowed: Annotated[tuple[Example, ...], Field(min_length=2)]
    ladder: ActionLadder
    notice: Text
    norms: tuple[Annotated[str, Field(max_length=500)], ...] = ()
    layers: Annotated[tuple[RuleLayer, ...], Field(min_length=1)]


class RulebookRef(Contract):
    """Which rulebook: the jurisdiction, the date it holds on, and the digest of its rules.

    ``version`` is the date and the first eight digits of the digest, for people.
    """

    jurisdiction: Jurisdiction
    on: date
    version: Annotated[str, Field(max_length=64)]
    digest: Sha256


class Rulebook(Contract):
    """The rules in force in one jurisdiction on one date, ordered by id."""

    ref: RulebookRef
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [rule.rule_id for rule in self.rules]
        if len(set(ids)) != len(ids):
            raise ValueError("two rules have the same id")
        return self


class RetrievedRule(Contract):
    """A rule that retrieval found relevant, and how it was found.

    ``score`` orders the rules of one search; ``dense`` is the similarity by meaning, and ``lexical`` the BM25 score where words are shared.
    """

    jurisdiction: Jurisdiction
    rule: Rule
    score: float
    dense: float | None = None
    lexical: float | None = None
