from __future__ import annotations

from typing import Any

import pytest
from unit.models.profiles.wire import GOOD, PICTURE, REQUEST, SCHEMA, asked, completion, text

from livesteward.models.profiles.registry import PROFILES

INLINE = [
    {"role": "system", "content": "You judge."},
    {"role": "user", "content": "The rules."},
    {"role": "user", "content": [text("The segment.\n<picture/>"), PICTURE, text("Your decision.")]},
]
FIRST = [
    {"role": "system", "content": "You judge."},
    {"role": "user", "content": "The rules."},
    {"role": "user", "content": [text("<picture/>"), PICTURE, text("The segment.\nYour decision.")]},
]
JOINED = [
    {"role": "system", "content": "You judge."},
    {"role": "user", "content": [text("The rules.\nThe segment.\n<picture/>"), PICTURE, text("Your decision.")]},
]
JOINED_FIRST = [
    {"role": "system", "content": "You judge."},
    {"role": "user", "content": [text("The rules.\n<picture/>"), PICTURE, text("The segment.\nYour decision.")]},
]
NO_SYSTEM = [{"role": "user", "content": [text("You judge.\nThe rules.\n<picture/>"), PICTURE, text("The segment.\nYour decision.")]}]
TEXT = [
    {"role": "system", "content": "You judge."},
    {"role": "user", "content": "The rules."},
    {"role": "user", "content": "The segment.\nYour decision."},
]
NO_SYSTEM_TEXT = [{"role": "user", "content": "You judge.\nThe rules.\nThe segment.\nYour decision."}]

OFF = {"max_tokens": 300, "chat_template_kwargs": {"enable_thinking": False}}
PLAIN = {"max_tokens": 300}
THINKS = {"max_tokens": 300 + 2_048}
LOW = {"max_tokens": 300 + 2_048, "reasoning_effort": "low"}

GOLDEN: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "plain": (INLINE, PLAIN),
    "qwen2.5-vl": (FIRST, PLAIN),
    "qwen3-vl": (FIRST, PLAIN),
    "qwen3-vl-thinking": (FIRST, THINKS),
    "qwen3.5": (FIRST, OFF),
    "qwen3": (TEXT, OFF),
    "thinker": (TEXT, THINKS),
    "deepseek-v3.1": (TEXT, {"max_tokens": 300, "chat_template_kwargs": {"thinking": False, "enable_thinking": False}}),
    "gemma-3": (NO_SYSTEM, PLAIN),
    "gemma-3-text": (NO_SYSTEM_TEXT, PLAIN),
    "gemma-4": (JOINED_FIRST, OFF),
    "llama-3": (TEXT, PLAIN),
    "llama-4": (FIRST, PLAIN),
    "mistral": (JOINED, PLAIN),
    "mistral-reasoning": (JOINED, THINKS),
    "pixtral": (JOINED, PLAIN),
    "internvl": (FIRST, PLAIN),
    "glm-4v": (FIRST, OFF),
    "glm-4v-thinking": (FIRST, THINKS),
    "minicpm-v": (FIRST, OFF),
    "phi-4-multimodal": (FIRST, PLAIN),
    "smolvlm": (FIRST, PLAIN),
    "smolvlm-2.2b": (FIRST, PLAIN),
    "gpt-oss": (TEXT, LOW),
    "openai": (INLINE, PLAIN),
    "openai-reasoning": (INLINE, {"max_completion_tokens": 300 + 2_048, "reasoning_effort": "low"}),
}
"""The messages and further fields that each family is sent."""

SAMPLED = {"temperature": 0.0, "logprobs": True, "top_logprobs": 5}


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if profile.guard is None])
async def test_the_body_is_the_familys_to_the_letter(name: str) -> None:
    messages, fields = GOLDEN[name]
    body, answer = await asked(profile=name)
    assert body == {
        "model": "m",
        "seed": 0,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}},
        "messages": messages,
        **({} if name == "openai-reasoning" else SAMPLED),
        **fields,
    }
    assert answer.data == {"decision": "allow"}
    assert answer.profile == name


@pytest.mark.parametrize(
    ("profile", "fields"),
    [
        ("plain", {"max_tokens": 300}),
        ("qwen3.5", {"max_tokens": 800, "chat_template_kwargs": {"enable_thinking": True}, "thinking_token_budget": 500}),
        ("gemma-4", {"max_tokens": 800, "chat_template_kwargs": {"enable_thinking": True}}),
        ("thinker", {"max_tokens": 800, "thinking_token_budget": 500}),
        ("mistral-reasoning", {"max_tokens": 800}),
        ("gpt-oss", {"max_tokens": 800, "reasoning_effort": "medium"}),
        ("openai-reasoning", {"max_completion_tokens": 800, "reasoning_effort": "medium"}),
    ],
)
async def test_thinking_is_asked_for_and_bounded_only_where_the_family_can(profile: str, fields: dict[str, Any]) -> None:
    body, _ = await asked(profile=profile, thinking_tokens=500)
    known = {"max_tokens", "max_completion_tokens", "chat_template_kwargs", "thinking_token_budget", "reasoning_effort"}
    assert {name: value for name, value in body.items() if name in known} == fields


async def test_variables_of_the_template_stand_beside_the_switch() -> None:
    body, _ = await asked(REQUEST.model_copy(update={"template": {"guideline": "No."}}), profile="qwen3.5")
    assert body["chat_template_kwargs"] == {"enable_thinking": False, "guideline": "No."}


async def test_what_a_model_thinks_is_kept_apart_from_what_it_answers() -> None:
    _, marked = await asked(reply=completion(f"<think>Hm.</think>\n{GOOD}"))
    _, named = await asked(reply=completion(GOOD, reasoning="Hm."))
    assert [(one.raw, one.reasoning, one.data) for one in (marked, named)] == [(GOOD, "Hm.", {"decision": "allow"})] * 2


async def test_a_reply_that_may_be_cut_off_is_given_no_room_for_thoughts() -> None:
    body, _ = await asked(REQUEST.model_copy(update={"answer_schema": None, "whole": False}), profile="thinker")
    assert body["max_tokens"] == 300


async def test_room_for_thoughts_is_taken_from_the_prompts_room() -> None:
    chat = REQUEST.messages[-1].model_copy(update={"parts": REQUEST.messages[-1].parts[:1] * 1})
    filler = [part.model_copy(update={"text": "word " * 300, "priority": 5, "kind": "chat"}) for part in chat.parts * 10]
    request = REQUEST.model_copy(update={"messages": (*REQUEST.messages[:2], chat.model_copy(update={"parts": tuple(filler)}))})
    trimmed = {}
    for profile in ("plain", "thinker"):
        _, answer = await asked(request, profile=profile, context_tokens=5_000)
        trimmed[profile] = answer.trimmed.get("chat", 0)
    assert trimmed["plain"] < trimmed["thinker"]


async def test_a_plain_text_is_asked_for_without_a_schema_and_is_not_repaired() -> None:
    request = REQUEST.model_copy(update={"answer_schema": None})
    body, answer = await asked(request, completion("unsafe"))
    assert "response_format" not in body
    assert (answer.data, answer.raw) == ({}, "unsafe")
