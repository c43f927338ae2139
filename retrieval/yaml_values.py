"""Typed values out of a strictly read YAML block, each fault reported with its line in the file."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from enum import StrEnum
from typing import TypeVar

from livesteward.contracts import ActionKind
from livesteward.retrieval.front_matter import read_block

Kind = TypeVar("Kind", bound=StrEnum)
Report = Callable[[int, str, str, str], None]
"""Takes line, code, message and fix."""


class YamlValues:
    """The keys of one block that starts at line ``first`` of a file; reading a bad value reports it and gives nothing."""

    def __init__(self, lines: list[str], *, first: int, report: Report) -> None:
        """Read ``lines`` and report what is wrong with the YAML itself."""
        block = read_block("\n".join(lines))
        self._values = block.values
        self._lines = block.lines
        self._first = first
        self._report = report
        self._readable = not any(fault.code == "yaml-syntax" for fault in block.faults)
        for fault in block.faults:
            report(first + fault.line - 1, fault.code, fault.message, fault.fix)

    def __contains__(self, key: str) -> bool:
        """Whether ``key`` stands there, readable or not."""
        return key in self._lines

    def line(self, key: str) -> int:
        """The line of ``key`` in the file, or of the block where the key is absent."""
        return self._first + self._lines.get(key, 1) - 1

    def check_keys(self, *, known: Collection[str], required: Collection[str]) -> None:
        """Report keys that do not exist and keys that must."""
        for key in self._lines:
            if key not in known:
                self._report(self.line(key), "unknown-key", f"there is no key `{key}`", f"use one of: {', '.join(known)}")
        for key in required:
            if self._readable:
                self.require(key)

    def require(self, key: str) -> None:
        """Report ``key`` if it is not there."""
        if key not in self._lines:
            self._report(self._first, "missing-key", f"`{key}` is missing", f"add a line with {key}")

    def string(self, key: str) -> str:
        """The text of ``key``, or an empty one."""
        value = self._values.get(key, "")
        if not isinstance(value, str):
            self._report(self.line(key), "yaml-type", f"`{key}` is a list", "give it one text")
            return ""
        if key in self._values and not value.strip():
            self._report(self.line(key), "empty-value", f"`{key}` is empty", "write a text, or delete the key")
        return value.strip()

    def strings(self, key: str) -> tuple[str, ...] | None:
        """The list of ``key``, or ``None``."""
        value = self._values.get(key)
        if isinstance(value, str):
            self._report(self.line(key), "yaml-type", f"`{key}` is a single text", f'write a list: {key}: ["{value}"]')
            return None
        if value is not None and (not value or not all(item.strip() for item in value)):
            self._report(self.line(key), "empty-value", f"`{key}` is empty or has an empty item", "fill it in, or delete the key")
            return None
        return value

    def one_of(self, key: str, kind: type[Kind]) -> Kind | None:
        """The value of ``key`` as a member of ``kind``."""
        value = self.string(key)
        if not value:
            return None
        try:
            return kind(value)
        except ValueError:
            self._report(self.line(key), f"unknown-{key}", f"{value!r} is no {key}", f"use one of: {', '.join(kind)}")
            return None

    def actions(self, key: str, allowed: Collection[ActionKind]) -> tuple[ActionKind, ...] | None:
        """The ladder of ``key``, of actions that are ``allowed`` for that subject; at most six steps."""
        values = self.strings(key)
        if values is None:
            return None
        wrong = [value for value in values if value not in set(allowed)]
        names = ", ".join(action for action in ActionKind if action in allowed)
        if wrong:
            self._report(self.line(key), "unknown-action", f"{', '.join(wrong)} is no action for a {key}", f"use: {names}")
            return None
        if len(values) > 6:
            self._report(self.line(key), "long-ladder", f"`{key}` has {len(values)} steps", "keep at most six; the last one repeats")
            return None
        return tuple(ActionKind(value) for value in values)

    def day(self, key: str) -> date | None:
        """The date of ``key``, written ``2026-01-31``."""
        value = self.string(key)
        if not value:
            return None
        try:
            if len(value) == 10:
                return date.fromisoformat(value)
        except ValueError:
            pass
        self._report(self.line(key), "bad-date", f"{value!r} is not a date of the calendar", 'write it as "2026-01-31"')
        return None
