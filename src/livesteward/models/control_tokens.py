"""What a tokenizer takes for a control token of its model in an ordinary text, and how that is broken.

Chat templates mark turns, pictures, thoughts and calls with tokens such as ``<|im_end|>``, ``</s>``, ``<image>`` or ``[INST]``. A tokenizer
looks for them in all that it is given, and no API of a server can say that a text is text: who gets one into a prompt ends the turn and
begins another, or makes a place for a picture where none was sent. Every family has tokens of its own, and no list of them
stays whole; so whatever has their form is broken, by a sign that looks alike and that no token begins with.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BROKEN_ANGLE: Final = "\u2039"
_BROKEN_SQUARES: Final = {"[": "\u3014", "]": "\u3015"}
UNBROKEN: Final = {BROKEN_ANGLE: "<", **{broken: sign for sign, broken in _BROKEN_SQUARES.items()}}
"""What a sign that breaks a token stands for, so that a quote of what a model was shown is found in the text."""

# With the forms that Unicode's compatibility folding (NFKC), which some tokenizers begin with, turns into them.
_LESS, _GREATER = "<\ufe64\uff1c", ">\ufe65\uff1e"
_OPENING, _CLOSING = r"\[\ufe47\uff3b", r"\]\ufe48\uff3d"
_BAR = "|\uff5c"
_ANGLES = _LESS + _GREATER + BROKEN_ANGLE

_SIGN = re.compile(f"[{_LESS}{_OPENING}{_CLOSING}]")
# <|...|>, </s>, <image>, <[end_of_sentence]>: signs, then a bar, or a letter and further on in the line the end. Not: <3, a < b, i<you.
_TAG = re.compile(rf"[{_LESS}](?=[^\w\s{_ANGLES}]*(?:[{_BAR}]|[^\W\d][^{_ANGLES}\n]*[{_GREATER}]))")
# [INST], [/INST], [gMASK], [IMG_END], [|user|]; what counts is how the words between the brackets are read.
_SQUARE = re.compile(rf"[{_OPENING}]([^{_OPENING}{_CLOSING}\n]+)(?=[{_CLOSING}])")
_SQUARE_WORD = re.compile(r"\|.*|/?[a-z]?[A-Z][A-Z0-9_]+")
_UNSEEN = re.compile("[\u200c\u200d\ufe00-\ufe0f\ufffd]+")
# ]~!b[, ]~b] and [e~[ of MiniMax have a form that is nobody else's.
_MINIMAX = re.compile(r"[\[\]](?=~!?b[\[\]]|e~\[)")


def break_control_tokens(text: str) -> str:
    """Return ``text`` with the first sign of whatever may be a control token replaced by one that looks alike.

    An angle bracket is broken before a bar, and before a word where a closing one follows on the same line, ``<b>`` as well as
    ``<|im_end|>``; a square bracket around a bar or one word in capitals. Nothing else changes, and breaking twice changes nothing more.
    """
    if _SIGN.search(text) is None:
        return text
    return _MINIMAX.sub(lambda found: _BROKEN_SQUARES[found[0]], _SQUARE.sub(_break_square, _TAG.sub(BROKEN_ANGLE, text)))


def _break_square(found: re.Match[str]) -> str:
    read = _UNSEEN.sub("", unicodedata.normalize("NFKC", found[1]))
    return f"{_BROKEN_SQUARES['[']}{found[1]}" if _SQUARE_WORD.fullmatch(read) else found[0]
