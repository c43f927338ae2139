from __future__ import annotations

import random

import pytest
from unit.prompts.made import NONCE, chat, rule, segment, texts

from livesteward.contracts import Frame, HostFacts, RetrievedRule, Utterance
from livesteward.models.openai_wire import wire_messages
from livesteward.models.profiles.families import GEMMA_3, QWEN3_VL
from livesteward.models.profiles.profile import PLAIN, Profile
from livesteward.models.protocol import ImagePart, TextPart
from livesteward.prompts.judging import prefix_digest, render_judge, render_prefix
from livesteward.prompts.registry import Prompt, PromptRegistry
from livesteward.prompts.rulebook_layout import FOUND_ONLY, RulebookForm, RulebookLayout, standing_order
from livesteward.settings import Settings

RULES = tuple(rule(f"FRAUD-1.{number}", jurisdiction=place) for place in ("SG", "DE") for number in range(1, 6))
STANDING = [form for form in RulebookForm if form is not RulebookForm.FOUND]


@pytest.fixture(scope="module")
def prompt() -> Prompt:
    return PromptRegistry(Settings().prompts_dir).get("judge", 2)


def wired(messages: object) -> str:
    """All text up to the first picture as a server would get it."""
    found = []
    for message in wire_messages(messages):  # type: ignore[arg-type]
        content = message["content"]
        found.append(f"<|{message['role']}|>" + (content if isinstance(content, str) else content[0]["text"]))
    return "\n".join(found)


@pytest.mark.parametrize("profile", [PLAIN, QWEN3_VL, GEMMA_3], ids=lambda profile: profile.name)
@pytest.mark.parametrize("form", STANDING)
def test_everything_up_to_the_end_of_the_rulebook_is_the_same_bytes_for_every_segment(
    prompt: Prompt, form: RulebookForm, profile: Profile
) -> None:
    layout = RulebookLayout(form=form, order=standing_order([one.rule for one in RULES], {}), detailed=2)
    # Some families want pictures first, some have no system role: the beginning must outlast that.
    beginning = wired(profile.arranged(render_prefix(prompt, RULES, layout)))
    assert "[FRAUD-1.5]" in beginning
    draw = random.Random(7)
    seen = set()
    for number in range(60):
        found: list[RetrievedRule] = [one.model_copy(update={"score": draw.random()}) for one in RULES]
        draw.shuffle(found)
        frames = tuple(Frame(frame_id=f"f{n}", at_s=n) for n in range(draw.randrange(3)))
        judged = segment(
            offset_s=number,
            region=draw.choice(["SG", "DE", "US"]),
            title=draw.choice(["", "talk"]),
            host=HostFacts(declared_age=draw.choice([None, 20])),
            utterances=tuple(Utterance(utterance_id=f"u{n}", at_s=n, text=f"words {number}") for n in range(draw.randrange(4))),
            chat=tuple(chat(f"c{n}", f"hello {draw.random()}") for n in range(draw.randrange(4))),
            frames=frames,
        )
        messages = render_judge(
            prompt,
            judged,
            found,
            memory=draw.choice(["", "said before"]),
            images=tuple(ImagePart(data=b"x", item_id=frame.frame_id) for frame in frames),
            keep={"c0"},
            layout=layout,
        )
        sent = wired(profile.arranged(messages))
        assert sent.startswith(f"{beginning}\n")
        seen.add(texts(messages))
    assert len(seen) == 60


def test_the_facts_of_a_stream_come_before_what_changes_from_segment_to_segment(prompt: Prompt) -> None:
    layout = RulebookLayout(form=RulebookForm.BRIEF, detailed=1)
    shown = texts(render_judge(prompt, segment(offset_s=40, chat=(chat("c1", "hello you all"),)), RULES, layout=layout, nonce=NONCE))
    places = [shown.index(word) for word in ("[FRAUD-1.5]", "Broadcast from SG", "bad FRAUD-1.1", "second 40", "<untrusted-", "c1 1 ")]
    assert places == sorted(places)


def test_the_digest_is_that_of_the_beginning_and_none_where_there_is_none(prompt: Prompt) -> None:
    layouts = [RulebookLayout(form=form) for form in STANDING]
    digests = {prefix_digest(prompt, RULES, layout) for layout in layouts}
    assert len(digests) == 3
    assert prefix_digest(prompt, tuple(reversed(RULES)), layouts[0]) == prefix_digest(prompt, RULES, layouts[0])
    assert prefix_digest(prompt, RULES[:3], layouts[0]) not in digests
    assert prefix_digest(prompt, RULES, FOUND_ONLY) == ""


def test_what_the_beginning_leaves_out_is_given_with_the_rules_found(prompt: Prompt) -> None:
    found = (RULES[2], RULES[0], RULES[1])
    expected = {
        RulebookForm.WHOLE: ("It is forbidden. Exception bad fine", ""),
        RulebookForm.BRIEF: ("It is forbidden. Exception", "bad fine"),
        RulebookForm.TEXTS: ("It is forbidden.", "Exception bad fine"),
        RulebookForm.FOUND: ("", "It is forbidden. Exception bad fine"),
    }
    words = ("It is forbidden.", "Exception", "bad", "fine")
    for form, (standing, detailed) in expected.items():
        layout = RulebookLayout(form=form, detailed=2)
        messages = render_judge(prompt, segment(), found, layout=layout)
        parts = [part for message in messages for part in message.parts if isinstance(part, TextPart)]
        for kind, said in (("rulebook", standing), ("details", detailed)):
            text = "".join(part.text for part in parts if part.kind == kind)
            for word in words:
                sought = word if word == "It is forbidden." else f"{word} to FRAUD-1.1" if word == "Exception" else f"{word} FRAUD-1.1"
                assert (sought in text) == (word in said), (form, kind, word)
            if kind == "details" and form is not RulebookForm.FOUND:
                # Two of the three are at hand: the best found, not the first by id.
                assert "[FRAUD-1.2]" not in text


def test_a_model_is_told_what_is_left_out_of_a_rule(prompt: Prompt) -> None:
    def beginning(form: RulebookForm) -> str:
        return texts(render_prefix(prompt, RULES, RulebookLayout(form=form)))

    assert "you do not know its exceptions" in beginning(RulebookForm.TEXTS)
    assert "without their examples" in beginning(RulebookForm.BRIEF)
    assert "left out" not in beginning(RulebookForm.WHOLE).partition("## The rulebook")[2]


def test_a_rule_that_reads_alike_in_several_places_stands_once(prompt: Prompt) -> None:
    rules = (
        rule("FRAUD-1.1", jurisdiction="SG"),
        rule("FRAUD-1.1", jurisdiction="DE"),
        rule("FRAUD-2.1", jurisdiction="DE", text="Other.", layer="DE"),
        rule("FRAUD-2.1", jurisdiction="FR", text="Other.", layer="DE"),
        rule("FRAUD-2.1", jurisdiction="SG", text="Third.", layer="SG"),
        rule("FRAUD-1.1", jurisdiction="FR"),
    )
    shown = texts(render_prefix(prompt, rules, RulebookLayout(form=RulebookForm.WHOLE))).partition("## The rulebook")[2]
    assert shown.count("[FRAUD-1.1]") == 1
    assert shown.count("[FRAUD-2.1]") == 2
    places = [shown.index(word) for word in ("[FRAUD-1.1]", "As it is in DE, FR", "Other.", "As it is in SG", "Third.", "in DE, FR, SG.")]
    assert places == sorted(places)


def test_rulebooks_begin_with_what_no_place_changes(prompt: Prompt) -> None:
    common = tuple(rule(f"AB-1.{number}") for number in range(1, 5))
    touched = {"AB-1.1": 2, "AB-1.3": 1}
    sg = (*common, rule("AB-0.1", layer="SG"))
    de = (rule("AB-1.1", layer="DE", text="Stricter."), *common[1:])
    assert standing_order([one.rule for one in sg], touched) == ("AB-1.2", "AB-1.4", "AB-1.3", "AB-1.1", "AB-0.1")
    texts_of = [
        texts(render_prefix(prompt, rules, RulebookLayout(form=RulebookForm.WHOLE, order=standing_order([r.rule for r in rules], touched))))
        for rules in (sg, tuple(one.model_copy(update={"jurisdiction": "DE"}) for one in de))
    ]
    shared = next(place for place, (one, other) in enumerate(zip(*texts_of, strict=False)) if one != other)
    assert all(f"[AB-1.{number}]" in texts_of[0][:shared] for number in (2, 3, 4))


def test_version_1_shares_the_method_only() -> None:
    first = PromptRegistry(Settings().prompts_dir).get("judge", 1)
    layout = RulebookLayout(form=RulebookForm.WHOLE)
    assert [message.role for message in render_prefix(first, RULES, layout)] == ["system"]
