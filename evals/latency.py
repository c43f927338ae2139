"""How long the agent takes for a segment, step by step, on this machine: `livesteward bench agent`.

Three segments of 60 spoken words and 20 new chat lines each: one that the screen clears, one that needs embeddings and the embedded
judge, and one that goes the whole way with a judge that answers at once and vectors that are at hand, which leaves what the agent itself
costs. Perception is switched off.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from livesteward.agents.judges.case import Case
from livesteward.agents.nodes.screen import HARM_COLUMN, LIKELY
from livesteward.agents.state import Judgement
from livesteward.agents.tools import Tools
from livesteward.contracts import ChatMessage, Segment, Utterance

SPOKEN_WORDS: Final = 60
WORDS_A_LINE: Final = 12
CHAT_LINES: Final = 20

_TALK: Final = (
    "so today we are making a lemon tart and I will show you",
    "thank you for the roses everyone that is really kind of you",
    "let me turn the camera a little so you can see the bowl",
    "we had rain the whole week here so the market was empty",
    "if you have a question about the oven put it in chat",
    "my sister says hello by the way she is in the kitchen",
    "next time we will try the bread that some of you liked",
    "now it has to rest for twenty minutes so let us talk",
    "this song is from the list that we made last weekend together",
    "I will put the recipe in the description after the stream tonight",
    "the dough is soft now so we can roll it out slowly",
    "good evening everyone and welcome back to the small kitchen with me",
)
_CHAT: Final = (
    "hello from {place}",
    "that looks so good",
    "which flour do you use",
    "greetings from {place}",
    "can you show the bowl again",
    "first time here, love it",
    "what is the song called",
    "my grandma in {place} does it the same way",
    "yum yum",
    "how long in the oven?",
    "nice one",
    "good morning from {place}",
    "love this song",
    "the tart looks great",
    "what time is it in {place}?",
    "hahaha",
    "so relaxing",
    "I tried it last week, it was great",
)
_PLACES: Final = (
    "Bandung",
    "Graz",
    "Lyon",
    "Osaka",
    "Porto",
    "Austin",
    "Cebu",
    "Hanoi",
    "Izmir",
    "Leeds",
    "Natal",
    "Pune",
    "Seoul",
    "Tunis",
)
_SUSPICIOUS: Final = (
    "send me two hundred dollars now and tomorrow you get four hundred back",
    "scan the code and deposit before midnight because this doubles your money guaranteed",
)
_SUSPICIOUS_CHAT: Final = (
    "is the doubling real for {n} dollars",
    "I sent {n} when do I get it back",
    "guaranteed profit join my group {n}",
)


@dataclass(frozen=True)
class LatencyRow:
    """What one kind of segment took, in milliseconds; ``judges`` counts who decided, ``steps`` are medians."""

    kind: str
    segments: int
    judges: dict[str, int]
    median_ms: float
    p95_ms: float
    steps: dict[str, float]


class InstantJudge:
    """A judge that allows at once, for measuring what is around it."""

    sees = False

    async def judge(self, case: Case) -> Judgement:
        """Allow."""
        return Judgement(judge="instant", allows=True)

    async def aclose(self) -> None:
        """Nothing to close."""


def make_segment(number: int, tools: Tools, *, suspicious: bool) -> Segment:
    """Return segment ``number``: 60 spoken words and 20 chat lines.

    A harmless one is made of lines that the screen clears, each by itself; a suspicious one has new wording in every line, so that no
    embedding is at hand, and is made of a sales pitch and of what viewers ask about it.
    """
    draw = random.Random(number)
    talk = draw.sample(_TALK, len(_TALK))
    lines = [line.format(place=place) for line in _CHAT for place in draw.sample(_PLACES, 3)]
    if suspicious:
        talk = [f"{line} {draw.choice(_PLACES)} {number}" for line in (_SUSPICIOUS[0], talk[0], _SUSPICIOUS[1], talk[1], talk[2])]
        pitched = [line.format(n=draw.randint(10, 9_999)) for line in _SUSPICIOUS_CHAT]
        lines = [*pitched, *(f"{line} {draw.choice(_PLACES)} {number}" for line in draw.sample(lines, CHAT_LINES))]
    else:
        talk, lines = _cleared(talk, tools), _cleared(draw.sample(lines, len(lines)), tools)
    utterances = tuple(
        Utterance(utterance_id=f"u{place}", at_s=place * 4, text=line) for place, line in enumerate(talk[: SPOKEN_WORDS // WORDS_A_LINE])
    )
    chat = tuple(
        ChatMessage(message_id=f"c{place}", at_s=place, viewer_id=f"v{place}", text=line) for place, line in enumerate(lines[:CHAT_LINES])
    )
    return Segment(
        stream_id="bench",
        segment_id=str(number),
        starts_at=datetime(2026, 11, 1, tzinfo=UTC),
        region="SG",
        language="en",
        utterances=utterances,
        chat=chat,
    )


def _cleared(lines: list[str], tools: Tools) -> list[str]:
    scores, floor = tools.weights.screen.scores(lines), tools.weights.screen.floor
    clear = (scores[:, HARM_COLUMN] < floor) & (scores[:, :HARM_COLUMN] < LIKELY).all(axis=1)
    return [line for line, gone in zip(lines, clear.tolist(), strict=True) if gone]


async def measure(
    tools: Tools, graph: Any, *, segments: int, kind: str, suspicious: bool, same: bool, progress: Callable[[int], None]
) -> LatencyRow:
    """Run ``segments`` segments through ``graph`` one after another, after three that do not count: new ones, or the ``same`` each time."""
    from livesteward.agents.state import GraphState, StreamMemory

    taken: list[float] = []
    steps: dict[str, list[float]] = {}
    judges: Counter[str] = Counter()
    for number in range(-3, segments):
        # A number of its own for every run, so that no embedding is in the cache.
        segment = make_segment(1 if same else int(time.time_ns() % 10**9) + number, tools, suspicious=suspicious)
        given: GraphState = {
            "verdict_id": f"bench-{number}",
            "segment": segment,
            "regions": ("SG",),
            "on": segment.starts_at.date(),
            "memory": StreamMemory(stream_id="bench"),
        }
        start = time.perf_counter()
        final = await graph.ainvoke(given, context=tools)
        elapsed = (time.perf_counter() - start) * 1_000
        if number >= 0:
            taken.append(elapsed)
            judges[final["verdict"].provenance.judge] += 1
            for step, value in final["verdict"].provenance.latency_ms.items():
                steps.setdefault(step, []).append(value)
            progress(number + 1)
    taken.sort()
    return LatencyRow(
        kind=kind,
        segments=segments,
        judges=dict(judges),
        median_ms=round(statistics.median(taken), 1),
        p95_ms=round(taken[min(len(taken) - 1, int(len(taken) * 0.95))], 1),
        steps={step: round(statistics.median(values), 1) for step, values in steps.items()},
    )
