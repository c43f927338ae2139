"""Everything that the screen and the heads are fitted on, in one list."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from pathlib import Path
from typing import Final

from livesteward.agents.screen.datasets import FOLDS, SOURCES, LabelledText, read_cases, read_sources
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
    cases = read_cases(CASES)
    for text in (*cases, *pictures_of_texts(cases), *rule_examples(library), *read_sources(data)):
        seen.setdefault(text.text, text)
    digests = {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for source in SOURCES for name in source.files}
    return list(seen.values()), digests


def pictures_of_texts(cases: list[LabelledText], *, count: int = 600) -> list[LabelledText]:
    """Return ``count`` pictures with two to four texts each, as the judge sees the texts on screen together: harmful if one of them is.

    Texts that are held out are only put together with others that are.
    """
    made = []
    for held_out in (False, True):
        shown = [case for case in cases if case.on_screen and case.held_out is held_out]
        draw = random.Random(len(shown))
        harmful, fine = [case for case in shown if case.positive], [case for case in shown if not case.positive]
        for number in range(count // FOLDS if held_out else count * (FOLDS - 1) // FOLDS):
            parts = draw.sample(fine, draw.randint(1, 3)) + ([draw.choice(harmful)] if number % 2 else [draw.choice(fine)])
            draw.shuffle(parts)
            first = next((part for part in parts if part.positive), parts[0])
            text = " ".join(part.text for part in parts)[:280]
            if first.text in text:
                made.append(replace(first, text=text, positive=first.positive, on_screen=True))
    return made


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
