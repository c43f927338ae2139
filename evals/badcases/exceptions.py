"""Which exception of a rule a case's reason speaks of."""

from __future__ import annotations

import re
from typing import Final

from livesteward.contracts import Rule

_SAYS_SO: Final = re.compile(r"\b(?:except\w*|exempt\w*|carve[sd]?[- ]out)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_STEM: Final = 5
_SHARED: Final = 2
"""Words with the same beginning that a reason and an exception must share."""


def applied_exception(rule: Rule, reason: str) -> str | None:
    """Return the exception of ``rule`` that a reason shares most words with, where it speaks of one; None otherwise.

    A reason that says "exception" speaks of one; without it, it must share words with the exception that the rule's text does not have.
    """
    if not rule.exceptions:
        return None
    said = _stems(reason)
    own = _stems(rule.text)
    shared = [(len(said & _stems(exception)), len((said & _stems(exception)) - own), exception) for exception in rule.exceptions]
    both, beyond, best = max(shared, key=lambda item: (item[1], item[0]))
    named = bool(_SAYS_SO.search(reason)) and both > 0
    return best if named or beyond >= _SHARED else None


def _stems(text: str) -> set[str]:
    return {word[:_STEM].casefold() for word in _WORD.findall(text)}
