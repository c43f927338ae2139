"""What a rule document holds once it is read: sections as written, before any of them is applied to another."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from livesteward.contracts import ActionKind, Category, Contract, LayerEffect, Severity

MAX_DOCUMENT_BYTES = 1_000_000
"""Of one rule document."""


class RuleSection(Contract):
    """One rule section of one document, as written; empty where the document says nothing.

    ``effect`` is ``base`` in global documents and what the section declares in overlays. Both dates are days in force.
    """

    model_config = ConfigDict(str_max_length=MAX_DOCUMENT_BYTES)

    rule_id: str
    title: str
    line: int
    effect: LayerEffect
    category: Category | None = None
    severity: Severity | None = None
    host: tuple[ActionKind, ...] | None = None
    viewer: tuple[ActionKind, ...] | None = None
    norms: tuple[str, ...] = ()
    effective_from: date
    effective_to: date | None = None
    text: str = ""
    exceptions: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    notice: str = ""

    def in_force(self, on: date) -> bool:
        """Whether the section holds on the day ``on``; the first and the last day are included."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    @property
    def complete(self) -> bool:
        """Whether it makes a rule by itself, and so has to bring all parts of one."""
        return self.effect in (LayerEffect.BASE, LayerEffect.ADD)


class PolicyDocument(Contract):
    """A rule document; ``path`` is relative to the folder of policies, and ``raw`` is the file's text unchanged."""

    model_config = ConfigDict(str_max_length=MAX_DOCUMENT_BYTES)

    path: str
    policy: str
    title: str
    jurisdiction: str
    category: Category | None
    effective_from: date
    disclaimer: str
    intro: str
    sections: tuple[RuleSection, ...]
    raw: Annotated[str, Field(repr=False)]
