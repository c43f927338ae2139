"""How sure a model was of what it chose, read from the log-probabilities of the tokens that it wrote.

A model that writes "0.95" as its confidence has written a number; what it weighed against it is in the probabilities of its tokens. At
every place of the answer where the schema leaves a choice of few values (an ``enum``, one more entry of a list or its end), the mass of
what was chosen is set against the mass of everything else that the schema would have allowed there. Some servers give the
probabilities before the grammar is applied (vLLM 0.32 gives them after), so what the schema forbids is left out of the sum.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_SPACE: Final = " \t\r\n"


@dataclass(frozen=True)
class WrittenToken:
    """A token of an answer.

    Attributes:
        text: As bytes, since a token may end inside a character.
        logprob: Its natural-log probability.
        others: The likeliest tokens at that place with their log-probabilities; the written one may be among them.
    """

    text: bytes
    logprob: float
    others: tuple[tuple[bytes, float], ...] = ()


def certainty(text: str, tokens: Sequence[WrittenToken], schema: dict[str, Any]) -> dict[str, float]:
    """Return the certainty of every choice in ``text``, by its place.

    Args:
        text: The answer, a JSON object that fits ``schema``; it may stand anywhere in what the tokens wrote.
        tokens: Everything that the model wrote, in order.
        schema: The answer's JSON Schema; ``properties``, ``items`` and ``enum`` are followed.

    Returns:
        Probabilities by place: ``decision`` for the value of a property with an ``enum``; ``findings[0]`` for beginning that entry;
        ``findings.end`` for ending the list where it ends. Empty where the tokens did not write the text.
    """
    written = b"".join(token.text for token in tokens)
    # Thoughts or a code block may stand around the object.
    answer = text[text.find("{") : text.rfind("}") + 1]
    base = written.rfind(answer.encode())
    if base < 0 or not answer:
        return {}
    choices = _Choices(answer)
    choices.read(schema)
    line = _Line(tokens, base)
    found: dict[str, float] = {}
    for choice in choices.found:
        probability = choice.probability(line)
        if probability is not None:
            found[choice.place] = min(1.0, max(0.0, probability))
    return found


def word_certainty(text: str, tokens: Sequence[WrittenToken], words: Sequence[str]) -> dict[str, float]:
    """Return how probable the first of ``words`` that stands in a plain text was against the others, under ``word``.

    Args:
        text: What the model wrote, thoughts left out.
        tokens: Everything that the model wrote, in order.
        words: Those of which one decides, such as ``safe`` and ``unsafe``.

    Returns:
        Nothing where none of the words stands in the text, or the tokens did not write it.
    """
    match = re.search(rf"\b({'|'.join(map(re.escape, words))})\b", text) if words else None
    base = b"".join(token.text for token in tokens).rfind(text.encode())
    if match is None or base < 0:
        return {}
    others = tuple(word.encode() for word in words if word != match[1])
    choice = _Value("word", len(text[: match.start()].encode()), match[1].encode(), others)
    probability = choice.probability(_Line(tokens, base))
    return {} if probability is None else {"word": min(1.0, max(0.0, probability))}


class _Line:
    """The tokens by where they stand in the answer, in bytes."""

    def __init__(self, tokens: Iterable[WrittenToken], base: int) -> None:
        self._spans: list[tuple[int, int, WrittenToken]] = []
        at = -base
        for token in tokens:
            self._spans.append((at, at + len(token.text), token))
            at += len(token.text)

    def over(self, start: int, end: int) -> list[tuple[int, WrittenToken]]:
        """Return the tokens that write bytes ``start`` to ``end``, each with where it begins."""
        return [(at, token) for at, stop, token in self._spans if at < end and stop > start]


@dataclass(frozen=True)
class _Value:
    """A value out of a few, as JSON."""

    place: str
    start: int
    chosen: bytes
    values: tuple[bytes, ...]

    def probability(self, line: _Line) -> float | None:
        total = 1.0
        tokens = line.over(self.start, self.start + len(self.chosen))
        for at, token in tokens:
            before = self.chosen[: max(0, at - self.start)]
            lead = max(0, self.start - at)
            mine = theirs = 0.0
            for text, mass in _masses(token):
                if text[:lead] != token.text[:lead]:
                    continue
                candidate = before + text[lead:]
                if _may_become(candidate, self.chosen):
                    mine += mass
                elif any(_may_become(candidate, value) for value in self.values):
                    theirs += mass
            if not mine:
                return None
            total *= mine / (mine + theirs)
        return total if tokens else None


def _may_become(candidate: bytes, value: bytes) -> bool:
    return value.startswith(candidate) or candidate.startswith(value)


@dataclass(frozen=True)
class _More:
    """One more entry of a list, or its end."""

    place: str
    start: int
    begins: bool

    def probability(self, line: _Line) -> float | None:
        tokens = line.over(self.start, self.start + 1)
        if not tokens:
            return None
        at, token = tokens[0]
        lead = token.text[: self.start - at]
        mine = theirs = 0.0
        for text, mass in _masses(token):
            if not text.startswith(lead):
                continue
            rest = text[len(lead) :].lstrip()
            # What does not say yet how it goes on is no support for what was chosen.
            if rest and (rest[:1] != b"]") == self.begins:
                mine += mass
            else:
                theirs += mass
        return mine / (mine + theirs) if mine else None


def _masses(token: WrittenToken) -> Iterable[tuple[bytes, float]]:
    masses = {text: math.exp(min(0.0, logprob)) for text, logprob in token.others}
    masses[token.text] = math.exp(min(0.0, token.logprob))
    return masses.items()


@dataclass
class _Choices:
    """Finds the choices of an answer beside its schema. The text is valid JSON; positions are in bytes."""

    text: str
    found: list[_Value | _More] = field(default_factory=list)

    def read(self, schema: dict[str, Any]) -> None:
        self._value(self._space(0), schema, "")

    def _byte(self, at: int) -> int:
        return len(self.text[:at].encode())

    def _space(self, at: int) -> int:
        while at < len(self.text) and self.text[at] in _SPACE:
            at += 1
        return at

    def _value(self, at: int, schema: dict[str, Any], place: str) -> int:
        if self.text[at] == "{":
            return self._object(at, schema, place)
        if self.text[at] == "[":
            return self._list(at, schema, place)
        value, end = json.JSONDecoder().raw_decode(self.text, at)
        values = schema.get("enum")
        if isinstance(values, list) and place:
            chosen = self.text[at:end].encode()
            others = tuple(json.dumps(one, ensure_ascii=False).encode() for one in values if one != value)
            self.found.append(_Value(place, self._byte(at), chosen, others))
        return end

    def _object(self, at: int, schema: dict[str, Any], place: str) -> int:
        properties = schema.get("properties", {})
        at = self._space(at + 1)
        while self.text[at] != "}":
            key, at = json.JSONDecoder().raw_decode(self.text, at)
            at = self._space(self._space(at) + 1)
            at = self._space(self._value(at, properties.get(key, {}), f"{place}.{key}" if place else key))
            if self.text[at] == ",":
                at = self._space(at + 1)
        return at + 1

    def _list(self, at: int, schema: dict[str, Any], place: str) -> int:
        items = schema.get("items", {})
        bounded = schema.get("maxItems") is not None
        at, number = self._space(at + 1), 0
        while self.text[at] != "]":
            if number >= schema.get("minItems", 0):
                self.found.append(_More(f"{place}[{number}]", self._byte(at), begins=True))
            if self.text[at] == ",":
                at = self._space(at + 1)
            at = self._space(self._value(at, items, f"{place}[{number}]"))
            number += 1
        if not (bounded and number >= schema["maxItems"]) and number >= schema.get("minItems", 0):
            self.found.append(_More(f"{place}.end", self._byte(at), begins=False))
        return at + 1
