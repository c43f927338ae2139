from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from unit.cli.made_up import HOSTILE, examined, fraud, picture, provenance, segment, verdict, violating, watched

from livesteward.cli.page import render_page
from livesteward.cli.page_parts import MAX_ITEMS, MAX_PICTURES, quoted_parts, stream_parts
from livesteward.contracts import ChatMessage, Decision, Frame, InquiryCall, Ruling


class Tags(HTMLParser):
    """Counts elements and collects what points somewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")


def test_the_page_points_at_nothing_outside_itself() -> None:
    tags = Tags(render_page([watched(violating(segment(chat=HOSTILE, title=HOSTILE)))]))
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) or link == "data:," for link in tags.links)


def test_what_strangers_wrote_makes_no_element_and_no_handler() -> None:
    calm, hostile = (
        Tags(
            render_page(
                [
                    watched(violating(segment(chat=text, title="t"))),
                ]
            )
        )
        for text in ("hi", HOSTILE)
    )
    assert hostile.names == calm.names
    assert not {name for name in hostile.attributes if name.startswith("on")}
    assert "style" not in hostile.attributes


def test_the_policy_names_the_script_and_style_by_digest() -> None:
    page = render_page([watched(violating(segment()))])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    for tag in ("style", "script"):
        body = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(body) == 1
        digest = base64.b64encode(hashlib.sha256(body[0].encode()).digest()).decode()
        assert digest in policy[1].replace("&#43;", "+")


def test_every_link_inside_the_page_has_a_target_and_ids_are_unique() -> None:
    streams = [watched(*(violating(segment(n)) for n in (1, 2))), watched(violating(segment(3, stream_id="other")))]
    tags = Tags(render_page(streams))
    assert len(set(tags.ids)) == len(tags.ids)
    assert {link[1:] for link in tags.links if link.startswith("#")} <= set(tags.ids)


def test_a_stream_shows_rule_evidence_actions_reasons_and_provenance() -> None:
    page = render_page([watched(violating(segment()), examined(segment(2), verdict(segment(2), Decision.REVIEW)))])
    for told in (
        "Promises of sure profit",
        "Warning others of such promises.",
        "global/fraud-and-scams.md:12",
        "<mark>send you two hundred dollars back tomorrow</mark>",
        "<mark>GUARANTEED200%PROFIT</mark>",
        "pause the stream",
        "The judge was not sure enough.",
        "2026-11-22-aaaaaaaa",
        "embedded-heads (numpy)",
        "perceive",
    ):
        assert told in page, told


def test_a_stream_that_stopped_says_so_and_is_not_allowed() -> None:
    stopped = watched(examined(segment(), verdict(segment())), segments=(segment(), segment(2)), error="the index went away")
    page = render_page([stopped])
    assert "Not watched to its end." in page
    assert stopped.decision is Decision.REVIEW


def test_a_stream_without_a_verdict_can_be_shown() -> None:
    assert "Not watched to its end." in render_page([watched(segments=(segment(),), error="no")])


def test_a_quote_is_found_whatever_its_spacing_and_case() -> None:
    assert quoted_parts("Now GUARANTEED200% profit!", ["guaranteed 200% PROFIT"]) == (
        ("Now ", False),
        ("GUARANTEED200% profit", True),
        ("!", False),
    )
    assert quoted_parts("nothing here", ["other", ""]) == (("nothing here", False),)
    assert quoted_parts("", ["x"]) == ()


def test_a_long_chat_is_thinned_and_evidence_stays() -> None:
    of = segment()
    chat = tuple(ChatMessage(message_id=f"m{n}", at_s=10, viewer_id="v", text="spam") for n in range(4_000))
    shown = stream_parts(watched(violating(of.model_copy(update={"chat": chat}))), "s")
    assert len(shown.lines) <= MAX_ITEMS + 10
    assert shown.left_out == 4_000 + 4 - len(shown.lines)
    assert sum(line.evidence for line in shown.lines) == 2


def test_pictures_are_bounded_and_a_broken_one_is_left_out() -> None:
    of = segment()
    frames = tuple(Frame(frame_id=f"f{n}", at_s=n / 100) for n in range(600))
    seen = violating(of.model_copy(update={"frames": frames}))
    data = {frame.frame_id: picture() for frame in frames[:2]} | {frame.frame_id: b"<svg onload=alert(1)>" for frame in frames[2:]}
    shown = stream_parts(watched(type(seen)(seen.verdict, seen.segment, seen.rules, seen.memory, data)), "s")
    assert 1 <= len(shown.pictures) <= MAX_PICTURES
    assert all(one.data.startswith("data:image/jpeg;base64,/9j/") for one in shown.pictures)


def test_a_violation_of_viewers_alone_says_that_the_stream_is_allowed() -> None:
    of = segment()
    ruling = Ruling(jurisdiction="SG", decision=Decision.VIOLATION, stream_decision=Decision.ALLOW)
    made = verdict(of, Decision.VIOLATION, finding=fraud(of), stream_decision=Decision.ALLOW, rulings=(ruling,))
    assert "by viewers; the stream itself: allow" in render_page([watched(examined(of, made))])


def test_what_the_judge_asked_is_shown_as_text() -> None:
    call = InquiryCall(step=1, tool="find_rules", arguments={"question": HOSTILE}, answer=HOSTILE, elapsed_ms=12)
    one = segment(title="t")
    asked = render_page([watched(examined(one, verdict(one, provenance=provenance(inquiry=(call,)))))])
    assert "What the judge asked (1)" in asked
    assert "find_rules(question=" in asked
    assert Tags(asked).attributes == Tags(render_page([watched(examined(one, verdict(one)))])).attributes
    assert "What the judge asked" not in render_page([watched(examined(one, verdict(one)))])
