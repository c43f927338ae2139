from __future__ import annotations

import pytest

from livesteward.errors import ModelAnswerError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.protocol import ChatModel, Message, ModelRequest, TextPart
from livesteward.testing import ScriptedModel

REQUEST = ModelRequest(
    messages=(Message(role="user", parts=(TextPart(text="send me money"),)),),
    answer_schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
)


async def test_it_answers_in_order_and_remembers_what_it_was_asked() -> None:
    model = ScriptedModel([{"a": 1}, '{"a": 2}', lambda request: {"a": len(request.messages)}])
    assert isinstance(model, ChatModel)
    assert [(await model.ask(REQUEST)).data["a"] for _ in range(3)] == [1, 2, 1]
    assert model.requests == [REQUEST] * 3
    assert model.prompt(0) == "send me money"


async def test_it_raises_the_errors_of_the_script() -> None:
    with pytest.raises(ModelTimeoutError):
        await ScriptedModel([ModelTimeoutError("slow")]).ask(REQUEST)


@pytest.mark.parametrize("said", [{"a": "x"}, "not json", {}])
async def test_it_keeps_the_contract_of_a_model(said: dict[str, str] | str) -> None:
    with pytest.raises(ModelAnswerError):
        await ScriptedModel([said]).ask(REQUEST)


async def test_the_end_of_the_script_is_said() -> None:
    model = ScriptedModel([])
    with pytest.raises(ModelUnavailableError, match="0 answers and this is request 1"):
        await model.ask(REQUEST)


async def test_one_callable_answers_everything() -> None:
    model = ScriptedModel(lambda _: {"a": 3})
    assert [(await model.ask(REQUEST)).data["a"] for _ in range(4)] == [3] * 4
