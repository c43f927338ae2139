"""Llama Guard 4: fourteen fixed hazards, text with pictures, no rules of one's own.

The checkpoint's chat template writes the task and the hazards around one user message. The reply is a line ``safe``, or ``unsafe`` and a
line of hazards with commas between. Source: https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-4/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Category
from livesteward.errors import ModelAnswerError
from livesteward.models.profiles.guards.guard import GuardContent, GuardReply, Question, unsafe_probability
from livesteward.models.protocol import Message, ModelAnswer, ModelRequest, Sampling

HAZARDS: Final[dict[str, tuple[str, tuple[Category, ...]]]] = {
    "S1": ("Violent Crimes", (Category.VIOLENCE_THREATS,)),
    "S2": ("Non-Violent Crimes", (Category.FRAUD_SCAM, Category.REGULATED_GOODS)),
    "S3": ("Sex-Related Crimes", (Category.SEXUAL_CONTENT,)),
    "S4": ("Child Sexual Exploitation", (Category.MINOR_SAFETY,)),
    "S5": ("Defamation", (Category.HATE_HARASSMENT,)),
    "S6": ("Specialized Advice", (Category.DANGEROUS_ACTS,)),
    "S7": ("Privacy", (Category.PRIVACY_DOXXING,)),
    "S8": ("Intellectual Property", ()),
    "S9": ("Indiscriminate Weapons", (Category.VIOLENCE_THREATS, Category.REGULATED_GOODS)),
    "S10": ("Hate", (Category.HATE_HARASSMENT,)),
    "S11": ("Suicide & Self-Harm", (Category.SELF_HARM,)),
    "S12": ("Sexual Content", (Category.SEXUAL_CONTENT,)),
    "S13": ("Elections", ()),
    "S14": ("Code Interpreter Abuse", ()),
}
"""The MLCommons hazards by Llama Guard's names, and the categories of a rulebook that they touch."""


@dataclass(frozen=True)
class LlamaGuard:
    """The format of Llama Guard 4."""

    title: str = "Llama Guard 4"
    fenced: bool = False
    most_images: int = 3
    """It was mostly tested with about so many."""
    names_rules: bool = False
    labels: tuple[str, ...] = tuple(HAZARDS)
    calls: int = 1

    def questions(self, content: GuardContent) -> tuple[Question, ...]:
        """Ask once, with the pictures before the texts."""
        message = Message(role="user", parts=(*content.images[: self.most_images], *content.texts))
        request = ModelRequest(messages=(message,), answer_schema=None, words=("safe", "unsafe"), sampling=Sampling(max_tokens=64))
        return (Question(request=request),)

    def read(self, question: Question, answer: ModelAnswer) -> GuardReply:
        """Read one or two lines.

        Raises:
            ModelAnswerError: If they are others.
        """
        verdict, *rest = [line.strip() for line in answer.raw.strip().splitlines() if line.strip()] or [""]
        hazards = tuple(dict.fromkeys(name.strip() for name in rest[0].split(",") if name.strip())) if rest else ()
        unknown = [name for name in hazards if name not in HAZARDS]
        if verdict not in {"safe", "unsafe"} or len(rest) > 1 or unknown or (verdict == "safe" and rest):
            raise ModelAnswerError(
                f"{self.title} answers 'safe', or 'unsafe' and a line such as 'S2,S10'; it wrote {answer.raw[:120]!r}", raw=answer.raw
            )
        unsafe = verdict == "unsafe"
        return GuardReply(unsafe=unsafe, labels=hazards, probability=unsafe_probability(answer, unsafe=unsafe))

    def categories(self, label: str) -> tuple[Category, ...]:
        """Return the categories of a hazard."""
        return HAZARDS[label][1]

    def describe(self, label: str) -> str:
        """Return the hazard with its name."""
        return f"{label} ({HAZARDS[label][0]})"
