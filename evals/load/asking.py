"""What is sent: the judge's own request over a rulebook of a given size, with the rules first or, for comparison, last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

from livesteward.contracts import RetrievedRule, Segment
from livesteward.errors import InputError
from livesteward.models.protocol import Message, ModelRequest, Sampling, TextPart
from livesteward.prompts.answer import judge_schema
from livesteward.prompts.judging import has_standing_rulebook, prefix_digest, render_judge
from livesteward.prompts.registry import Prompt
from livesteward.prompts.rulebook_layout import FOUND_ONLY, RulebookForm, RulebookLayout
from livesteward.retrieval.rulebook import PolicyLibrary
from livesteward.settings import ModelSettings

_HEAD_TOKENS: Final = 20
"""About what a rule's id, category and subjects take."""


class PrefixOrder(StrEnum):
    """Whether the rules stand before the segment, as the judge sends them, or after it, so that no cache can hold them."""

    STABLE = "stable"
    SEGMENT_FIRST = "segment-first"


def rules_text(prompt: Prompt, segment: Segment, rules: Sequence[RetrievedRule]) -> str:
    """Return the part of the prompt that holds ``rules``."""
    messages = render_judge(prompt, segment, rules, layout=_layout(prompt, rules))
    place = _place_of_rules(messages, rules)
    part = messages[place[0]].parts[place[1]]
    assert isinstance(part, TextPart)
    return part.text


def make_rulebooks(
    library: PolicyLibrary, *, on: date, count: int, tokens: int, count_tokens: Callable[[str], int]
) -> list[tuple[RetrievedRule, ...]]:
    """Return ``count`` rulebooks of about ``tokens`` tokens each, of different countries, and of different rules where countries run out.

    Args:
        library: The rule documents.
        on: The day whose rules hold.
        count: How many rulebooks.
        tokens: Of the rules of one.
        count_tokens: Of a text.

    Raises:
        InputError: If there are too few rules for so many tokens.
    """
    names = [name for name in library.jurisdictions if name != "global"] or ["global"]
    books = []
    for number in range(count):
        name, turn = names[number % len(names)], number // len(names)
        rules = library.rulebook(name, on).rules
        start = turn * 7 % len(rules)
        chosen: list[RetrievedRule] = []
        size = 0
        for rule in (*rules[start:], *rules[:start]):
            more = _HEAD_TOKENS + count_tokens("\n".join((rule.title, rule.text, *rule.exceptions, *rule.breaks, *rule.allowed)))
            # As near as whole rules come to it.
            if chosen and size + more - tokens > tokens - size:
                break
            size += more
            chosen.append(RetrievedRule(jurisdiction=name, rule=rule, score=1.0))
        if len(chosen) == len(rules) and size < tokens:
            raise InputError(
                f"the rulebook of {name} has about {size:,} tokens; give --rules-tokens of at most that", field="--rules-tokens"
            )
        books.append(tuple(chosen))
    return books


def make_request(
    prompt: Prompt, segment: Segment, rules: Sequence[RetrievedRule], *, order: PrefixOrder, settings: ModelSettings
) -> ModelRequest:
    """Return what the judge would send about ``segment`` under ``rules``; with ``segment-first`` the same, the rules moved to the end.

    Raises:
        PromptError: If the prompt cannot be rendered.
    """
    layout = _layout(prompt, rules)
    messages = render_judge(prompt, segment, rules, layout=layout)
    if order is PrefixOrder.SEGMENT_FIRST:
        messages = _rules_last(messages, rules)
    return ModelRequest(
        messages=messages,
        answer_schema=judge_schema(rules, segment),
        schema_name="verdict",
        sampling=Sampling(temperature=settings.temperature, max_tokens=settings.max_tokens),
        deadline_s=settings.timeout_s,
        prefix=layout.prefix if order is PrefixOrder.STABLE else "",
    )


def _layout(prompt: Prompt, rules: Sequence[RetrievedRule]) -> RulebookLayout:
    """All rules at the beginning, where the prompt has a place for them there; a version without gives them in full in any case."""
    if not has_standing_rulebook(prompt):
        return FOUND_ONLY
    whole = RulebookLayout(form=RulebookForm.WHOLE)
    return whole.model_copy(update={"prefix": prefix_digest(prompt, rules, whole)})


def _rules_last(messages: tuple[Message, ...], rules: Sequence[RetrievedRule]) -> tuple[Message, ...]:
    at, part = _place_of_rules(messages, rules)
    moved = messages[at].parts[part]
    found = [
        message.model_copy(update={"parts": tuple(one for number, one in enumerate(message.parts) if (index, number) != (at, part))})
        for index, message in enumerate(messages)
    ]
    last = max(index for index, message in enumerate(found) if message.role == "user")
    found[last] = found[last].model_copy(update={"parts": (*found[last].parts, moved)})
    return tuple(message for message in found if message.parts)


def _place_of_rules(messages: tuple[Message, ...], rules: Sequence[RetrievedRule]) -> tuple[int, int]:
    names = [f"[{found.rule.rule_id}]" for found in rules]
    for index, message in enumerate(messages):
        for number, part in enumerate(message.parts):
            if isinstance(part, TextPart) and all(name in part.text for name in names):
                return index, number
    raise InputError("no part of this prompt holds all rules; --prefix-order needs a prompt that gives them in one place", field="prompt")
