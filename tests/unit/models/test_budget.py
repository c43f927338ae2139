from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from livesteward.errors import ConfigurationError, ModelUnavailableError
from livesteward.models.budget import (
    MESSAGE_TOKENS,
    PART_TOKENS,
    estimate_tokens,
    fit,
    image_tokens,
    limit_images,
    tokenizer_counter,
    tool_tokens,
)
from livesteward.models.protocol import ImagePart, Message, ModelRequest, TextPart, ToolCall, ToolSpec

PARTS = st.lists(
    st.builds(
        TextPart,
        text=st.text(min_size=1, max_size=30),
        priority=st.integers(0, 9),
        kind=st.sampled_from(["chat", "speech", "overlay"]),
    ),
    min_size=1,
    max_size=25,
)


def message(*parts: TextPart | ImagePart) -> Message:
    return Message(role="user", parts=parts)


def chat(number: int, *, priority: int = 5) -> TextPart:
    return TextPart(text=f"c{number}", priority=priority, item_id=f"c{number}", kind="chat")


def fixed(_: str) -> int:
    return 10


def cost(parts: Iterable[TextPart]) -> int:
    return MESSAGE_TOKENS + sum(PART_TOKENS + len(part.text) for part in parts)


@given(parts=PARTS, limit=st.integers(0, 400))
def test_what_is_kept_fits_and_nothing_more_important_went_first(parts: list[TextPart], limit: int) -> None:
    must = cost(part for part in parts if part.priority == 0)
    if must > limit:
        with pytest.raises(ModelUnavailableError):
            fit([message(*parts)], limit=limit, count=len)
        return
    kept, trimmed = fit([message(*parts)], limit=limit, count=len)
    left = [part for one in kept for part in one.parts if isinstance(part, TextPart)]

    assert cost(left) <= limit
    assert sum(trimmed.values()) == len(parts) - len(left)
    # The order of what is left is the order of before.
    rest = iter(parts)
    assert all(any(part is candidate for candidate in rest) for part in left)
    gone = [part for part in parts if not any(part is one for one in left)]
    most_important_gone = min((part.priority for part in gone), default=9)
    assert most_important_gone >= max((part.priority for part in left), default=0)
    # The last to go was needed: with it, the limit would have been passed.
    if gone:
        last = [part for part in gone if part.priority == min(p.priority for p in gone)][-1]
        assert cost([*left, last]) > limit


@given(text=st.text(max_size=200))
def test_the_estimate_grows_with_the_text_and_never_counts_nothing(text: str) -> None:
    assert estimate_tokens(text + "x") >= estimate_tokens(text)
    assert (estimate_tokens(text) > 0) == bool(text)


@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("the quick brown fox jumps over the lazy dog", 10),
        ("今天直播间全部半价", 10),
        ("โปรโมชั่นพิเศษ", 14),
        ("😀😀😀", 6),
        ("4111 1111 1111 1111", 16),
    ],
)
def test_the_estimate_is_careful_in_every_script(text: str, at_least: int) -> None:
    assert estimate_tokens(text) >= at_least


def test_the_oldest_of_one_priority_go_first_and_are_counted_by_kind() -> None:
    parts = [chat(1), TextPart(text="s", priority=1, kind="speech"), chat(2), chat(3), chat(0, priority=7)]
    kept, trimmed = fit([message(*parts)], limit=30, count=fixed)
    assert [part.text for part in kept[0].parts if isinstance(part, TextPart)] == ["s", "c3"]
    assert trimmed == {"chat": 3}


def test_a_picture_goes_with_its_label() -> None:
    label = TextPart(text="picture f1", priority=3, item_id="f1", kind="image")
    kept, trimmed = fit(
        [message(TextPart(text="rules"), label, ImagePart(data=b"x", priority=3, item_id="f1"))],
        limit=30,
        count=fixed,
        count_image=lambda _: 50,
    )
    assert [part.type for part in kept[0].parts] == ["text"]
    assert trimmed == {"image": 1}


def test_a_message_that_lost_everything_is_gone() -> None:
    kept, _ = fit([message(TextPart(text="rules")), message(chat(1))], limit=30, count=fixed)
    assert len(kept) == 1


def test_only_so_many_pictures_stay_the_newest() -> None:
    pictures = [ImagePart(data=b"x", priority=3, item_id=f"f{number}") for number in range(5)]
    kept, trimmed = limit_images([message(TextPart(text="rules"), *pictures)], most=2)
    assert [part.item_id for part in kept[0].parts] == [None, "f3", "f4"]
    assert trimmed == {"image": 3}


def test_a_picture_costs_what_its_size_says() -> None:
    file = io.BytesIO()
    Image.new("RGB", (280, 140)).save(file, "JPEG")
    assert image_tokens(ImagePart(data=file.getvalue())) == 10 * 5 + 2
    assert image_tokens(ImagePart(data=b"no picture")) == 1_024


def test_a_tokenizer_in_a_folder_counts_exactly(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"[UNK]": 0, "send": 1, "money": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}', encoding="utf-8")
    assert tokenizer_counter(tmp_path)("send money please") == 3


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"model\.tokenizer: there is no folder"):
        tokenizer_counter(tmp_path / "absent")
    with pytest.raises(ConfigurationError, match="holds no tokenizer"):
        tokenizer_counter(tmp_path)


def test_a_call_and_its_answer_stay_together_whatever_is_left_of_the_answer() -> None:
    call = ToolCall(call_id="1", name="look_back", arguments={"seconds": 30})
    long = TextPart(text="word " * 400, priority=6, kind="memory")
    messages = (
        Message(role="user", parts=(TextPart(text="rules"),)),
        Message(role="assistant", parts=(), calls=(call,)),
        Message(role="tool", parts=(long,), call_id="1"),
    )
    kept, trimmed = fit(messages, limit=100)
    assert [(message.role, message.call_id) for message in kept] == [("user", None), ("assistant", None), ("tool", "1")]
    assert trimmed == {"memory": 1}
    assert limit_images(messages, most=0)[0] == messages


def test_tools_and_calls_count_as_part_of_the_prompt() -> None:
    call = ToolCall(call_id="1", name="look_back", arguments={"seconds": 30})
    bare = ModelRequest(messages=(Message(role="user", parts=(TextPart(text="rules"),)),), answer_schema={"type": "object"})
    tool = ToolSpec(name="look_back", description="Read what was said before.", parameters={"type": "object"})
    offered = bare.model_copy(update={"tools": (tool,)})
    called = offered.model_copy(update={"messages": (*bare.messages, Message(role="assistant", parts=(), calls=(call,)))})
    assert tool_tokens(bare) == 0
    assert 0 < tool_tokens(offered) < tool_tokens(called)
