"""Everything that the screen and the heads are fitted on, in one list."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from livesteward.agents.screen.datasets import SOURCES, LabelledText, read_cases, read_sources
from livesteward.agents.screen.labels import LABELS
from livesteward.retrieval.rulebook import PolicyLibrary

CASES: Final = Path(__file__).parent / "cases"


def gather(data: Path, library: PolicyLibrary) -> tuple[list[LabelledText], dict[str, str]]:
    """Return all labelled texts, each text once, and the SHA-256 of every third-party file by name.

    Args:
        data: The folder of the third-party sets.
        library: Whose rules' examples are taught too.

    Raises:
        ConfigurationError: If a set is missing or a case is wrong.
    """
    seen: dict[str, LabelledText] = {}
    for text in (*read_cases(CASES), *rule_examples(library), *read_sources(data)):
        seen.setdefault(text.text, text)
    digests = {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for source in SOURCES for name in source.files}
    return list(seen.values()), digests


def rule_examples(library: PolicyLibrary) -> list[LabelledText]:
    """Return the examples of all rules that the documents add, with those of one rule in one group.

    What breaks a rule is of its category and may be of others; what does not is harmless. Examples that only tell jurisdictions apart
    (those of tightened and relaxed rules) are left out: what they show is lawful in one place and not in another.
    """
    texts = []
    for document in library.documents:
        for section in document.sections:
            if section.category is None or section.effect not in {"base", "add"}:
                continue
            category = section.category.value
            for example in section.breaks:
                texts.append(
                    LabelledText(
                        _said(example), frozenset({category}), frozenset(LABELS) - {category}, "livesteward_rules", section.rule_id
                    )
                )
            for example in section.allowed:
                # A rule of one country may call harmless what another country's rule does not, so only its own category is known.
                texts.append(
                    LabelledText(_said(example), frozenset(), frozenset(LABELS) - {category}, "livesteward_rules", section.rule_id)
                )
    return texts


def _said(example: str) -> str:
    """Return what the example says, without "Overlay:" and the quotation marks around it."""
    head, _, rest = example.partition(":")
    if rest and head.strip().lower() in {"overlay", "chat", "title", "speech", "gift message", "viewer", "host"}:
        example = rest
    return " ".join(example.strip().strip('"“”').split())[:600]
