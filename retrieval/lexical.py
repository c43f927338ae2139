"""Search by words: BM25 over tokens that also make sense where a script puts no spaces between words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_CHARS: Final = 4_000
"""Of one query that are looked at: a longer one is a pasted page, and its words no longer say what is looked for."""

# Scripts that write sentences without spaces, and Hangul, whose words carry their particles: first and last code point of their blocks.
_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul Jamo
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK
    (0xAC00, 0xD7A3),  # Hangul syllables
    (0xF900, 0xFAFF),  # CJK compatibility
    (0x20000, 0x323AF),  # CJK extensions B to H
)
# Accents and vowel signs that people leave out when they type: Latin, Greek and Cyrillic accents; Arabic vowels; tatweel.
_LEFT_OUT: Final = ((0x0300, 0x036F), (0x0640, 0x0640), (0x064B, 0x0652))
# A rulebook that is mostly English makes "und" and "para" look rare, and so telling: they are not.
_FUNCTION_WORDS: Final = frozenset(
    # English
    "a an and are as at be but by can do does for from has have he her his i if in is it its me my no not of on or our she so that the "
    "their them they this to was we what when who will with you your "
    # German
    "als am an auch auf aus bei das dem den der des die dies ein eine einem einen einer er es fur hat ich ihr im in ist mir mit nach nicht "
    "sich sie sind so um und uns von vor was wenn wer wie wir wird zu zum zur "
    # Spanish, Portuguese
    "al com como con da das de del do dos e el em en es esta este ha la las lo los mais mas me mi na nas no nos o os para pela pelo por "
    "que se si sin sua su sus te tu um uma un una y ya yo "
    # French
    "au aux avec ce ces cette dans des du elle est et il ils je l le les leur ma mais mes mon ne nous on ou par pas pour qu qui sa sans "
    "ses son sont sur ta tes ton une vous "
    # Malay, Indonesian
    "ada adalah akan anda atau boleh dalam dan dari daripada dengan di ini itu jika juga kami karena kerana kita ke kepada oleh pada saya "
    "sudah tak tidak untuk yang "
    # Turkish
    "bir bu da de ile icin ile mi ne ve "
    # Vietnamese, as typed with or without marks
    "ban cac cho co cua duoc khong la mot nay o thi toi trong va voi".split()
)


def tokens(text: str) -> list[str]:
    """Cut ``text`` into what is compared: words in small letters without accents, or pairs and triples of characters.

    English function words are dropped, the plural ``s`` of longer Latin words too.
    """
    return [token for run, unspaced in _runs(_folded(text[:_MOST_CHARS])) for token in (_grams(run) if unspaced else _word(run))]


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", "".join(c for c in decomposed if not _within(c, _LEFT_OUT)))


def _within(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Maximal runs of letters, marks and digits that are all of unspaced scripts or all not."""
    run, unspaced = "", False
    for char in text:
        # Vowel signs of Thai, Hindi and others are marks: a word goes on through them.
        part = unicodedata.category(char)[0] in "LMN"
        kind = part and _within(char, _UNSPACED)
        if run and (not part or kind != unspaced):
            yield run, unspaced
            run = ""
        if part:
            run += char
            unspaced = kind
    if run:
        yield run, unspaced


def _grams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for size in (2, 3):
        for start in range(len(run) - size + 1):
            yield run[start : start + size]


def _word(run: str) -> Iterator[str]:
    if run in _FUNCTION_WORDS:
        return
    plural = len(run) > 4 and run.isascii() and run.endswith("s") and not run.endswith("ss")
    yield run[:-1] if plural else run


class LexicalIndex:
    """BM25 over a fixed list of documents.

    Args:
        documents: The texts that are searched.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        import bm25s

        self._size = len(documents)
        corpus = [tokens(document) for document in documents]
        self._known = {token for document in corpus for token in document}
        self._bm25 = bm25s.BM25()
        if self._known:
            self._bm25.index(corpus, show_progress=False)

    def scores(self, query: str) -> NDArray[np.float32]:
        """Return the BM25 score of each document; 0 where no token is shared."""
        asked = [token for token in tokens(query) if token in self._known]
        if not asked:
            return np.zeros(self._size, np.float32)
        return np.asarray(self._bm25.get_scores(asked), np.float32)
