"""Segments written back in the short form that people write cases in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from livesteward.contracts import ChatMessage, Segment, Speaker, Utterance
from livesteward.evals.cases import ExpectedFinding, Staging

USUAL_DURATION_S: Final = 20.0


@dataclass(frozen=True)
class Short:
    """A segment in the short form.

    Attributes:
        segment: As :func:`livesteward.evals.writing.read_entry` takes it.
        ids: The ids that its items get, by those that they had.
    """

    segment: dict[str, Any]
    ids: dict[str, str]

    def span(self, item: str, quote: str) -> dict[str, str]:
        """Return a span of evidence under its new id."""
        return {"item": self.ids.get(item, item), "quote": quote}


def short(segment: Segment, staging: Staging) -> Short | None:
    """Write a segment in the short form; None where it shows or plays files that nothing describes."""
    if (segment.media is not None) is not (staging.sound is not None) or any(
        one.frame_id not in staging.drawings for one in segment.frames
    ):
        return None
    found: dict[str, Any] = {"language": segment.language, "region": segment.region}
    found |= {name: value for name in ("title", "stream_category", "viewers") if (value := getattr(segment, name))}
    if segment.duration_s != USUAL_DURATION_S:
        found["duration_s"] = segment.duration_s
    host = segment.host.model_dump(exclude_defaults=True)
    lists: dict[str, list[Any]] = {
        "utterances": [_utterance(one) for one in segment.utterances],
        "chat": [_message(one) for one in segment.chat],
        "overlays": [one.text for one in segment.overlays],
        "gifts": [one.model_dump(exclude_defaults=True, exclude={"gift_id", "at_s"}) for one in segment.gifts],
        "frames": [{"draw": staging.drawings[one.frame_id].model_dump(mode="json")} for one in segment.frames],
    }
    found |= {"host": host} if host else {}
    found |= {name: items for name, items in lists.items() if items}
    if staging.sound is not None:
        found["sound"] = staging.sound.model_dump(mode="json")
    ids = {
        **_renumbered("u", (one.utterance_id for one in segment.utterances)),
        **_renumbered("c", (one.message_id for one in segment.chat)),
        **_renumbered("o", (one.overlay_id for one in segment.overlays)),
        **_renumbered("g", (one.gift_id for one in segment.gifts)),
        **_renumbered("f", (one.frame_id for one in segment.frames)),
    }
    return Short(segment={name: value for name, value in found.items() if value is not None}, ids=ids)


def finding(expected: ExpectedFinding, spans: list[dict[str, str]]) -> dict[str, Any]:
    """Write a finding with other spans."""
    written = expected.model_dump(mode="json", exclude={"evidence"}, exclude_defaults=True)
    return {**written, "evidence": spans}


def to_yaml(entry: Mapping[str, Any]) -> str:
    """Write one case as an item of a YAML list, with letters of all scripts as they are."""
    return yaml.safe_dump([dict(entry)], allow_unicode=True, sort_keys=False, width=140)


def _utterance(one: Utterance) -> Any:
    return one.text if one.speaker is Speaker.HOST else {"text": one.text, "speaker": one.speaker.value}


def _message(one: ChatMessage) -> Any:
    plain = not one.is_host and not one.display_name and " " not in one.viewer_id and ": " not in one.viewer_id
    if plain:
        return f"{one.viewer_id}: {one.text}"
    return one.model_dump(mode="json", include={"viewer_id", "text", "display_name", "is_host"}, exclude_defaults=True)


def _renumbered(letter: str, ids: Iterable[str]) -> dict[str, str]:
    return {name: f"{letter}{place}" for place, name in enumerate(ids, start=1)}
