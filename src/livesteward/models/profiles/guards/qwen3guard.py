"""Qwen3Guard-Gen: nine fixed categories, text in 119 languages, three degrees.

The checkpoint's chat template writes the task around one user message. The reply is two lines, ``Safety:`` with ``Safe``, ``Unsafe`` or
``Controversial`` and ``Categories:`` with names or ``None``; after an assistant's message a third line ``Refusal:``. Source:
https://github.com/QwenLM/Qwen3Guard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Category
from livesteward.errors import ModelAnswerError
from livesteward.models.profiles.guards.guard import UNSCORED, GuardContent, GuardReply, Question, unsafe_probability
from livesteward.models.protocol import Message, ModelAnswer, ModelRequest, Sampling

CATEGORIES: Final[dict[str, tuple[Category, ...]]] = {
    "Violent": (Category.VIOLENCE_THREATS, Category.DANGEROUS_ACTS),
    "Non-violent Illegal Acts": (Category.FRAUD_SCAM, Category.REGULATED_GOODS),
    "Sexual Content or Sexual Acts": (Category.SEXUAL_CONTENT, Category.MINOR_SAFETY),
    "PII": (Category.PRIVACY_DOXXING,),
    "Suicide & Self-Harm": (Category.SELF_HARM,),
    "Unethical Acts": (Category.HATE_HARASSMENT,),
    "Politically Sensitive Topics": (),
    "Copyright Violation": (),
    "Jailbreak": (Category.SPAM_INAUTHENTIC,),
}
"""Its categories, and those of a rulebook that they touch."""

CONTROVERSIAL: Final = UNSCORED
"""The most that ``Controversial`` counts for: harmful or not by the context, which is what a person looks at."""

_REPLY = re.compile(r"\ASafety: ?(Safe|Unsafe|Controversial)[ \t]*\nCategories: ?([^\n]*?)[ \t]*(?:\nRefusal: ?(?:Yes|No))?\Z")


@dataclass(frozen=True)
class Qwen3Guard:
    """The format of Qwen3Guard-Gen."""

    title: str = "Qwen3Guard"
    fenced: bool = False
    most_images: int = 0
    names_rules: bool = False
    labels: tuple[str, ...] = tuple(CATEGORIES)
    calls: int = 1

    def questions(self, content: GuardContent) -> tuple[Question, ...]:
        """Ask once."""
        request = ModelRequest(
            messages=(Message(role="user", parts=content.texts),),
            answer_schema=None,
            words=("Safe", "Unsafe", "Controversial"),
            sampling=Sampling(max_tokens=128),
        )
        return (Question(request=request),)

    def read(self, question: Question, answer: ModelAnswer) -> GuardReply:
        """Read the two lines.

        Raises:
            ModelAnswerError: If they are others.
        """
        match = _REPLY.match(answer.raw.strip())
        named = [name.strip() for name in match[2].split(",") if name.strip()] if match else []
        labels = tuple(dict.fromkeys(name for name in named if name != "None"))
        if match is None or any(label not in CATEGORIES for label in labels) or (match[1] == "Safe" and labels):
            raise ModelAnswerError(
                f"{self.title} answers 'Safety: ...' and 'Categories: ...'; it wrote {answer.raw[:120]!r}", raw=answer.raw
            )
        unsafe = match[1] != "Safe"
        probability = unsafe_probability(answer, unsafe=unsafe)
        return GuardReply(
            unsafe=unsafe, labels=labels, probability=min(probability, CONTROVERSIAL) if match[1] == "Controversial" else probability
        )

    def categories(self, label: str) -> tuple[Category, ...]:
        """Return the rulebook's categories of one of its own."""
        return CATEGORIES[label]

    def describe(self, label: str) -> str:
        """Return the category as it is."""
        return label
