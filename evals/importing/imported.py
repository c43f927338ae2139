"""One labelled text of a public set, and the case that it becomes: a single chat message or sentence in an otherwise silent segment."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from livesteward.contracts import Category, Severity
from livesteward.evals.cases import Case, Split
from livesteward.evals.writing import STARTS_AT

_LONGEST = 4_000
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Imported:
    """A labelled text.

    Attributes:
        name: Its id in the set.
        text: As it stands there.
        language: BCP 47.
        category: What it breaks; None for a harmless text.
        looks_like: What a harmless text resembles.
        spans: The parts that make it harmful, where the set marks them; verbatim.
        group: Texts of one template or conversation; the name where there is none.
        kind: The set's own name for what it tests.
    """

    name: str
    text: str
    language: str
    category: Category | None
    looks_like: Category | None = None
    spans: tuple[str, ...] = ()
    group: str = ""
    kind: str = ""


def cases_of(
    texts: Iterable[Imported], *, dataset: str, source: str, region: str, spoken_as: Literal["chat", "speech"] = "chat"
) -> Iterator[Case]:
    """Make a case of each text that has any letters left; texts that repeat are taken once.

    The set says what is harmful, not how bad or by which rule: severity is ``medium`` throughout, and no rules are named.

    Args:
        texts: Of one set.
        dataset: Its short name, put in front of the ids.
        source: Its name and licence.
        region: Whose rules are asked.
        spoken_as: Whether a viewer writes the text or the host says it.
    """
    seen: set[str] = set()
    for one in texts:
        text = _clean(one.text)
        if not any(character.isalnum() or unicodedata.category(character).startswith("S") for character in text) or text in seen:
            continue
        seen.add(text)
        yield Case.model_validate(_case(one, text, dataset, source, region, spoken_as))


def _case(one: Imported, text: str, dataset: str, source: str, region: str, spoken_as: str) -> dict[str, Any]:
    case_id = f"{dataset}-{_NOT_IN_IDS.sub('-', one.name.lower()).strip('-')}"[:90].strip("-")
    segment: dict[str, Any] = {
        "stream_id": case_id,
        "segment_id": "0001",
        "starts_at": STARTS_AT,
        "region": region,
        "language": one.language,
    }
    if spoken_as == "chat":
        segment["chat"] = [{"message_id": "c1", "at_s": 5, "viewer_id": "viewer", "text": text}]
    else:
        segment["utterances"] = [{"utterance_id": "u1", "at_s": 5, "text": text}]
    expectation: dict[str, Any] = {"regions": [region], "decision": "allow"}
    if one.category is not None:
        quotes = [span for span in (_clean(span) for span in one.spans) if span and span in text] or [text[:2_000]]
        subject = {"subject": "viewers", "subject_ids": ["viewer"]} if spoken_as == "chat" else {"subject": "host"}
        finding = {
            "category": one.category,
            "severity": Severity.MEDIUM,
            "evidence": [{"item": "c1" if spoken_as == "chat" else "u1", "quote": quote} for quote in quotes[:20]],
            **subject,
        }
        expectation = {"regions": [region], "decision": "violation", "findings": [finding]}
    return {
        "case_id": case_id,
        "split": Split.DEV,
        "segment": segment,
        "expect": [expectation],
        "reason": one.kind or "As labelled in the set.",
        "looks_like": [one.looks_like] if one.category is None and one.looks_like else [],
        "source": source,
    }


def short_digest(text: str) -> str:
    """Name a text that its set does not name."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _clean(text: str) -> str:
    return " ".join("".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs") or c in "\t\n\r").split())[:_LONGEST]
