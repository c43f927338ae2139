from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.agents.conftest import MakeSteward
from unit.agents.parts import MARKERS, memory, said, segment, viewer, wrote

from livesteward.agents import flow
from livesteward.contracts import ActionKind, Category, Decision, Segment, Verdict
from livesteward.errors import ConfigurationError, InputError
from livesteward.sdk import describe_graph
from livesteward.settings import Settings
from livesteward.testing import ScriptedModel

FRAUD = MARKERS[Category.FRAUD_SCAM.value]
OFFER = f"Send me 100 and I send you 200 back {FRAUD}"


def actions(verdict: Verdict) -> list[tuple[ActionKind, int]]:
    return [(action.action, action.strike) for action in verdict.rulings[0].actions]


async def test_a_stream_is_watched_with_the_memory_of_what_came_before(make_steward: MakeSteward) -> None:
    numbers = (1, 2, 10, 20)
    seen = [verdict async for verdict in make_steward().watch(segment(said("u1", OFFER), number=number) for number in numbers)]
    assert [verdict.segment_id for verdict in seen] == ["0001", "0002", "0010", "0020"]
    assert [actions(verdict) for verdict in seen] == [
        [(ActionKind.WARN, 1)],
        [(ActionKind.WARN, 1)],
        [(ActionKind.PAUSE_STREAM, 2)],
        [(ActionKind.END_STREAM, 3)],
    ]


async def test_segments_judged_by_themselves_know_nothing_of_each_other(make_steward: MakeSteward) -> None:
    steward = make_steward()
    for number in (1, 10):
        assert actions(await steward.moderate(segment(said("u1", OFFER), number=number))) == [(ActionKind.WARN, 1)]


async def test_memory_can_be_handed_on_by_hand(make_steward: MakeSteward) -> None:
    steward = make_steward()
    first = await steward.examine(segment(said("u1", OFFER)))
    second = await steward.examine(segment(said("u1", OFFER), number=10), memory=first.memory)
    assert actions(second.verdict) == [(ActionKind.PAUSE_STREAM, 2)]
    assert second.memory.segments == 2


async def test_the_judge_is_told_what_was_said_before(make_steward: MakeSteward) -> None:
    model = ScriptedModel(lambda _: {"findings": [], "decision": "allow", "reason": "fine"})
    segments = [segment(said("u1", "we talk of tomatoes")), segment(said("u1", OFFER), number=2)]
    assert [verdict.decision async for verdict in make_steward(model).watch(segments)] == [Decision.ALLOW, Decision.ALLOW]
    assert "we talk of tomatoes" in model.prompt()


async def test_an_asynchronous_source_is_watched_as_it_comes(make_steward: MakeSteward) -> None:
    made: list[int] = []

    async def source() -> AsyncIterator[Segment]:
        for number in (1, 2, 3):
            made.append(number)
            yield segment(said("u1", "hello"), number=number)

    async for verdict in make_steward().watch(source()):
        assert verdict.segment_id == f"{made[-1]:04d}"
    assert made == [1, 2, 3]


async def test_two_streams_in_one_watch_are_refused(make_steward: MakeSteward) -> None:
    mixed = [segment(said("u1", "hi")), segment(said("u1", "hi"), number=2, stream_id="stream-2")]
    seen: list[Verdict] = []
    with pytest.raises(InputError, match="watch takes one stream"):
        async for verdict in make_steward().watch(mixed):
            seen.append(verdict)
    assert len(seen) == 1


async def test_the_memory_of_another_stream_is_refused(make_steward: MakeSteward) -> None:
    with pytest.raises(InputError, match="memory"):
        await make_steward().examine(segment(stream_id="stream-2"), memory=memory())


async def test_a_segment_is_judged_by_the_rules_of_its_day(make_steward: MakeSteward) -> None:
    verdict = await make_steward().moderate(segment(said("u1", "hello")))
    assert verdict.provenance.rulebooks[0].on.isoformat() == "2026-11-22"


async def test_what_was_judged_has_a_digest(make_steward: MakeSteward) -> None:
    steward = make_steward()
    one, same, other = [(await steward.moderate(segment(said("u1", text)))).provenance.input_digest for text in ("a", "a", "b")]
    assert len(one) == 64
    assert one == same != other


async def test_preparing_tells_how_far_it_is(make_steward: MakeSteward, tmp_path: Path) -> None:
    steward = make_steward(cache_dir=tmp_path)
    told: list[tuple[str, int, int]] = []
    await steward.prepare(["SG", "DE"], progress=lambda *event: told.append(event))
    assert {name for name, _, _ in told} <= {"SG", "DE"}
    assert told[-1][1] == told[-1][2]
    told.clear()
    await steward.prepare(["SG", "DE"], progress=lambda *event: told.append(event))
    assert told == []
    with pytest.raises(InputError, match="did you mean 'GB'"):
        await steward.prepare(["UK"])


def test_code_that_is_not_async_can_moderate_more_than_once(workspace: Path, _planted: None) -> None:
    from livesteward.sdk import Steward

    steward = Steward.from_settings(Settings(workspace=workspace))
    try:
        seen = [steward.moderate_sync(segment(said("u1", text)), regions=["SG"]) for text in (OFFER, "hello", OFFER)]
        assert [verdict.decision for verdict in seen] == [Decision.VIOLATION, Decision.ALLOW, Decision.VIOLATION]
        with pytest.raises(InputError):
            steward.moderate_sync(segment(), regions=["UK"])
    finally:
        steward.close_sync()
    steward.close_sync()


@pytest.mark.parametrize("human_review", [False, True])
def test_a_program_that_forgets_to_close_ends_all_the_same(workspace: Path, tmp_path: Path, human_review: bool) -> None:
    kept = f"human_review={human_review}, checkpoints={str(tmp_path / 'reviews.sqlite')!r}"
    code = (
        "from livesteward import Segment, Settings, Steward\n"
        f"steward = Steward.from_settings(Settings(workspace={str(workspace)!r}, {kept}))\n"
        "segment = Segment(stream_id='s', segment_id='1', starts_at='2026-11-22T12:00:00Z', region='SG')\n"
        "print(steward.moderate_sync(segment).decision.value)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "allow"), done.stderr


async def test_a_running_event_loop_is_not_blocked(make_steward: MakeSteward) -> None:
    with pytest.raises(ConfigurationError, match=r"await steward\.moderate"):
        make_steward().moderate_sync(segment())


def test_settings_and_single_overrides_do_not_go_together() -> None:
    from livesteward.sdk import Steward

    with pytest.raises(ConfigurationError, match="not both"):
        Steward.from_settings(Settings(), human_review=True)


def test_a_table_of_settings_is_no_model() -> None:
    from livesteward.sdk import Steward

    with pytest.raises(ConfigurationError, match="ChatModel"):
        Steward.from_settings(model={"base_url": "http://127.0.0.1:1/v1"})  # type: ignore[arg-type]


async def test_everything_is_closed_at_the_end(make_steward: MakeSteward) -> None:
    model = ScriptedModel([])
    async with make_steward(model):
        pass
    assert model.closed


def test_the_drawing_names_every_step() -> None:
    drawn = describe_graph()
    assert all(f"{name}({name})" in drawn for name in flow.STEPS)
    assert "review(review)" not in drawn
    assert "review(review)" in describe_graph(human_review=True)


async def test_viewers_climb_their_own_ladder(make_steward: MakeSteward) -> None:
    segments = [segment(wrote("c1", "mallory", OFFER), number=number) for number in (1, 10)]
    seen = [verdict async for verdict in make_steward().watch(segments)]
    assert [verdict.stream_decision for verdict in seen] == [Decision.ALLOW, Decision.ALLOW]
    assert [actions(verdict) for verdict in seen] == [[(ActionKind.REMOVE_MESSAGE, 1)], [(ActionKind.MUTE_VIEWER, 2)]]
    assert seen[1].rulings[0].actions[0].subject == viewer("mallory")
