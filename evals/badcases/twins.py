"""Taking a minimal pair apart: the decisive words of one case in the other one."""

from __future__ import annotations

from typing import Final

from livesteward.contracts import Segment
from livesteward.evals.cases import Case

_KINDS: Final = {"utterances": "utterance_id", "chat": "message_id", "overlays": "overlay_id"}


def half_swapped(case: Case, twin: Case) -> Segment | None:
    """Return the segment of ``case`` with the decisive words of ``twin``, where the two differ in other words as well.

    Decisive are the items that gold evidence of either case points at. None where the pair differs in nothing else, or is not built alike.
    """
    decisive = {span.item for one in (*case.expect, *twin.expect) for finding in one.findings for span in finding.evidence}
    changed: dict[str, object] = {}
    others = 0
    for kind, id_name in _KINDS.items():
        own, theirs = getattr(case.segment, kind), getattr(twin.segment, kind)
        if len(own) != len(theirs):
            return None
        items = []
        for mine, other in zip(own, theirs, strict=True):
            swaps = mine.text != other.text and {getattr(mine, id_name), getattr(other, id_name)} & decisive
            others += mine.text != other.text and not swaps
            items.append(mine.model_copy(update={"text": other.text}) if swaps else mine)
        if tuple(items) != own:
            changed[kind] = tuple(items)
    return case.segment.model_copy(update=changed) if changed and others else None
