"""What goes into a request: text, pictures, tools; and what the server counts of it."""

from __future__ import annotations

from typing import Any

import pytest
from pictures import part
from served import IMAGES, OpenModel, Served

from livesteward.models.budget import estimate_tokens, fit, image_tokens
from livesteward.models.protocol import ImagePart, Message, ModelRequest, Sampling, TextPart, ToolSpec
from livesteward.prompts.example import example_segment
from livesteward.prompts.judging import render_judge
from livesteward.prompts.registry import PromptRegistry
from livesteward.settings import load_settings

DECISION = {
    "type": "object",
    "properties": {"decision": {"enum": ["allow", "review", "violation"]}},
    "required": ["decision"],
    "additionalProperties": False,
}


def asking(*parts: TextPart | ImagePart, **fields: Any) -> ModelRequest:
    messages = (Message(role="system", parts=(TextPart(text="You judge what is shown."),)), Message(role="user", parts=parts))
    given = {"answer_schema": DECISION, "sampling": Sampling(max_tokens=256), "deadline_s": 120, **fields}
    return ModelRequest(messages=messages, **given)


@pytest.mark.parametrize("count", range(1, IMAGES + 1))
async def test_pictures_in_a_request_cost_the_tokens_that_the_budget_counts(open_model: OpenModel, count: int) -> None:
    model = open_model(max_frames=IMAGES)
    text = TextPart(text="Is this allowed?")
    without = await model.ask(asking(text))
    pictures = [part(100 * count + number) for number in range(count)]
    answer = await model.ask(asking(text, *pictures))
    assert answer.data["decision"] in {"allow", "review", "violation"}
    assert answer.tokens.prompt - without.tokens.prompt == sum(image_tokens(picture) for picture in pictures)


@pytest.mark.parametrize("size", [(300, 200), (768, 432), (640, 360), (432, 768), (111, 700)], ids=str)
async def test_a_picture_of_any_shape_costs_no_more_than_the_budget_counts(open_model: OpenModel, size: tuple[int, int]) -> None:
    model = open_model()
    text = TextPart(text="Is this allowed?")
    picture = part(7, *size)
    without, answer = await model.ask(asking(text)), await model.ask(asking(text, picture))
    cost = answer.tokens.prompt - without.tokens.prompt
    # The server rounds a side to the nearest patch, the budget up.
    assert cost <= image_tokens(picture) <= 1.35 * cost


async def test_what_the_budget_keeps_fits_the_servers_context(open_model: OpenModel, served: Served) -> None:
    prompt = PromptRegistry(load_settings().prompts_dir).named("judge")
    messages = render_judge(prompt, example_segment(), ())
    text = "\n".join(block.text for message in messages for block in message.parts if isinstance(block, TextPart))
    assert served.count(text) <= estimate_tokens(text)
    long = TextPart(text="one more line of the chat. " * 400, priority=5, kind="chat")
    kept, trimmed = fit((Message(role="user", parts=(TextPart(text="Judge."), *[long] * 60)),), limit=served.context_tokens - 64)
    assert trimmed["chat"] > 0
    request = ModelRequest(messages=kept, answer_schema=DECISION, sampling=Sampling(max_tokens=64), deadline_s=120)
    assert (await open_model().ask(request)).data["decision"]


TOOLS = (
    ToolSpec(
        name="look_back",
        description="What was said earlier.",
        parameters={
            "type": "object",
            "properties": {"seconds": {"type": "integer", "minimum": 1, "maximum": 600}},
            "required": ["seconds"],
            "additionalProperties": False,
        },
    ),
    ToolSpec(
        name="find_rules",
        description="Rules on a question.",
        parameters={
            "type": "object",
            "properties": {"question": {"type": "string", "maxLength": 60}},
            "required": ["question"],
            "additionalProperties": False,
        },
    ),
)


async def test_a_model_that_must_call_a_tool_gives_calls_that_fit(open_model: OpenModel) -> None:
    answer = await open_model().ask(asking(TextPart(text="Look first."), tools=TOOLS, must_call=True))
    assert answer.calls
    assert answer.data == {}
    for call in answer.calls:
        assert call.name in {"look_back", "find_rules"}
        assert call.call_id
        assert set(call.arguments) == ({"seconds"} if call.name == "look_back" else {"question"})


async def test_a_call_and_its_answer_go_back_to_the_model(open_model: OpenModel) -> None:
    model = open_model()
    first = asking(TextPart(text="Look first."), tools=TOOLS, must_call=True)
    call = (await model.ask(first)).calls[0]
    turns = (
        *first.messages,
        Message(role="assistant", parts=(), calls=(call,)),
        Message(role="tool", parts=(TextPart(text="Nothing was found."),), call_id=call.call_id),
    )
    answer = await model.ask(first.model_copy(update={"messages": turns, "must_call": False}))
    assert answer.data["decision"] in {"allow", "review", "violation"}
    assert answer.calls == ()
