"""Cited quotes against gold spans, character by character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Modality, Segment, TextItem
from livesteward.evals.cases import Span

SOUND: Final = "sound"
"""The item of a gold span that is only heard; what it says is perceived as speech."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# A word, or one letter of a script that is written without spaces.
_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


@dataclass(frozen=True)
class Overlap:
    """How two sets of characters meet.

    Attributes:
        both: Characters that are cited and in a gold span.
        cited: Characters that are cited.
        gold: Characters in gold spans.
    """

    both: int
    cited: int
    gold: int

    def __add__(self, other: Overlap) -> Overlap:
        """Add up the overlaps of two items."""
        return Overlap(self.both + other.both, self.cited + other.cited, self.gold + other.gold)

    @property
    def precision(self) -> float:
        """Share of what is cited that is gold; 0 where nothing is cited."""
        return self.both / self.cited if self.cited else 0.0

    @property
    def recall(self) -> float:
        """Share of gold that is cited."""
        return self.both / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return 2 * self.both / (self.cited + self.gold) if self.cited + self.gold else 0.0


def overlap(gold: Iterable[Span], cited: Iterable[tuple[str, str]], segment: Segment, perceived: Iterable[TextItem]) -> Overlap:
    """Compare cited quotes with gold spans.

    Inside the texts of the segment, the offsets of characters are compared, each character once, as in Pavlopoulos et al., "SemEval-2021
    task 5: toxic spans detection". Text that is only in a picture or a recording has no offsets in common with what perception read or
    heard: there, letters count as cited where the word that they are in stands in a quote from a perceived text of the same kind.

    Args:
        gold: Spans of the label.
        cited: Item and quote of each piece of evidence.
        segment: As it stands in the case.
        perceived: Texts that perception added.
    """
    texts = {item.item_id: item.text for item in segment.items()}
    kinds = {item.item_id: item.modality for item in perceived if item.item_id not in texts}
    marked: dict[str, set[int]] = {}
    wanted: dict[str, set[int]] = {}
    seen_or_heard: dict[Modality, list[str]] = {Modality.OVERLAY: [], Modality.SPEECH: []}
    hidden: dict[Modality, list[str]] = {Modality.OVERLAY: [], Modality.SPEECH: []}
    for item, quote in cited:
        if item in texts:
            marked.setdefault(item, set()).update(_offsets(quote, texts[item]))
        elif kinds.get(item) in seen_or_heard:
            seen_or_heard[kinds[item]].append(quote)
    for span in gold:
        if span.item in texts:
            wanted.setdefault(span.item, set()).update(_offsets(span.quote, texts[span.item]))
        else:
            hidden[Modality.SPEECH if span.item == SOUND else Modality.OVERLAY].append(span.quote)
    total = _by_offsets(wanted, marked)
    for kind, quotes in hidden.items():
        total += _by_words(quotes, list(dict.fromkeys(seen_or_heard[kind])))
    return total


def stands_in(quote: str, text: str) -> bool:
    """Whether a quote is verbatim from a text, in the one form that the agent gives to texts: NFC, without control characters."""
    return as_judged(quote) in as_judged(text)


def as_judged(text: str) -> str:
    """Return a text as the agent judged it (see :func:`livesteward.agents.nodes.ingest.admit`)."""
    return _CONTROL.sub(" ", unicodedata.normalize("NFC", text))


def _by_offsets(gold: Mapping[str, set[int]], cited: Mapping[str, set[int]]) -> Overlap:
    return Overlap(
        both=sum(len(places & cited.get(item, set())) for item, places in gold.items()),
        cited=sum(map(len, cited.values())),
        gold=sum(map(len, gold.values())),
    )


def _offsets(quote: str, text: str) -> Iterator[int]:
    """The places of every character of every occurrence of a quote."""
    sought, within = as_judged(quote), as_judged(text)
    start = within.find(sought) if sought else -1
    while start >= 0:
        yield from range(start, start + len(sought))
        start = within.find(sought, start + 1)


def _by_words(gold: Iterable[str], cited: Iterable[str]) -> Overlap:
    # What OCR reads may lack spaces, so that words are looked for inside the quotes: the longest first, each place only once.
    words = [word for quote in gold for word in _words(quote)]
    letters = "\n".join("".join(_words(quote)) for quote in cited)
    size = len(letters.replace("\n", ""))
    both = 0
    for word in sorted(words, key=len, reverse=True):
        if word in letters:
            letters = letters.replace(word, "\n", 1)
            both += len(word)
    return Overlap(both=both, cited=size, gold=sum(map(len, words)))


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
