"""The prompts of a folder by name and version, and the lock that holds released versions still."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from livesteward.contracts import Contract, PromptRef
from livesteward.contracts.base import Sha256
from livesteward.errors import InputError, PromptError
from livesteward.models.protocol import Message
from livesteward.prompts.template import PromptTemplate

LOCK_FILE: Final = "lock.json"
_FILE_NAME = re.compile(r"v([1-9]\d{0,3})\.md")
_LOCK: TypeAdapter[dict[str, dict[str, str]]] = TypeAdapter(dict[str, dict[Annotated[str, Field(pattern=r"^[1-9]\d{0,3}$")], Sha256]])
_FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


class PromptStatus(StrEnum):
    """A draft may change; a released version never does."""

    DRAFT = "draft"
    RELEASED = "released"


class PromptHeader(Contract):
    """The front matter of a prompt file.

    Attributes:
        purpose: What it is for, in a sentence.
        output_schema: The name of the answer's type.
        model_family: For which models it is written; ``any`` if for none in particular.
        variables: What it is rendered with; all of them, and no others, are used in the text.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    version: Annotated[int, Field(ge=1, strict=True)]
    status: PromptStatus
    purpose: Annotated[str, Field(min_length=1, max_length=500)]
    output_schema: Annotated[str, Field(min_length=1, max_length=100)]
    model_family: Annotated[str, Field(min_length=1, max_length=100)] = "any"
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """One version of one prompt."""

    header: PromptHeader
    ref: PromptRef
    path: Path
    source: str
    template: PromptTemplate

    def render(self, variables: Mapping[str, Any]) -> tuple[Message, ...]:
        """Return the messages; see :meth:`livesteward.prompts.template.PromptTemplate.render`.

        Raises:
            PromptError: If a variable is missing or one that the prompt does not declare is given.
        """
        unknown = sorted(set(variables) - set(self.header.variables))
        if unknown:
            raise PromptError(
                f"{self.path}: the prompt does not declare {', '.join(unknown)}; it declares: {', '.join(self.header.variables)}"
            )
        return self.template.render(variables)

    def render_beginning(self, variables: Mapping[str, Any]) -> tuple[Message, ...]:
        """Return what every rendering with these variables begins with.

        See :meth:`livesteward.prompts.template.PromptTemplate.render_beginning`.

        Raises:
            PromptError: If the template cannot be rendered.
        """
        return self.template.render_beginning(variables)


def load_prompt(path: Path) -> Prompt:
    """Read one prompt file, without looking at the lock.

    Raises:
        PromptError: If it is wrong; names file and field or line.
    """
    try:
        raw = path.read_bytes()
        source = raw.decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    front = _FRONT.match(source)
    if front is None:
        raise PromptError(f"{path}:1: the file must start with front matter between two lines of '---'")
    try:
        header = PromptHeader.model_validate(yaml.safe_load(front.group(1)))
    except yaml.YAMLError as error:
        raise PromptError(f"{path}: the front matter is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise PromptError(str(InputError.from_validation(error, source=str(path)))) from error
    template = PromptTemplate(source[front.end() :], source=str(path), line=front.group().count("\n") + 1)
    _check_names(path, header, template)
    ref = PromptRef(name=header.name, version=header.version, sha256=hashlib.sha256(raw).hexdigest())
    return Prompt(header, ref, path, source, template)


def _check_names(path: Path, header: PromptHeader, template: PromptTemplate) -> None:
    if (path.parent.name, path.name) != (header.name, f"v{header.version}.md"):
        raise PromptError(
            f"{path}: says name {header.name!r} and version {header.version}; its place would be {header.name}/v{header.version}.md"
        )
    if extra := sorted(template.variables - set(header.variables)):
        raise PromptError(f"{path}: uses {', '.join(extra)} without declaring it under 'variables'")
    if unused := sorted(set(header.variables) - template.variables):
        raise PromptError(f"{path}: declares {', '.join(unused)} under 'variables' and does not use it")


class PromptRegistry:
    """The prompts of one folder: ``<folder>/<name>/v<version>.md`` and ``lock.json``.

    Args:
        folder: Usually ``settings.prompts_dir``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """Return the names of all prompts."""
        if not self.folder.is_dir():
            raise PromptError(f"there is no prompts folder {self.folder}")
        return tuple(sorted(folder.name for folder in self.folder.iterdir() if folder.is_dir() and _versions(folder)))

    def versions(self, name: str) -> tuple[int, ...]:
        """Return the versions of ``name``, oldest first.

        Raises:
            PromptError: If there is no such prompt; says which there are.
        """
        names = self.names()
        if name not in names:
            raise PromptError(f"there is no prompt {name!r} in {self.folder}; there are: {', '.join(names) or 'none'}")
        return _versions(self.folder / name)

    def get(self, name: str, version: int | None = None) -> Prompt:
        """Return one version, a released one checked against the lock.

        Args:
            name: Such as ``judge``.
            version: Without it, the newest released one. A draft is returned only when it is named.

        Raises:
            PromptError: If there is no such version, or a released one was changed.
        """
        versions = self.versions(name)
        if version is not None:
            if version not in versions:
                raise PromptError(f"prompt {name!r} has no version {version}; it has: {', '.join(map(str, versions))}")
            return self._checked(load_prompt(self._path(name, version)))
        for newest in reversed(versions):
            prompt = load_prompt(self._path(name, newest))
            if prompt.header.status is PromptStatus.RELEASED or self._locked(prompt) is not None:
                return self._checked(prompt)
        raise PromptError(f"prompt {name!r} has no released version, only drafts: {', '.join(map(str, versions))}; name one to use it")

    def named(self, reference: str) -> Prompt:
        """Return what ``judge`` (the newest released version) or ``judge@v2`` stands for.

        Raises:
            PromptError: If there is none, or the reference is not of this form.
        """
        name, at, version = reference.partition("@v")
        if at and not version.isdecimal():
            raise PromptError(f"{reference!r} names no prompt; write a name, or a name with its version, such as judge@v1")
        return self.get(name, int(version) if at else None)

    def release(self, name: str) -> Prompt:
        """Add the newest version of ``name`` to the lock and return it.

        Raises:
            PromptError: If it is a draft still, or was released before and changed since.
        """
        prompt = load_prompt(self._path(name, self.versions(name)[-1]))
        if prompt.header.status is not PromptStatus.RELEASED:
            raise PromptError(f"{prompt.path}: is a draft; write 'status: \"released\"' first, then release it")
        if self._locked(prompt) is not None:
            return self._checked(prompt)
        lock = self._lock()
        lock.setdefault(name, {})[str(prompt.ref.version)] = prompt.ref.sha256
        ordered = {key: dict(sorted(lock[key].items(), key=lambda pair: int(pair[0]))) for key in sorted(lock)}
        self._lock_path.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
        return prompt

    def problems(self) -> tuple[str, ...]:
        """Return everything that is wrong in the folder, a sentence each; empty if nothing is."""
        found: list[str] = []
        try:
            lock = self._lock()
        except PromptError as error:
            return (str(error),)
        for name in self.names():
            for version in self.versions(name):
                try:
                    self.get(name, version)
                except PromptError as error:
                    found.append(str(error))
        found.extend(
            f"{self._path(name, int(version))}: was released and is gone; restore it"
            for name, versions in lock.items()
            for version in versions
            if not self._path(name, int(version)).is_file()
        )
        return tuple(found)

    @property
    def _lock_path(self) -> Path:
        return self.folder / LOCK_FILE

    def _path(self, name: str, version: int) -> Path:
        return self.folder / name / f"v{version}.md"

    def _lock(self) -> dict[str, dict[str, str]]:
        if not self._lock_path.is_file():
            return {}
        try:
            return _LOCK.validate_json(self._lock_path.read_bytes())
        except ValidationError as error:
            raise PromptError(str(InputError.from_validation(error, source=str(self._lock_path)))) from error

    def _locked(self, prompt: Prompt) -> str | None:
        return self._lock().get(prompt.ref.name, {}).get(str(prompt.ref.version))

    def _checked(self, prompt: Prompt) -> Prompt:
        locked = self._locked(prompt)
        if locked is None:
            if prompt.header.status is PromptStatus.RELEASED:
                raise PromptError(
                    f"{prompt.path}: says that it is released and is not in {LOCK_FILE}; "
                    f"run 'livesteward prompts lint --release {prompt.ref.name}', or make it a draft"
                )
        elif locked != prompt.ref.sha256:
            raise PromptError(
                f"{prompt.path}: differs from what was released as version {prompt.ref.version}; restore the file, "
                f"and put the change into v{self.versions(prompt.ref.name)[-1] + 1}.md as a draft"
            )
        return prompt


def _versions(folder: Path) -> tuple[int, ...]:
    matches = (_FILE_NAME.fullmatch(path.name) for path in folder.iterdir() if path.is_file())
    return tuple(sorted(int(match.group(1)) for match in matches if match))
