"""The names by which items and viewers of a segment appear in a prompt.

Ids come from the platform and may be chosen by strangers, long, or written to be read as an instruction. A plain short id stays as it
is; any other gets an alias, and the answer's names are turned back into ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from types import MappingProxyType
from typing import Final, Self

from livesteward.contracts import Segment

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,23}")
TITLE: Final = "title"


class SegmentNames:
    """Names for the ids of one segment, the same for the same segment."""

    def __init__(self, *, items: Iterable[str], viewers: Iterable[str]) -> None:
        self._items = MappingProxyType(_named(items, "item"))
        self._viewers = MappingProxyType(_named(viewers, "viewer"))
        self._item_ids = MappingProxyType({name: item_id for item_id, name in self._items.items()})
        self._viewer_ids = MappingProxyType({name: viewer_id for viewer_id, name in self._viewers.items()})

    @classmethod
    def of(cls, segment: Segment) -> Self:
        """Name everything in ``segment`` that evidence or a subject can point at."""
        items = (*(item.item_id for item in segment.items()), *(frame.frame_id for frame in segment.frames))
        viewers = (*(m.viewer_id for m in segment.chat if not m.is_host), *(gift.viewer_id for gift in segment.gifts))
        return cls(items=items, viewers=viewers)

    def item(self, item_id: str) -> str:
        """Return the name of an item or frame of the segment."""
        return self._items[item_id]

    def viewer(self, viewer_id: str) -> str:
        """Return the name of a viewer of the segment."""
        return self._viewers[viewer_id]

    def known_viewer(self, viewer_id: str) -> str | None:
        """Return the name of a viewer, or ``None`` if the segment has no such viewer."""
        return self._viewers.get(viewer_id)

    def item_id(self, name: str) -> str | None:
        """Return the id behind a name, or ``None`` if the segment has no such item."""
        return self._item_ids.get(name)

    def viewer_id(self, name: str) -> str | None:
        """Return the id behind a name, or ``None`` if the segment has no such viewer."""
        return self._viewer_ids.get(name)

    @property
    def items(self) -> tuple[str, ...]:
        """The names of all items and frames."""
        return tuple(self._item_ids)

    @property
    def viewers(self) -> tuple[str, ...]:
        """The names of all viewers."""
        return tuple(self._viewer_ids)


def _named(ids: Iterable[str], word: str) -> dict[str, str]:
    unique = tuple(dict.fromkeys(ids))
    plain = {value for value in unique if _PLAIN.fullmatch(value)}
    aliases = _aliases(word, plain)
    return {value: value if value in plain else next(aliases) for value in unique}


def _aliases(word: str, taken: set[str]) -> Iterator[str]:
    return (name for name in (f"{word}-{number}" for number in count(1)) if name not in taken)
