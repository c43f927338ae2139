"""The texts that near-duplicates are looked for in: what decides a golden case, and what the shipped judge learned from.

A line such as "hello from Penang" stands in many streams and decides none: of the chat only gold evidence and long messages count, and of
everything only what says enough to be recognised.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livesteward.agents.screen.corpus import CASES
from livesteward.agents.screen.datasets import read_cases
from livesteward.evals.cases import Entry, Split, Step, StreamCase
from livesteward.evals.dataset import Dataset
from livesteward.evals.judgements import clusters
from livesteward.evals.linting.consistency import text_of
from livesteward.evals.linting.shingles import weight
from livesteward.retrieval.rulebook import PolicyLibrary

LEAST: Final = 26
"""Letters that a text needs to count, see :func:`livesteward.evals.linting.shingles.weight`: five or six words."""
LEAST_BESIDE: Final = 40
"""Letters that a text needs which the label does not name: a line of speech in an allowed case, a chat message, an overlay."""

_MODALITY: Final = re.compile(r"^(?:overlay|chat|title|speech|gift message|viewer|host)\s*:?\s+(?=[\"“„«])", re.IGNORECASE)
_QUOTES: Final = '"“”„«» '


@dataclass(frozen=True)
class PlacedText:
    """A text with where it stands.

    Attributes:
        text: On one line.
        file: Of the case, the training text or the rule document.
        line: Where it begins there; of a golden case, where the case begins.
        what: What it is, such as ``u2`` or ``an example of FRAUD-1.1``.
        case_id: Of a golden case; empty for training text.
        cluster: Golden cases of one cluster are meant to be alike.
        split: Of a golden case.
    """

    text: str
    file: str
    line: int
    what: str
    case_id: str = ""
    cluster: str = ""
    split: Split | None = None

    @property
    def named(self) -> str:
        """What it is and of which case."""
        return f"{self.what} of {self.case_id}" if self.case_id else self.what


def golden_texts(dataset: Dataset) -> list[PlacedText]:
    """Return what could decide each case, each text of a case once.

    That is gold evidence, all that is said in a segment, what is drawn, and sound. Single lines, messages and overlays that the label does
    not name count in cases alone, not in streams, and only where no related case has the same: what stands in both cases of a minimal
    pair does not decide them.
    """
    cluster = clusters(dataset.entries)
    common = Counter((cluster[entry.case_id], text) for entry in dataset.entries for text in set(_lines(entry)))
    found: list[PlacedText] = []
    for located in dataset.located:
        entry = located.entry
        seen: set[str] = set()
        for what, text, named in _of_entry(entry):
            flat = " ".join(text.split())
            least = LEAST if named else LEAST_BESIDE
            beside = not named and (isinstance(entry, StreamCase) or common[cluster[entry.case_id], text] > 1)
            if flat not in seen and not beside and weight(flat) >= least:
                seen.add(flat)
                found.append(PlacedText(flat, str(located.file), located.line, what, entry.case_id, cluster[entry.case_id], entry.split))
    return found


def training_texts(library: PolicyLibrary, policies: Path, *, cases: Path = CASES) -> list[PlacedText]:
    """Return what the screen and the heads were fitted on, and the examples that retrieval finds rules by.

    Args:
        library: Whose rules' examples count, in every jurisdiction, whatever the day.
        policies: The folder that the library was read from.
        cases: The folder of training cases.

    Raises:
        ConfigurationError: If a training case is wrong.
    """
    found: dict[str, PlacedText] = {}
    # Checks the files; what it returns has no lines.
    read_cases(cases)
    for file in sorted(cases.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            text = " ".join(str(json.loads(line)["text"]).split())
            found.setdefault(text, PlacedText(text, str(file), number, "training text"))
    for document in library.documents:
        lines = document.raw.splitlines()
        for section in document.sections:
            for example in (*section.breaks, *section.allowed):
                text = words_of(example)
                number = _line_of(example, lines, section.line)
                found.setdefault(text, PlacedText(text, str(policies / document.path), number, f"an example of {section.rule_id}"))
    return [placed for placed in found.values() if weight(placed.text) >= LEAST]


def words_of(example: str) -> str:
    """Return what an example of a rule says, without ``Overlay:`` and the quotation marks around it."""
    return " ".join(_MODALITY.sub("", example).strip(_QUOTES).split())


def _of_entry(entry: Entry) -> Iterator[tuple[str, str, bool]]:
    """Yield name, text, and whether the label names it or it is all of its kind."""
    for index, step in enumerate(entry.steps):
        at = f"segment {index + 1}, " if isinstance(entry, StreamCase) else ""
        for what, text, named in _of_step(step):
            yield at + what, text, named


def _of_step(step: Step) -> Iterator[tuple[str, str, bool]]:
    segment, staging = step.segment, step.staging
    spans = {span.item: span for one in step.expect for finding in one.findings for span in finding.evidence}
    for item, span in spans.items():
        yield item, text_of(span, segment, staging) or "", True
    yield "speech", " ".join(utterance.text for utterance in segment.utterances), True
    for overlay in segment.overlays:
        yield overlay.overlay_id, overlay.text, False
    for frame_id, drawing in staging.drawings.items():
        yield frame_id, " ".join(drawing.text), True
    if staging.sound is not None:
        yield "sound", " ".join(staging.sound.text), True
    if not all(one.findings for one in step.expect):
        for utterance in segment.utterances:
            yield utterance.utterance_id, utterance.text, False
    for message in segment.chat:
        yield message.message_id, message.text, False
    for gift in segment.gifts:
        yield gift.gift_id, gift.message, False


def _lines(entry: Entry) -> Iterator[str]:
    for segment in entry.segments:
        yield from (item.text for item in segment.items())


def _line_of(example: str, lines: list[str], first: int) -> int:
    """Return the line of a document, from 1, on which an example begins; that of its section where it is broken over lines."""
    head = example[:60]
    return next((number for number, line in enumerate(lines[first - 1 :], start=first) if head in line), first)
