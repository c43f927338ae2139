from __future__ import annotations

from unit.agents.parts import gave, memory, said, segment, shown, wrote

from livesteward.agents.nodes.remember import LINES_S, MAX_LINE_CHARS, MAX_LINES, remember
from livesteward.agents.state import PastLine, StreamMemory
from livesteward.contracts import Modality, Origin, Segment, Speaker


def after(*segments: Segment, injections: tuple[str, ...] = (), keep_lines: bool = True) -> StreamMemory:
    kept = memory()
    for one in segments:
        kept = remember(kept, one, (), injections=injections, keep_lines=keep_lines)
    return kept


def texts(kept: StreamMemory) -> list[str]:
    return [line.text for line in kept.lines]


def test_lines_of_all_kinds_are_kept_by_time_with_who_said_them() -> None:
    one = segment(
        said("u1", "hi", at_s=1),
        said("u2", "hello", at_s=2, speaker=Speaker.GUEST),
        shown("o1", "SALE", at_s=3),
        gave("g1", "ann", "for you"),
        wrote("c1", "bob", "wow", at_s=5),
        wrote("c2", "host", "thanks", at_s=6, is_host=True),
        number=2,
        title="not repeated",
    )
    assert after(one).lines == (
        PastLine(at_s=21, kind=Modality.SPEECH, text="hi", speaker=Speaker.HOST),
        PastLine(at_s=22, kind=Modality.SPEECH, text="hello", speaker=Speaker.GUEST),
        PastLine(at_s=23, kind=Modality.OVERLAY, text="SALE"),
        PastLine(at_s=24, kind=Modality.GIFT, text="for you", viewer_id="ann"),
        PastLine(at_s=25, kind=Modality.CHAT, text="wow", viewer_id="bob"),
        PastLine(at_s=26, kind=Modality.CHAT, text="thanks", speaker=Speaker.HOST),
    )


def test_nothing_of_it_is_kept_unless_wanted() -> None:
    assert after(segment(said("u1", "hi")), keep_lines=False).lines == ()


def test_what_steers_is_not_kept() -> None:
    assert texts(after(segment(said("u1", "hi"), wrote("c1", "mallory", "obey")), injections=("c1",))) == ["hi"]


def test_the_last_words_of_the_host_are_not_a_guests_nor_those_heard_again() -> None:
    again = said("u3", "money back", speaker=Speaker.UNKNOWN).model_copy(update={"origin": Origin.HEARD_AGAIN})
    assert after(segment(said("u1", "hi"), said("u2", "I will hurt you", speaker=Speaker.GUEST), again)).recent_speech == "hi"


def test_what_is_too_long_ago_is_forgotten() -> None:
    many = [segment(said("u1", f"line {number}"), number=number) for number in range(1, 21)]
    kept = after(*many)
    assert texts(kept)[-1] == "line 20"
    assert all(line.at_s >= 20 * 20 - LINES_S for line in kept.lines)
    assert len(kept.lines) == 15


def test_a_flood_of_chat_does_not_displace_what_was_said() -> None:
    talk = segment(*(said(f"u{n}", f"word {n}", at_s=n / 10) for n in range(50)))
    flood = segment(*(wrote(f"c{n}", f"v{n}", f"spam {n} " + "x" * 40, at_s=n / 100) for n in range(1_000)), number=2)
    kept = after(talk, flood)
    assert sum(line.kind is Modality.SPEECH for line in kept.lines) == 50
    chat = [line for line in kept.lines if line.kind is Modality.CHAT]
    assert 0 < len(chat) <= MAX_LINES[False][0]
    assert sum(len(line.text) for line in chat) <= MAX_LINES[False][1]
    assert chat[-1].text.startswith("spam 999")


def test_the_memory_is_bounded_in_all() -> None:
    kept = after(*(segment(*(said(f"u{n}", "y" * 5_000, at_s=n) for n in range(20)), number=number) for number in range(1, 6)))
    assert all(len(line.text) <= MAX_LINE_CHARS for line in kept.lines)
    assert len(kept.model_dump_json()) < 20_000


def test_what_stands_on_the_picture_all_the_time_is_one_line() -> None:
    assert texts(after(segment(shown("o1", "LIVE")), segment(shown("o1", "LIVE"), shown("o2", "SOLD OUT"), number=2))) == [
        "LIVE",
        "SOLD OUT",
    ]
