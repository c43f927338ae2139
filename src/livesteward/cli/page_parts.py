"""The parts of the report page: what a stream's verdicts come to, as the template shows it. All texts have passed :func:`plain`."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from livesteward.cli.plain import plain
from livesteward.cli.watched import Moment, WatchedStream, is_violation, rule_of, speaker_of
from livesteward.cli.words import PLACES, clock
from livesteward.contracts import Evidence, Modality, Rule, TextItem

if TYPE_CHECKING:
    from livesteward.sdk import Examined

PICTURE_WIDTH: Final = 480
MAX_PICTURES: Final = 120
"""Of one stream: enough for half an hour, few enough that a browser opens the page. Pictures that are evidence come first."""
MAX_ITEMS: Final = 2_000
"""Texts of one stream that are written out and marked on the timeline; evidence always is."""
CONTEXT_CHARS: Final = 140

Part = tuple[str, bool]
"""A piece of a text, and whether it is quoted as evidence."""


@dataclass(frozen=True)
class Picture:
    """A frame of the film strip; ``data`` is a data URL."""

    anchor: str
    at_s: float
    time: str
    data: str
    evidence: bool


@dataclass(frozen=True)
class Line:
    """Something said, written or shown."""

    anchor: str
    at_s: float
    end_s: float
    time: str
    modality: Modality
    who: str
    origin: str
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(piece for piece, _ in self.parts)

    @property
    def evidence(self) -> bool:
        """Whether a finding quotes it."""
        return any(quoted for _, quoted in self.parts)


@dataclass(frozen=True)
class Exhibit:
    """A piece of evidence in a finding's card, with what stands around the quote and the picture that shows it."""

    time: str
    place: str
    who: str
    parts: tuple[Part, ...]
    anchor: str
    picture: Picture | None
    weight: float | None


@dataclass(frozen=True)
class Card:
    """A finding with its rule."""

    anchor: str
    moment: Moment
    violation: bool
    exhibits: tuple[Exhibit, ...]
    rule: Rule | None
    documents: tuple[str, ...]


@dataclass(frozen=True)
class StreamParts:
    """Everything that the page shows of one stream.

    Attributes:
        anchor: Its id in the page.
        stream: The stream.
        pictures: Of the film strip, by time.
        lines: Texts, by time.
        left_out: How many texts are not shown.
        cards: Findings, by time.
    """

    anchor: str
    stream: WatchedStream
    pictures: tuple[Picture, ...]
    lines: tuple[Line, ...]
    left_out: int
    cards: tuple[Card, ...]


def stream_parts(stream: WatchedStream, anchor: str) -> StreamParts:
    """Work out the parts of one stream; ``anchor`` is what its ids in the page begin with."""
    quotes = _quotes(stream)
    pictures = _pictures(stream, anchor, quotes)
    lines = _Lines(anchor)
    for place, examined in enumerate(stream.examined):
        lines.add(examined, place, quotes)
    shown, left_out = lines.within(MAX_ITEMS)
    anchors = {line.anchor for line in shown}
    cards = tuple(
        _card(moment, f"{anchor}-finding-{number}", stream, lines, anchors, pictures)
        for number, moment in enumerate(stream.moments(), start=1)
    )
    ordered = tuple(sorted(pictures.values(), key=lambda picture: picture.at_s))
    return StreamParts(anchor=anchor, stream=stream, pictures=ordered, lines=shown, left_out=left_out, cards=cards)


def quoted_parts(text: str, quotes: Iterable[str]) -> tuple[Part, ...]:
    """Cut ``text`` into pieces, those that one of ``quotes`` covers marked.

    A quote is found whatever its case and spacing: character recognition drops spaces.
    """
    covered = [False] * len(text)
    for quote in quotes:
        letters = [re.escape(letter) for letter in quote if not letter.isspace()]
        for found in re.finditer(r"\s*".join(letters), text, re.IGNORECASE) if letters else ():
            covered[found.start() : found.end()] = [True] * (found.end() - found.start())
    parts: list[Part] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or covered[place] != covered[start]:
            parts.append((text[start:place], covered[start]))
            start = place
    return tuple(parts)


def around(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Shorten what stands before, between and after the quotes."""
    shortened = []
    for place, (text, quoted) in enumerate(parts):
        if quoted or len(text) <= 2 * CONTEXT_CHARS:
            shortened.append((text, quoted))
        elif place == 0:
            shortened.append(("… " + text[-CONTEXT_CHARS:], False))
        elif place == len(parts) - 1:
            shortened.append((text[:CONTEXT_CHARS] + " …", False))
        else:
            shortened.append((f"{text[:CONTEXT_CHARS]} … {text[-CONTEXT_CHARS:]}", False))
    return tuple(shortened)


@dataclass
class _Lines:
    anchor: str
    found: dict[tuple[int, str], Line] = field(default_factory=dict)

    def add(self, examined: Examined, place: int, quotes: Mapping[tuple[int, str], list[str]]) -> None:
        segment = examined.segment
        ends = {said.utterance_id: said.end_s for said in segment.utterances}
        origins = {item.utterance_id: item.origin.value for item in segment.utterances}
        origins |= {item.overlay_id: item.origin.value for item in segment.overlays}
        for item in segment.items():
            if item.modality is Modality.TITLE and place and (place, "title") not in quotes:
                continue
            at_s = segment.offset_s + item.at_s
            end_s = segment.offset_s + (ends.get(item.item_id) or item.at_s)
            self.found[(place, item.item_id)] = Line(
                anchor=f"{self.anchor}-item-{len(self.found) + 1}",
                at_s=at_s,
                end_s=max(at_s, end_s),
                time=clock(at_s),
                modality=item.modality,
                who=_who(examined, item),
                origin="" if (origin := origins.get(item.item_id, "platform")) == "platform" else origin.replace("_", " "),
                parts=quoted_parts(plain(item.text), quotes.get((place, item.item_id), ())),
            )

    def within(self, most: int) -> tuple[tuple[Line, ...], int]:
        lines = sorted(self.found.values(), key=lambda line: line.at_s)
        if len(lines) <= most:
            return tuple(lines), 0
        # Evidence stays; of the rest every n-th, so that no part of the stream is left blank.
        step = -(-len(lines) // most)
        kept = [line for number, line in enumerate(lines) if line.evidence or number % step == 0]
        return tuple(kept), len(lines) - len(kept)


def _who(examined: Examined, item: TextItem) -> str:
    if item.modality in (Modality.OVERLAY, Modality.TITLE):
        return ""
    evidence = Evidence(modality=item.modality, item_id=item.item_id, at_s=item.at_s)
    return speaker_of(examined.segment, evidence)


def _quotes(stream: WatchedStream) -> dict[tuple[int, str], list[str]]:
    """Collect what is quoted, by segment and item; a frame is quoted by an empty text."""
    found: dict[tuple[int, str], list[str]] = {}
    for place, examined in enumerate(stream.examined):
        shown_in = {overlay.overlay_id: overlay.frame_id for overlay in examined.segment.overlays}
        for finding in examined.verdict.findings:
            for evidence in finding.evidence:
                found.setdefault((place, evidence.item_id), []).append(plain(evidence.quote))
                if frame_id := shown_in.get(evidence.item_id):
                    found.setdefault((place, frame_id), []).append("")
    return found


def _pictures(stream: WatchedStream, anchor: str, quotes: Mapping[tuple[int, str], list[str]]) -> dict[tuple[int, str], Picture]:
    wanted = [
        (place, frame.frame_id, examined.segment.offset_s + frame.at_s, examined.frames[frame.frame_id])
        for place, examined in enumerate(stream.examined)
        for frame in examined.segment.frames
        if frame.frame_id in examined.frames
    ]
    if len(wanted) > MAX_PICTURES:
        step = -(-len(wanted) // MAX_PICTURES)
        wanted = [entry for number, entry in enumerate(wanted) if entry[:2] in quotes or number % step == 0]
    pictures: dict[tuple[int, str], Picture] = {}
    for place, frame_id, at_s, data in wanted:
        url = _data_url(data)
        if url:
            pictures[(place, frame_id)] = Picture(
                anchor=f"{anchor}-frame-{len(pictures) + 1}", at_s=at_s, time=clock(at_s), data=url, evidence=(place, frame_id) in quotes
            )
    return pictures


def _data_url(data: bytes) -> str:
    """Encode a picture anew, small: what a stranger sent does not reach the page as it is."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            picture.draft("RGB", (PICTURE_WIDTH * 2, PICTURE_WIDTH * 2))
            small = picture.convert("RGB")
            small.thumbnail((PICTURE_WIDTH, PICTURE_WIDTH))
            encoded = io.BytesIO()
            small.save(encoded, "JPEG", quality=82)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")


def _card(
    moment: Moment, anchor: str, stream: WatchedStream, lines: _Lines, anchors: set[str], pictures: Mapping[tuple[int, str], Picture]
) -> Card:
    place = stream.examined.index(moment.examined)
    segment = moment.examined.segment
    shown_in = {overlay.overlay_id: overlay.frame_id or "" for overlay in segment.overlays}
    exhibits = []
    for evidence in sorted(moment.finding.evidence, key=lambda found: found.at_s):
        line = lines.found.get((place, evidence.item_id))
        quote = plain(evidence.quote)
        parts = around(quoted_parts(line.text, [quote])) if line else ((quote, True),) if quote else ()
        exhibits.append(
            Exhibit(
                time=clock(segment.offset_s + evidence.at_s),
                place=PLACES[evidence.modality],
                who=speaker_of(segment, evidence),
                parts=parts,
                anchor=line.anchor if line and line.anchor in anchors else "",
                picture=pictures.get((place, evidence.item_id)) or pictures.get((place, shown_in.get(evidence.item_id, ""))),
                weight=evidence.weight,
            )
        )
    retrieved = rule_of(moment.examined, moment.finding)
    rule = retrieved.rule if retrieved else None
    documents = tuple(f"{layer.jurisdiction}: {layer.effect.value}, {layer.document}:{layer.line}" for layer in rule.layers) if rule else ()
    return Card(anchor=anchor, moment=moment, violation=is_violation(moment), exhibits=tuple(exhibits), rule=rule, documents=documents)
