"""How long the agent takes for a segment, step by step, on this machine: `livesteward bench agent`.

Three segments of 60 spoken words and 20 new chat lines each: one that the screen clears, one that needs embeddings and the embedded
judge, and one with a scripted model that answers at once, which leaves what the agent itself costs. Perception is switched off.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from livesteward.agents.judges.case import Case
from livesteward.agents.state import Judgement
from livesteward.agents.tools import Tools
from livesteward.contracts import ChatMessage, Segment, Utterance

SPOKEN_WORDS: Final = 60
CHAT_LINES: Final = 20

_TALK: Final = (
    "so today we are making a lemon tart and I will show you the dough first",
    "thank you for the roses everyone that is really kind of you all tonight",
    "let me turn the camera a little so that you can see the bowl from above",
    "we had rain the whole week here so the market was nearly empty on Sunday",
    "if you have a question about the oven just put it in the chat for later",
    "my sister says hello by the way she is in the kitchen next door right now",
    "next time we will try the bread that some of you asked for last weekend",
    "now it has to rest for twenty minutes so we can talk about the music list",
)
_CHAT: Final = (
    "hello from {place}",
    "that looks so good {n}",
    "which flour do you use for number {n}",
    "greetings to {place} from me",
    "can you show the bowl again please {n}",
    "first time here, love it {n}",
    "what is the song called at minute {n}",
    "my grandma in {place} does it the same way",
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
    "send me two hundred dollars now and tomorrow you get four hundred back guaranteed",
    "scan the code and deposit before midnight because this offer doubles your money",
)
_SUSPICIOUS_CHAT: Final = (
    "is the doubling real for {n} dollars",
    "I sent {n} when do I get it back",
    "guaranteed profit join my group {n}",
)


@dataclass(frozen=True)
class LatencyRow:
    """What one kind of segment took, in milliseconds; ``steps`` are medians."""

    kind: str
    segments: int
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


def make_segment(number: int, *, suspicious: bool) -> Segment:
    """Return segment ``number``: 60 spoken words and 20 chat lines that no other number has."""
    draw = random.Random(number)
    talk = draw.sample(_TALK, len(_TALK))
    if suspicious:
        talk = [_SUSPICIOUS[0], talk[0], _SUSPICIOUS[1], *talk[1:]]
    words = " ".join(talk).split()
    words[0:0] = [f"hello number {number}"]
    words = " ".join(words).split()[:SPOKEN_WORDS]
    utterances = tuple(
        Utterance(utterance_id=f"u{start}", at_s=start / 4, text=" ".join(words[start : start + 12]))
        for start in range(0, SPOKEN_WORDS, 12)
    )
    lines = [*(_SUSPICIOUS_CHAT if suspicious else ()), *draw.choices(_CHAT, k=CHAT_LINES)][:CHAT_LINES]
    chat = tuple(
        ChatMessage(
            message_id=f"c{place}", at_s=place, viewer_id=f"v{place}", text=line.format(place=draw.choice(_PLACES), n=number * 100 + place)
        )
        for place, line in enumerate(lines)
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


async def measure(tools: Tools, graph: Any, *, segments: int, kind: str, suspicious: bool, progress: Callable[[int], None]) -> LatencyRow:
    """Run ``segments`` new segments through ``graph`` one after another, after three that do not count."""
    from livesteward.agents.state import GraphState, StreamMemory

    taken: list[float] = []
    steps: dict[str, list[float]] = {}
    for number in range(-3, segments):
        # A number of its own for every run, so that no embedding is in the cache.
        segment = make_segment(int(time.time_ns() % 10**9) + number, suspicious=suspicious)
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
            for step, value in final["verdict"].provenance.latency_ms.items():
                steps.setdefault(step, []).append(value)
            progress(number + 1)
    taken.sort()
    return LatencyRow(
        kind=kind,
        segments=segments,
        median_ms=round(statistics.median(taken), 1),
        p95_ms=round(taken[min(len(taken) - 1, int(len(taken) * 0.95))], 1),
        steps={step: round(statistics.median(values), 1) for step, values in steps.items()},
    )
