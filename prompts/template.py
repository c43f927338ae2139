"""A prompt's template: sections by role, rendered in a sandbox, with parts of their own for what the token budget may leave out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, Literal

import jinja2
import jinja2.meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from livesteward.errors import PromptError
from livesteward.models.protocol import ImagePart, Message, TextPart

Role = Literal["system", "user", "assistant"]
_HEADING = re.compile(r"^# +(.*?) *$", re.MULTILINE)
_KIND = re.compile(r"[a-z][a-z-]{0,30}")
_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant"}


class Parts(tuple[TextPart | ImagePart, ...]):
    """A template variable that becomes message parts of its own where ``{{ it }}`` stands, in place of text.

    That is how fenced items and pictures get into a prompt: the template says where they stand, and cannot change what is in them.
    """

    marker: str

    def __new__(cls, parts: Iterable[TextPart | ImagePart] = ()) -> Parts:
        """Give the parts a marker that no text can contain by design or accident."""
        made = super().__new__(cls, parts)
        made.marker = f"[[part {secrets.token_hex(16)}]]"
        return made


@dataclass(frozen=True)
class _Section:
    role: Role
    kind: str
    template: jinja2.Template
    variables: frozenset[str]


class PromptTemplate:
    """The body of a prompt file: ``# system`` and ``# user`` sections in Jinja.

    ``# user: stream`` says what the section's text is for; its parts are counted under that word.

    Args:
        body: The text after the front matter.
        source: The file, for messages.
        line: The line of the file on which ``body`` starts.

    Raises:
        PromptError: If a section is unknown, missing or no valid template; names file and line.
    """

    def __init__(self, body: str, *, source: str, line: int = 1) -> None:
        self._source = source
        self._environment = ImmutableSandboxedEnvironment(
            undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False, finalize=_shown
        )
        self._sections: list[_Section] = []
        self.variables: frozenset[str] = frozenset()
        for role, kind, text, start in self._split(body, line):
            try:
                used = frozenset(jinja2.meta.find_undeclared_variables(self._environment.parse(text)))
                self.variables |= used
                self._sections.append(_Section(role, kind, self._environment.from_string(text), used))
            except jinja2.TemplateSyntaxError as error:
                raise PromptError(f"{source}:{start + error.lineno - 1}: {error.message}") from error

    def _split(self, body: str, line: int) -> list[tuple[Role, str, str, int]]:
        headings = list(_HEADING.finditer(body))
        if not headings or body[: headings[0].start()].strip():
            raise PromptError(f"{self._source}:{line}: the prompt must start with a section, '# system' or '# user'")
        found: list[tuple[Role, str, str, int]] = []
        for index, heading in enumerate(headings):
            at = line + body.count("\n", 0, heading.start())
            name, colon, kind = (word.strip() for word in heading.group(1).partition(":"))
            role = _ROLES.get(name)
            if role is None or (colon and not _KIND.fullmatch(kind)):
                raise PromptError(
                    f"{self._source}:{at}: unknown section {heading.group()!r}; there are '# system', '# user' and '# assistant', "
                    "and '# user: stream' with a word for what it holds"
                )
            end = headings[index + 1].start() if index + 1 < len(headings) else len(body)
            found.append((role, kind or "text", body[heading.end() + 1 : end], at + 1))
        return found

    def render(self, variables: Mapping[str, Any]) -> tuple[Message, ...]:
        """Return the messages; neighbouring sections of one role become one message.

        Args:
            variables: Trusted values, and :class:`Parts` for everything else.

        Raises:
            PromptError: If a variable is missing, a value cannot be shown, or the template does what the sandbox forbids.
        """
        return self._messages(self._sections, variables)

    def render_beginning(self, variables: Mapping[str, Any]) -> tuple[Message, ...]:
        """Return the messages of the first sections, as far as they use nothing but ``variables``.

        They are the same, byte for byte, as those at the beginning of everything that is rendered with the same values.

        Raises:
            PromptError: If a value cannot be shown, or the template does what the sandbox forbids.
        """
        return self._messages(list(takewhile(lambda section: section.variables <= variables.keys(), self._sections)), variables)

    def _messages(self, sections: Sequence[_Section], variables: Mapping[str, Any]) -> tuple[Message, ...]:
        inserted = {value.marker: value for value in variables.values() if isinstance(value, Parts)}
        messages: list[Message] = []
        for section in sections:
            parts = tuple(_assembled(self._rendered(section, variables), inserted, section.kind))
            if messages and messages[-1].role == section.role:
                messages[-1] = Message(role=section.role, parts=(*messages[-1].parts, *parts))
            elif parts:
                messages.append(Message(role=section.role, parts=parts))
        return tuple(messages)

    def _rendered(self, section: _Section, variables: Mapping[str, Any]) -> str:
        try:
            return section.template.render(variables)
        except jinja2.UndefinedError as error:
            raise PromptError(f"{self._source}: section '# {section.role}': {error.message}") from error
        except jinja2.TemplateError as error:
            raise PromptError(f"{self._source}: section '# {section.role}': the sandbox refuses this: {error}") from error
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise PromptError(f"{self._source}: section '# {section.role}': {type(error).__name__}: {error}") from error


def _shown(value: object) -> str:
    if isinstance(value, Parts):
        return value.marker
    if isinstance(value, str | int | float | jinja2.Undefined):
        return str(value)
    raise TypeError(f"a {type(value).__name__} cannot be shown; show its fields")


def _assembled(text: str, inserted: Mapping[str, Parts], kind: str) -> Iterable[TextPart | ImagePart]:
    pieces = re.split("(" + "|".join(re.escape(marker) for marker in inserted) + ")", text) if inserted else [text]
    for piece in pieces:
        if piece in inserted:
            yield from inserted[piece]
        elif stripped := piece.strip():
            yield TextPart(text=stripped, kind=kind)
