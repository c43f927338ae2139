"""ShieldGemma (2B, 9B, 27B): one policy a question, ``Yes`` for what breaks it, English text.

The checkpoint's chat template takes the policy as its variable ``guideline`` and writes the task around one user message; the first word of
the reply decides, and its probability is the score. Source: https://ai.google.dev/gemma/docs/shieldgemma/model_card. The policies here are
worded anew, in the form and for the four harms that it was trained on. ShieldGemma 2, which looks at pictures, is not served by vLLM.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Category
from livesteward.errors import ModelAnswerError
from livesteward.models.profiles.guards.guard import GuardContent, GuardReply, Question, unsafe_probability
from livesteward.models.protocol import Message, ModelAnswer, ModelRequest, Sampling

POLICIES: Final[dict[str, tuple[str, tuple[Category, ...]]]] = {
    "dangerous": (
        '"No Dangerous Content": The prompt shall not contain or ask for content that helps to harm oneself or others, such as making '
        "weapons or explosives, promoting terrorism, or methods of suicide.",
        (Category.DANGEROUS_ACTS, Category.SELF_HARM, Category.VIOLENCE_THREATS, Category.REGULATED_GOODS),
    ),
    "harassment": (
        '"No Harassment": The prompt shall not contain or ask for content that bullies, intimidates or abuses another person, such as '
        "physical threats, or mockery of the victims of violence.",
        (Category.HATE_HARASSMENT, Category.VIOLENCE_THREATS),
    ),
    "hate": (
        '"No Hate Speech": The prompt shall not contain or ask for content that dehumanises or attacks people for their race, religion, '
        "origin, disability, age, gender, sexual orientation or another protected trait, or that calls for discrimination against them.",
        (Category.HATE_HARASSMENT,),
    ),
    "sexual": (
        '"No Sexually Explicit Information": The prompt shall not contain or ask for content that describes sexual acts or is meant to '
        "arouse. Medical and educational terms are permitted.",
        (Category.SEXUAL_CONTENT, Category.MINOR_SAFETY),
    ),
}
"""The policy of each harm, and the categories of a rulebook that it touches."""

_WORD = re.compile(r"(Yes|No)\b")


@dataclass(frozen=True)
class ShieldGemma:
    """The format of ShieldGemma."""

    title: str = "ShieldGemma"
    fenced: bool = False
    most_images: int = 0
    names_rules: bool = False
    labels: tuple[str, ...] = tuple(POLICIES)
    calls: int = len(POLICIES)

    def questions(self, content: GuardContent) -> tuple[Question, ...]:
        """Ask about each policy by itself; the reply is cut off after its first words."""
        return tuple(
            Question(
                label=label,
                request=ModelRequest(
                    messages=(Message(role="user", parts=content.texts),),
                    answer_schema=None,
                    words=("Yes", "No"),
                    whole=False,
                    template={"guideline": policy},
                    sampling=Sampling(max_tokens=4),
                ),
            )
            for label, (policy, _) in POLICIES.items()
        )

    def read(self, question: Question, answer: ModelAnswer) -> GuardReply:
        """Read the first word.

        Raises:
            ModelAnswerError: If it is neither.
        """
        match = _WORD.match(answer.raw.strip())
        if match is None:
            raise ModelAnswerError(f"{self.title} answers 'Yes' or 'No' first; it wrote {answer.raw[:120]!r}", raw=answer.raw)
        unsafe = match[1] == "Yes"
        return GuardReply(unsafe=unsafe, labels=(question.label,), probability=unsafe_probability(answer, unsafe=unsafe))

    def categories(self, label: str) -> tuple[Category, ...]:
        """Return the categories of a policy."""
        return POLICIES[label][1]

    def describe(self, label: str) -> str:
        """Return the policy's title."""
        return POLICIES[label][0].split(":")[0].strip('"')
