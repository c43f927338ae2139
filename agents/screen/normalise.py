"""One spelling for many: undo the disguises that people write around a filter with.

Only the scores see the normalised form. Quotes and evidence are always taken from the text as it was written.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

_LOOK_ALIKES: Final = str.maketrans(
    # Cyrillic and Greek letters that look like Latin ones, and marks that stand for letters.
    "аеорсухіјѕһԁԛԝԍкмтвнАЕОРСУХІЈЅКМТВНαοερτυνκικΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijshdqwgkmtbhaeopcyxijskmtbhaoeptuvkikabezhikmnoptyx",
)
_DIGITS: Final = str.maketrans("0134578@$!|€", "oieastbasiie")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_SPACED: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_][\s.\-_*·•]{1,2}){3,}[^\W\d_](?![^\W_])")
_BETWEEN: Final = re.compile(r"[\s.\-_*·•]")
_REPEATED: Final = re.compile(r"([^\d])\1{2,}")
_SPACES: Final = re.compile(r"\s+")
_WORD: Final = re.compile(r"\S+")
_LINK: Final = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]{2,}+\.(?:com|net|org|io|me|gg|ly|co|xyz|info|top|live|shop|ru|cn|app|link)\b\S*"
)


def calm(text: str) -> str:
    """Return ``text`` in small letters where it is written in capitals, as texts on screen are: embeddings of capitals say little."""
    letters = [char for char in text if char.isalpha() and char.lower() != char.upper()]
    return text.lower() if letters and sum(char.isupper() for char in letters) * 2 > len(letters) else text


_PROBES: Final = (
    "F.R.E.E  m0ney",
    "h\u0430te!!! 555 $cam",
    "\uff26ull w\u200bidth",
    "see www.a-b.com now",
    "\u0928\u092e\u0938\u094d\u0924\u0947 s o o o  gooood",
)


def folding_digest() -> str:
    """Return a digest of what :func:`normalise` makes of some texts: weights fitted under another one do not fit."""
    return hashlib.sha256("\n".join(normalise(probe) + calm(probe) for probe in (*_PROBES, "SALE ends TODAY 9 PM")).encode()).hexdigest()[
        :16
    ]


def normalise(text: str) -> str:
    """Return ``text`` folded to one spelling, at most 4,000 characters of it.

    Compatibility forms, case, invisible and combining marks, letters of other scripts that look Latin, digits inside words,
    spaced-out words and stretched letters are undone; links become the word ``linkurl``. Scripts other than Latin keep their letters.
    """
    folded = _INVISIBLE.sub("", text[:4_000])
    if folded.isascii():
        folded = folded.lower()
    else:
        folded = unicodedata.normalize("NFKC", folded).casefold()
        folded = _strip_latin_marks(folded)
        if any(c.isascii() and c.isalpha() for c in folded):
            folded = folded.translate(_LOOK_ALIKES) if not _is_mostly_other_script(folded) else folded
    folded = _LINK.sub(" linkurl ", folded)
    folded = _SPACED.sub(lambda match: _BETWEEN.sub("", match.group()), folded)
    folded = _WORD.sub(_undo_digits, folded)
    folded = _REPEATED.sub(r"\1\1", folded)
    return _SPACES.sub(" ", folded).strip()


def _undo_digits(match: re.Match[str]) -> str:
    # An exclamation mark inside a word stands for a letter, at its end for itself.
    word = match.group().rstrip("!|")
    rest = match.group()[len(word) :]
    letters = sum(c.isalpha() for c in word)
    # "h4te" and "$cam" are words in disguise; "2024", "100%" and "18+" are numbers and stay.
    return (word.translate(_DIGITS) if letters >= 2 and letters * 2 >= len(word) and not word.isalpha() else word) + rest


def _strip_latin_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    kept: list[str] = []
    for char in decomposed:
        # Marks of Indic, Thai or Arabic script are letters of their own; those on Latin letters are decoration.
        if unicodedata.combining(char) and kept and kept[-1] < "\u0250":
            continue
        kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def _is_mostly_other_script(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return sum(c.isascii() for c in letters) * 2 < len(letters)
