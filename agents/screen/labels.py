"""What the screen and the heads score: the ten categories, and texts that try to steer the moderator."""

from __future__ import annotations

from typing import Final

from livesteward.contracts import Category

INJECTION: Final = "injection"
"""A text that poses as an instruction to the moderation system."""

LABELS: Final[tuple[str, ...]] = (*(category.value for category in Category), INJECTION)
"""The order of columns in every score matrix and weight file."""

HARM: Final = "harm"
"""Whether a text is harmful at all, in whichever way: what the screen goes by."""

SCREEN_LABELS: Final[tuple[str, ...]] = (*LABELS, HARM)
"""The columns of the screen: those of the heads, and harm of any kind last."""

COLUMN: Final[dict[str, int]] = {label: column for column, label in enumerate(LABELS)}


def category_of(label: str) -> Category:
    """Return the category that a finding of ``label`` is filed under; injections are a kind of inauthentic message."""
    return Category.SPAM_INAUTHENTIC if label == INJECTION else Category(label)
