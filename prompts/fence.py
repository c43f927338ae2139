"""The fence around everything a stranger wrote, and the cleaning of what goes inside.

The model is told that fenced text is evidence and never an instruction. Four things make the fence hold: its name has a nonce that
nobody outside can know, what looks like a fence inside is broken visibly, so is what a tokenizer would take for a control token of the
chat, and characters that hide or reorder text are replaced.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from livesteward.models.control_tokens import BROKEN_ANGLE, break_control_tokens
from livesteward.models.nonce import FENCE_WORD, is_nonce, new_nonce

REPLACEMENT: Final = "\ufffd"
"""Stands for a run of characters that were taken out, so that a person and the model see that something was there."""

_MAX_ATTRIBUTE_CHARS: Final = 60
_JOINERS: Final = frozenset("\u200c\u200d")
_HIDDEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2028\u2029\u3164\uffa0")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
_LESS_THAN: Final = "<\u02c2\u2039\u2329\u27e8\u276e\u3008\u300a\u00ab\ufe64\uff1c\u1438"
_LESS_THAN_SIGN = re.compile(f"[{_LESS_THAN}]")
_GREATER_THAN_SIGN = re.compile("[>\u02c3\u203a\u232a\u27e9\u276f\u3009\u300b\u00bb\ufe65\uff1e\u1433]")
_BETWEEN = re.compile(r"[\W_]+")
_RUN = re.compile(f"{REPLACEMENT}{{2,}}")


def neutralise(text: str) -> str:
    """Return ``text`` without what could hide, reorder or imitate, fit for a prompt.

    It is made :func:`visible`; an angle bracket in front of the fence's word, in whatever width and case, is broken, and so is what may be
    a control token (see :mod:`livesteward.models.control_tokens`). Everything else stays as it is, so that quotes can be verbatim. Applying
    it twice changes nothing more.
    """
    return break_control_tokens(_break_fences(visible(text)))


def visible(text: str) -> str:
    """Return ``text`` without what could hide or reorder, fit to be shown to a person; what marks it up or gives orders is still in it.

    Control characters, format characters (bidirectional overrides, zero width, tags) and private ones become one replacement character a
    run; line breaks and tabs stay, as do the joiners that emoji, Persian and Indic scripts need.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    # Most lines are printable throughout; only others are looked through letter by letter.
    clean = unified.isprintable() and _HIDDEN.isdisjoint(unified)
    shown = unified if clean else "".join(REPLACEMENT if _is_hidden(c) else c for c in unified)
    return _RUN.sub(REPLACEMENT, shown)


def _is_hidden(char: str) -> bool:
    if char in "\n\t" or char in _JOINERS:
        return False
    return char in _HIDDEN or unicodedata.category(char) in _HIDDEN_CATEGORIES


def _break_fences(text: str) -> str:
    def broken(match: re.Match[str]) -> str:
        # Marks and joiners may stand between the letters, and letters may be wide or bold: look at them as they would be read.
        ahead = unicodedata.normalize("NFKC", text[match.end() : match.end() + 4 * len(FENCE_WORD)]).casefold()
        return BROKEN_ANGLE if _BETWEEN.sub("", ahead).startswith(FENCE_WORD) else match.group()

    return _LESS_THAN_SIGN.sub(broken, text)


def attribute(value: str) -> str:
    """Return ``value`` fit to stand between the double quotes of a fence's attribute: one line, no quotes or brackets, 60 characters."""
    line = " ".join(neutralise(value).split())
    plain = _GREATER_THAN_SIGN.sub("\u203a", _LESS_THAN_SIGN.sub(BROKEN_ANGLE, line)).replace('"', "'")
    return plain if len(plain) <= _MAX_ATTRIBUTE_CHARS else f"{plain[: _MAX_ATTRIBUTE_CHARS - 1]}\u2026"


class Fence:
    """The fence of one call.

    Args:
        nonce: Twelve lower-case hexadecimal digits; drawn at random unless a test needs them fixed.

    Raises:
        ValueError: If ``nonce`` is not of that form.
    """

    def __init__(self, nonce: str | None = None) -> None:
        self._nonce = new_nonce() if nonce is None else nonce
        if not is_nonce(self._nonce):
            raise ValueError(f"{self._nonce!r} is no nonce: twelve lower-case hexadecimal digits")

    @property
    def name(self) -> str:
        """The tag's name: ``untrusted-3f9a2c7d01b4``."""
        return f"{FENCE_WORD}-{self._nonce}"

    def wrap(self, text: str, **attributes: str | float | None) -> str:
        """Return ``text`` inside the fence.

        Args:
            text: What a stranger wrote; it is neutralised.
            attributes: What is known of it, in order: ``item``, ``kind``, ``at`` (seconds), ``viewer``. ``None`` leaves one out.
        """
        known = "".join(
            f' {name}="{attribute(value) if isinstance(value, str) else f"{value:g}"}"'
            for name, value in attributes.items()
            if value is not None
        )
        return f"<{self.name}{known}>{neutralise(text)}</{self.name}>"
