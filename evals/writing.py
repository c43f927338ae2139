"""The short form in which people write golden cases, spelled out into contracts.

In YAML, a plain string stands for something that the host says, ``viewer: message`` for a chat message, and a string for an overlay; ids
(``u1``, ``c1``, ``o1``, ``g1``, ``f1``) and times are filled in by order where they are not given. ``draw`` on a frame and ``sound`` on a
segment say what :mod:`livesteward.evals.staging` draws and speaks; the paths of the files follow from the case id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from livesteward.evals.cases import Case, StreamCase

STARTS_AT: Final = "2026-10-01T12:00:00Z"
"""When cases are broadcast unless they say so: all rules that ship are in force."""

_DURATION_S: Final = 20.0
_IDS: Final = {
    "utterances": ("utterance_id", "u"),
    "chat": ("message_id", "c"),
    "overlays": ("overlay_id", "o"),
    "gifts": ("gift_id", "g"),
    "frames": ("frame_id", "f"),
}
_OF_THE_STREAM: Final = ("region", "language", "title", "stream_category", "viewers", "host")


def read_entry(raw: Mapping[str, Any]) -> Case | StreamCase:
    """Make a case or a stream of what was written.

    Raises:
        ValueError: If it is neither, or something in it is wrong (pydantic's ``ValidationError`` is one).
    """
    if "segments" in raw or "steps" in raw:
        return _read_stream(dict(raw))
    return _read_case(dict(raw))


def _read_case(raw: dict[str, Any]) -> Case:
    case_id = raw.get("case_id")
    if "staging" not in raw and isinstance(raw.get("segment"), dict) and isinstance(case_id, str):
        first = next(iter(_first_regions(raw.get("expect"))), None)
        raw["segment"], raw["staging"] = _spell_out(
            raw["segment"], stem=case_id, given={"stream_id": case_id, "segment_id": "0001", "region": first}
        )
    return Case.model_validate(raw)


def _read_stream(raw: dict[str, Any]) -> StreamCase:
    if "steps" in raw:
        return StreamCase.model_validate(raw)
    stream_id = raw.pop("stream_id", None)
    segments = raw.pop("segments")
    regions = raw.get("regions")
    if not isinstance(stream_id, str) or not isinstance(segments, list) or not isinstance(regions, list) or not regions:
        raise ValueError("a stream needs stream_id, a list of regions and a list of segments")
    length = float(raw.pop("segment_s", _DURATION_S))
    shared: dict[str, Any] = {"region": regions[0], **{key: raw.pop(key) for key in _OF_THE_STREAM if key in raw}}
    steps = []
    for index, written in enumerate(segments):
        segment = dict(written)
        expected = segment.pop("expect", {"decision": "allow"})
        # What changes on the way, such as the number of viewers, stays changed.
        shared |= {key: segment[key] for key in _OF_THE_STREAM if key in segment}
        given = {**shared, "stream_id": stream_id, "segment_id": f"{index + 1:04d}", "offset_s": index * length, "duration_s": length}
        spelled, staging = _spell_out(segment, stem=f"{stream_id}-{index + 1:02d}", given=given)
        expectations = expected if isinstance(expected, list) else [{"regions": regions, **expected}]
        steps.append({"segment": spelled, "expect": expectations, "staging": staging})
    return StreamCase.model_validate({**raw, "case_id": stream_id, "steps": steps})


def _first_regions(expect: Any) -> list[str]:
    if isinstance(expect, list) and expect and isinstance(expect[0], dict):
        regions = expect[0].get("regions", [])
        return [region for region in regions if isinstance(region, str)]
    return []


def _spell_out(written: Mapping[str, Any], *, stem: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the segment in full, and how its media are made."""
    segment: dict[str, Any] = {"starts_at": STARTS_AT, "duration_s": _DURATION_S, **given, **written}
    segment = {key: value for key, value in segment.items() if value is not None}
    drawings: dict[str, Any] = {}
    for kind, (id_name, letter) in _IDS.items():
        if kind in segment:
            segment[kind] = _items(segment[kind], kind=kind, id_name=id_name, letter=letter, duration_s=float(segment["duration_s"]))
    for frame in segment.get("frames", []):
        if isinstance(frame, dict) and "draw" in frame:
            drawings[frame["frame_id"]] = frame.pop("draw")
            frame["path"] = f"{stem}-{frame['frame_id']}.webp"
    staging: dict[str, Any] = {"drawings": drawings}
    if "sound" in segment:
        staging["sound"] = segment.pop("sound")
        segment["media"] = {"path": f"{stem}.mp4"}
    return segment, staging


def _items(items: Any, *, kind: str, id_name: str, letter: str, duration_s: float) -> list[Any]:
    if not isinstance(items, list):
        raise ValueError(f"{kind}: this is a list")
    spelled = []
    for index, item in enumerate(items):
        full = _from_string(item, kind) if isinstance(item, str) else dict(item) if isinstance(item, dict) else item
        if isinstance(full, dict):
            full.setdefault(id_name, f"{letter}{index + 1}")
            full.setdefault("at_s", round(duration_s * (index + 0.5) / len(items), 1))
        spelled.append(full)
    return spelled


def _from_string(text: str, kind: str) -> dict[str, Any]:
    if kind == "chat":
        viewer, colon, message = text.partition(": ")
        if not colon or not viewer or " " in viewer:
            raise ValueError(f"chat: write 'viewer: message', not {text[:60]!r}")
        return {"viewer_id": viewer, "text": message}
    if kind in ("utterances", "overlays"):
        return {"text": text}
    raise ValueError(f"{kind}: give the fields, not the string {text[:60]!r}")
