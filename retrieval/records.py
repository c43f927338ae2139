"""What is indexed of a rule: its text, and each of its examples as a record of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from livesteward.contracts import Contract, Rule, Rulebook
from livesteward.models.embedders import Embedder, Vectors

LAYOUT: Final = 1
"""Raise it whenever the records or the way they are embedded change: indexes of another layout are built anew."""

_QUOTED: Final = re.compile(r"^(?:(?P<setting>[^\"“”«「]{1,60}):\s+)?[\"“«「](?P<said>.*)[\"”»」][.!?]?$", re.DOTALL)


class RecordKind(StrEnum):
    """Which part of a rule a record is."""

    TITLE = "title"
    TEXT = "text"
    BREAKS = "breaks"
    ALLOWED = "allowed"

    @property
    def is_example(self) -> bool:
        """Whether it reads like a text of a stream rather than like a rule about one."""
        return self in (RecordKind.BREAKS, RecordKind.ALLOWED)


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
    """The title, each paragraph of the text under it, and each example.

    A paragraph is what one document wrote: jurisdictions share most of them, and with them their vectors.
    """
    paragraphs = [paragraph for paragraph in rule.text.split("\n\n") if paragraph.strip()]
    parts = [
        (RecordKind.TITLE, rule.title),
        *((RecordKind.TEXT, f"{rule.title}. {paragraph}") for paragraph in paragraphs),
        *((RecordKind.BREAKS, said(example)) for example in rule.breaks),
        *((RecordKind.ALLOWED, said(example)) for example in rule.allowed),
    ]
    records = [
        RuleRecord(record_id=f"{rule.rule_id}/{kind}/{_short_digest(text)}", rule_id=rule.rule_id, kind=kind, text=text)
        for kind, text in parts
    ]
    return list({record.record_id: record for record in records}.values())


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def said(example: str) -> str:
    """Return what an example says, without quotation marks and without ``Chat:`` before them: a stream's texts have neither."""
    match = _QUOTED.fullmatch(example.strip())
    if match is None or any(mark in match["said"] for mark in '"“”'):
        return example
    return match["said"]


async def embed_records(embedder: Embedder, records: Sequence[RuleRecord]) -> Vectors:
    """Embed records: rules as what is found, examples as what is looked up, for they are compared with texts of a stream, like to like."""
    examples = [row for row, record in enumerate(records) if record.kind.is_example]
    others = [row for row, record in enumerate(records) if not record.kind.is_example]
    looked_up = await embedder.queries([records[row].text for row in examples])
    found = await embedder.passages([records[row].text for row in others])
    vectors = np.empty((len(records), max(looked_up.shape[1], found.shape[1])), np.float32)
    vectors[examples] = looked_up
    vectors[others] = found
    return vectors
