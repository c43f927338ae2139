"""How the fence around a stranger's text looks, so that prompts can raise it and recordings can look past it.

A fence is ``<untrusted-3f9a2c7d01b4 ...>text</untrusted-3f9a2c7d01b4>``: the twelve hexadecimal digits are drawn anew for every
call, so that nobody who writes on a stream can know them and close the fence from inside.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

FENCE_WORD: Final = "untrusted"
"""What the name of every fence starts with."""

NONCE_DIGITS: Final = 12
_FENCE_NAME = re.compile(rf"{FENCE_WORD}-[0-9a-f]{{{NONCE_DIGITS}}}(?![0-9a-f])")


def new_nonce() -> str:
    """Return twelve random hexadecimal digits (48 bits) from the system's source."""
    return secrets.token_hex(NONCE_DIGITS // 2)


def is_nonce(value: str) -> bool:
    """Return whether ``value`` is twelve lower-case hexadecimal digits."""
    return re.fullmatch(rf"[0-9a-f]{{{NONCE_DIGITS}}}", value) is not None


def without_nonces(text: str) -> str:
    """Return ``text`` with the digits of every fence name taken out: what two calls with the same content have in common."""
    return _FENCE_NAME.sub(FENCE_WORD, text)
