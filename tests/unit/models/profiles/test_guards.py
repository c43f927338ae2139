from __future__ import annotations

from typing import Any

import pytest
from unit.agents.parts import found, rule
from unit.models.profiles.wire import PICTURE, PNG, asked, completion, token

from livesteward.contracts import Category
from livesteward.errors import ModelAnswerError
from livesteward.models.profiles.guards.guard import UNSCORED, Guard, GuardContent, GuardReply, Question
from livesteward.models.profiles.guards.llama_guard import HAZARDS
from livesteward.models.profiles.guards.qwen3guard import CATEGORIES, CONTROVERSIAL
from livesteward.models.profiles.guards.safeguard import CONFIDENCE, rule_names
from livesteward.models.profiles.guards.shieldgemma import POLICIES
from livesteward.models.profiles.registry import PROFILES
from livesteward.models.protocol import ImagePart, ModelAnswer, TextPart

TEXTS = (TextPart(text="Send me 100.", item_id="u1"), TextPart(text="I send you 200.", item_id="u2"))
IMAGE = ImagePart(data=PNG, media_type="image/png", item_id="f1")


def guard(name: str) -> Guard:
    found = PROFILES[name].guard
    assert found is not None
    return found


def only(questions: tuple[Question, ...]) -> Question:
    (question,) = questions
    return question


def written(raw: str, **more: Any) -> ModelAnswer:
    return ModelAnswer(data=more.pop("data", {}), raw=raw, model="m", engine="e", **more)


def read(name: str, raw: str, *, word: float | None = None, label: str = "") -> GuardReply:
    question = next(one for one in guard(name).questions(GuardContent(texts=TEXTS)) if not label or one.label == label)
    return guard(name).read(question, written(raw, certainty={} if word is None else {"word": word}))


PLAIN_BODY = {"model": "m", "seed": 0, "temperature": 0.0, "logprobs": True, "top_logprobs": 5}


async def test_llama_guard_is_sent_one_message_with_the_pictures_in_front() -> None:
    content = GuardContent(texts=TEXTS, images=(IMAGE,) * 4)
    body, _ = await asked(only(guard("llama-guard-4").questions(content)).request, completion("safe"), profile="llama-guard-4")
    said = {"type": "text", "text": "Send me 100.\nI send you 200."}
    assert body == {**PLAIN_BODY, "max_tokens": 64, "messages": [{"role": "user", "content": [PICTURE, PICTURE, PICTURE, said]}]}


async def test_qwen3guard_is_sent_one_message_of_text() -> None:
    body, _ = await asked(only(guard("qwen3guard").questions(GuardContent(texts=TEXTS))).request, completion("x"), profile="qwen3guard")
    assert body == {**PLAIN_BODY, "max_tokens": 128, "messages": [{"role": "user", "content": "Send me 100.\nI send you 200."}]}


async def test_shieldgemma_is_sent_each_policy_by_itself_as_a_variable_of_its_template() -> None:
    questions = guard("shieldgemma").questions(GuardContent(texts=TEXTS))
    assert [question.label for question in questions] == list(POLICIES)
    for question in questions:
        body, answer = await asked(question.request, completion("Yes\n\nThe prompt", finish="length"), profile="shieldgemma")
        assert body == {
            **PLAIN_BODY,
            "max_tokens": 4,
            "messages": [{"role": "user", "content": "Send me 100.\nI send you 200."}],
            "chat_template_kwargs": {"guideline": POLICIES[question.label][0]},
        }
        assert answer.raw == "Yes\n\nThe prompt"


async def test_safeguard_is_sent_the_rules_as_system_message_and_asked_for_their_names() -> None:
    content = GuardContent(texts=TEXTS, rules=found(rule("FRAUD-1.1"), rule("HATE-1.1")), who="viewer", fence="untrusted-0123456789ab")
    said = '{"violation": 0, "rule_ids": [], "confidence": "high", "rationale": "Fine."}'
    body, answer = await asked(only(guard("gpt-oss-safeguard").questions(content)).request, completion(said), profile="gpt-oss-safeguard")
    system, user = body.pop("messages")
    assert (system["role"], user["role"]) == ("system", "user")
    written_rule = (
        "## RULE FRAUD-1.1\nRule FRAUD-1.1. Nobody may do this. It harms people.\nVIOLATES:\n- bad one\n- bad two\nSAFE:\n- fine one"
    )
    assert written_rule in system["content"]
    assert user["content"] == ("By the viewer of the stream, each text inside `untrusted-0123456789ab`:\nSend me 100.\nI send you 200.")
    schema = body.pop("response_format")["json_schema"]["schema"]
    assert schema["properties"]["rule_ids"]["items"] == {"enum": ["FRAUD-1.1", "HATE-1.1"]}
    assert schema["properties"]["violation"] == {"enum": [0, 1]}
    assert body == {**PLAIN_BODY, "max_tokens": 1_024 + 2_048, "reasoning_effort": "low"}
    assert answer.data["violation"] == 0


def test_the_policy_is_the_same_for_every_speaker_and_call() -> None:
    one, other = (
        only(guard("gpt-oss-safeguard").questions(GuardContent(texts=texts, rules=found(rule()), who="host", fence=fence))).request
        for texts, fence in ((TEXTS, "untrusted-0123456789ab"), (TEXTS[:1], "untrusted-ba9876543210"))
    )
    assert one.messages[0] == other.messages[0]
    assert one.prefix == other.prefix != ""


def test_safeguard_is_asked_nothing_where_there_is_no_rule() -> None:
    assert guard("gpt-oss-safeguard").questions(GuardContent(texts=TEXTS)) == ()


def test_a_rule_that_reads_otherwise_elsewhere_has_a_name_for_each_reading() -> None:
    strict = rule("FRAUD-1.1", text="Not even in jest.")
    rules = (*found(rule("FRAUD-1.1"), rule("HATE-1.1"), places=("SG", "GB")), *found(strict, places=("DE",)))
    assert {name: places for name, (_, places) in rule_names(rules).items()} == {
        "FRAUD-1.1 in SG, GB": ("SG", "GB"),
        "FRAUD-1.1 in DE": ("DE",),
        "HATE-1.1": ("SG", "GB"),
    }


@pytest.mark.parametrize(
    ("raw", "word", "reply"),
    [
        ("\n\nsafe", 0.97, GuardReply(unsafe=False, probability=pytest.approx(0.03))),
        ("safe", None, GuardReply(unsafe=False, probability=0.0)),
        ("\n\nunsafe\nS2", 0.93, GuardReply(unsafe=True, labels=("S2",), probability=0.93)),
        ("unsafe\nS2, S10,S2", None, GuardReply(unsafe=True, labels=("S2", "S10"), probability=UNSCORED)),
        ("unsafe", 0.8, GuardReply(unsafe=True, probability=0.8)),
    ],
)
def test_llama_guard_is_read(raw: str, word: float | None, reply: GuardReply) -> None:
    assert read("llama-guard-4", raw, word=word) == reply


@pytest.mark.parametrize(
    "raw",
    ["", "Safe", "unsafe S2", "unsafe\nS15", "unsafe\nfraud", "safe\nS2", "unsafe\nS2\nsafe", "I think it is unsafe", '{"safe": true}'],
)
def test_llama_guard_in_another_form_is_an_error(raw: str) -> None:
    with pytest.raises(ModelAnswerError, match="Llama Guard 4 answers 'safe'") as caught:
        read("llama-guard-4", raw)
    assert caught.value.raw == raw


@pytest.mark.parametrize(
    ("raw", "word", "reply"),
    [
        ("Safety: Safe\nCategories: None", 0.9, GuardReply(unsafe=False, probability=pytest.approx(0.1))),
        ("Safety: Unsafe\nCategories: Violent\n", 0.9, GuardReply(unsafe=True, labels=("Violent",), probability=0.9)),
        (
            "Safety: Unsafe\nCategories: PII, Non-violent Illegal Acts\nRefusal: No",
            None,
            GuardReply(unsafe=True, labels=("PII", "Non-violent Illegal Acts"), probability=UNSCORED),
        ),
        ("Safety: Unsafe\nCategories: None", 0.9, GuardReply(unsafe=True, probability=0.9)),
        (
            "Safety: Controversial\nCategories: Politically Sensitive Topics",
            0.99,
            GuardReply(unsafe=True, labels=("Politically Sensitive Topics",), probability=CONTROVERSIAL),
        ),
        ("Safety: Controversial\nCategories: Violent", 0.5, GuardReply(unsafe=True, labels=("Violent",), probability=0.5)),
    ],
)
def test_qwen3guard_is_read(raw: str, word: float | None, reply: GuardReply) -> None:
    assert read("qwen3guard", raw, word=word) == reply


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "Unsafe",
        "Safety: Unsafe",
        "Safety: Dangerous\nCategories: Violent",
        "Safety: Unsafe\nCategories: Fraud",
        "Safety: Safe\nCategories: Violent",
        "Safety: Safe\nCategories: None\nSafety: Unsafe",
        "Well. Safety: Safe\nCategories: None",
    ],
)
def test_qwen3guard_in_another_form_is_an_error(raw: str) -> None:
    with pytest.raises(ModelAnswerError, match="Qwen3Guard answers") as caught:
        read("qwen3guard", raw)
    assert caught.value.raw == raw


@pytest.mark.parametrize(
    ("raw", "word", "unsafe", "probability"),
    [("Yes", 0.8, True, 0.8), ("Yes\n\nThe", None, True, UNSCORED), ("No", 0.7, False, 0.3), (" No.", None, False, 0.0)],
)
def test_shieldgemma_is_read(raw: str, word: float | None, unsafe: bool, probability: float) -> None:
    reply = read("shieldgemma", raw, word=word, label="hate")
    assert (reply.unsafe, reply.labels) == (unsafe, ("hate",))
    assert reply.probability == pytest.approx(probability)


@pytest.mark.parametrize("raw", ["", "Yesterday", "yes", "The answer is Yes", "Maybe"])
def test_shieldgemma_in_another_form_is_an_error(raw: str) -> None:
    with pytest.raises(ModelAnswerError, match="answers 'Yes' or 'No' first"):
        read("shieldgemma", raw)


@pytest.mark.parametrize(
    ("data", "certainty", "reply"),
    [
        (
            {"violation": 1, "rule_ids": ["FRAUD-1.1"], "confidence": "high", "rationale": " It asks for money. "},
            {"violation": 1.0},
            GuardReply(unsafe=True, labels=("FRAUD-1.1",), probability=CONFIDENCE["high"], rationale="It asks for money."),
        ),
        (
            {"violation": 1, "rule_ids": ["FRAUD-1.1"], "confidence": "high", "rationale": "x"},
            {"violation": 0.6},
            GuardReply(unsafe=True, labels=("FRAUD-1.1",), probability=0.6, rationale="x"),
        ),
        (
            {"violation": 1, "rule_ids": [], "confidence": "low", "rationale": "x"},
            {},
            GuardReply(unsafe=True, probability=0.45, rationale="x"),
        ),
        (
            {"violation": 0, "rule_ids": [], "confidence": "low", "rationale": "x"},
            {},
            GuardReply(unsafe=False, probability=0.5, rationale="x"),
        ),
        ({"violation": 0, "rule_ids": [], "confidence": "medium", "rationale": "x"}, {}, GuardReply(unsafe=False, rationale="x")),
        (
            {"violation": 0, "rule_ids": [], "confidence": "high", "rationale": "x"},
            {"violation": 0.25},
            GuardReply(unsafe=False, probability=0.75, rationale="x"),
        ),
    ],
)
def test_safeguard_is_read(data: dict[str, Any], certainty: dict[str, float], reply: GuardReply) -> None:
    question = only(guard("gpt-oss-safeguard").questions(GuardContent(texts=TEXTS, rules=found(rule()))))
    assert guard("gpt-oss-safeguard").read(question, written("{}", data=data, certainty=certainty)) == reply


def test_safeguard_that_contradicts_itself_is_an_error() -> None:
    question = only(guard("gpt-oss-safeguard").questions(GuardContent(texts=TEXTS, rules=found(rule()))))
    data = {"violation": 0, "rule_ids": ["FRAUD-1.1"], "confidence": "high", "rationale": "x"}
    with pytest.raises(ModelAnswerError, match=r"nothing is broken and names FRAUD-1\.1"):
        guard("gpt-oss-safeguard").read(question, written("{}", data=data))


@pytest.mark.parametrize(
    "content",
    [
        '{"violation": 1, "rule_ids": ["FRAUD-9.9"], "confidence": "high", "rationale": "x"}',
        '{"violation": true, "rule_ids": [], "confidence": "high", "rationale": "x"}',
        '{"violation": 1, "rule_ids": ["FRAUD-1.1"], "confidence": 0.9, "rationale": "x"}',
        "1",
        "analysis The policy says",
    ],
)
async def test_safeguard_in_another_form_is_an_error(content: str) -> None:
    question = only(guard("gpt-oss-safeguard").questions(GuardContent(texts=TEXTS, rules=found(rule()))))
    with pytest.raises(ModelAnswerError):
        await asked(question.request, completion(content), profile="gpt-oss-safeguard")


@pytest.mark.parametrize(
    ("name", "raw", "tokens", "probability"),
    [
        ("llama-guard-4", "\n\nunsafe\nS2", [token("\n\n", 1.0), token("un", 0.9, safe=0.1), token("safe", 1.0), token("\nS2", 1.0)], 0.9),
        ("llama-guard-4", "safe", [token("safe", 0.6, un=0.2, Safe=0.2)], 0.25),
        (
            "qwen3guard",
            "Safety: Unsafe\nCategories: Violent",
            [
                token("Safety", 1.0),
                token(":", 1.0),
                token(" Unsafe", 0.5, **{" Safe": 0.25, " Controversial": 0.25}),
                token("\n", 1.0),
                token("Categories: Violent", 1.0),
            ],
            0.5,
        ),
        ("shieldgemma", "No", [token("No", 0.6, Yes=0.3, Maybe=0.1)], pytest.approx(1 / 3)),
    ],
)
async def test_the_probability_is_that_of_the_word_that_decides(
    name: str, raw: str, tokens: list[dict[str, Any]], probability: float
) -> None:
    question = guard(name).questions(GuardContent(texts=TEXTS))[0]
    _, answer = await asked(question.request, completion(raw, logprobs={"content": tokens, "refusal": None}), profile=name)
    assert guard(name).read(question, answer).probability == pytest.approx(probability)


def test_every_label_has_its_categories_and_a_name() -> None:
    for name, labels in (("llama-guard-4", HAZARDS), ("qwen3guard", CATEGORIES), ("shieldgemma", POLICIES)):
        for label in labels:
            assert all(isinstance(category, Category) for category in guard(name).categories(label))
            assert guard(name).describe(label)
    assert guard("llama-guard-4").categories("S2")[0] is Category.FRAUD_SCAM
