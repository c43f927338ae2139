"""What is indexed of a rule: its text, and each of its examples as a record of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from livesteward.contracts import Contract, Rule, Rulebook
from livesteward.models.embedders import Embedder, Vectors

LAYOUT: Final = 1
"""Raise it whenever the records or the way they are embedded change: indexes of another layout are built anew."""

_QUOTED: Final = re.compile(r"^(?:(?P<setting>[^\"“”«「]{1,60}):\s+)?[\"“«「](?P<said>.*)[\"”»」][.!?]?$", re.DOTALL)


class RecordKind(StrEnum):
    """Which part of a rule a record is."""

    TEXT = "text"
    BREAKS = "breaks"
    ALLOWED = "allowed"


class RuleRecord(Contract):
    """One embedded piece of a rule; ``text`` is what the embedder reads."""

    record_id: str
    rule_id: str
    kind: RecordKind
    text: str


def records_of(rulebook: Rulebook) -> list[RuleRecord]:
    """All records of a rulebook, in the order of its rules."""
    return [record for rule in rulebook.rules for record in _rule_records(rule)]


def _rule_records(rule: Rule) -> list[RuleRecord]:
    records = [RuleRecord(record_id=f"{rule.rule_id}/text", rule_id=rule.rule_id, kind=RecordKind.TEXT, text=f"{rule.title}. {rule.text}")]
    for kind, examples in ((RecordKind.BREAKS, rule.breaks), (RecordKind.ALLOWED, rule.allowed)):
        for example in examples:
            digest = hashlib.sha256(example.encode()).hexdigest()[:16]
            records.append(RuleRecord(record_id=f"{rule.rule_id}/{kind}/{digest}", rule_id=rule.rule_id, kind=kind, text=said(example)))
    return list({record.record_id: record for record in records}.values())


def said(example: str) -> str:
    """Return what an example says, without quotation marks and without ``Chat:`` before them: a stream's texts have neither."""
    match = _QUOTED.fullmatch(example.strip())
    if match is None or any(mark in match["said"] for mark in '"“”'):
        return example
    return match["said"]


async def embed_records(embedder: Embedder, records: Sequence[RuleRecord]) -> Vectors:
    """Embed records as what is found."""
    return await embedder.passages([record.text for record in records])
