"""What every guard format does: questions from content, and a reply from what was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from livesteward.contracts import Category, RetrievedRule
from livesteward.models.protocol import ImagePart, ModelAnswer, ModelRequest, TextPart

UNSCORED: Final = 0.6
"""The probability of ``unsafe`` where the server gives no log-probabilities: in the band in which a person looks, by the thresholds that
ship."""


@dataclass(frozen=True, kw_only=True)
class GuardContent:
    """What one person said, wrote and showed.

    Attributes:
        texts: One part each, cleaned: inside a fence for a guard that is :attr:`Guard.fenced`, else a line of its own.
        images: Pictures, for a guard that takes some.
        rules: Those that the person can break, best first; a guard with categories of its own does not look at them.
        who: In a word: ``host``, ``guest`` or ``viewer``.
        fence: The name of the tag around each text, where there is one.
    """

    texts: tuple[TextPart, ...]
    images: tuple[ImagePart, ...] = ()
    rules: tuple[RetrievedRule, ...] = ()
    who: str = "host"
    fence: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One request; ``label`` is what it asks about, where a guard answers for one policy at a time."""

    request: ModelRequest
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class GuardReply:
    """What a guard holds.

    Attributes:
        unsafe: Whether it says so.
        labels: Its names for what is wrong; may be empty though it says unsafe.
        probability: That the content is unsafe, from 0 to 1, also where it says safe.
        rationale: In its own words, where it gives any.
    """

    unsafe: bool
    labels: tuple[str, ...] = ()
    probability: float = 0.0
    rationale: str = ""


class Guard(Protocol):
    """The format of one family of guard models."""

    @property
    def title(self) -> str:
        """What it is called."""
        ...

    @property
    def fenced(self) -> bool:
        """Whether its prompt has room to say what a fence means. Where it has none, strangers' texts come as lines without brackets."""
        ...

    @property
    def most_images(self) -> int:
        """Pictures that it can be shown with one text; 0 for a guard that reads only."""
        ...

    @property
    def names_rules(self) -> bool:
        """Whether it judges by the rules that it is given, and its labels are names of :func:`safeguard.rule_names`."""
        ...

    @property
    def calls(self) -> int:
        """Questions that one content makes."""
        ...

    def questions(self, content: GuardContent) -> tuple[Question, ...]:
        """Return what to ask; sampling temperature and deadline are the caller's."""
        ...

    def read(self, question: Question, answer: ModelAnswer) -> GuardReply:
        """Return what an answer means.

        Raises:
            ModelAnswerError: If it is not of the format.
        """
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """All its names for what is wrong; none for a guard whose labels are names of rules."""
        ...

    def categories(self, label: str) -> tuple[Category, ...]:
        """Return the categories of the rulebook that a label belongs to, nearest first; none where there is no such category."""
        ...

    def describe(self, label: str) -> str:
        """Return a label in words."""
        ...


def unsafe_probability(answer: ModelAnswer, *, unsafe: bool) -> float:
    """Return the probability that the content is unsafe, from that of the word that decides."""
    certainty = answer.certainty.get("word")
    if certainty is None:
        return UNSCORED if unsafe else 0.0
    return certainty if unsafe else 1 - certainty
