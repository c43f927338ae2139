"""The rule documents of a git revision, read through the git program into a folder of their own.

Nothing is checked out and the repository is not written to. Names that people type are handed to git as arguments of their own, never to
a shell, and only after it is sure that git cannot take them for options.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livesteward.errors import ConfigurationError, InputError

WORKING_TREE: Final = "working tree"
"""The rules as they are on disk."""

_TIMEOUT_S: Final = 60
_NAME: Final = re.compile(r"(?![-^])[^\s\x00-\x20\x7f:*?\[\\]{1,250}")
_FILE: Final = "100"
_LINK: Final = "120000"
_NOT_INHERITED: Final = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
)
"""Where a hook of one repository runs this, they would lead git into that one."""


@dataclass(frozen=True)
class Revisions:
    """What is compared.

    Attributes:
        before: A revision.
        after: A revision; None for the files on disk.
        since_fork: Whether ``before`` stands for the commit at which ``after`` left it, as in ``main...HEAD``.
    """

    before: str
    after: str | None
    since_fork: bool = False


def parse_revisions(text: str) -> Revisions:
    """Read ``BASE..HEAD``, ``BASE...HEAD`` or ``BASE`` (against the files on disk); ``BASE..`` stands for ``BASE..HEAD``.

    Raises:
        InputError: If a name is missing, or is none that git could know.
    """
    before, dots, after = text.partition("...")
    if not dots:
        before, dots, after = text.partition("..")
    names = [before, after or "HEAD"] if dots else [before]
    for name in names:
        if not _NAME.fullmatch(name) or ".." in name:
            raise InputError(f"{name!r} is no name of a revision; write main..HEAD, v1.2..v1.3, or main alone", field="BASE..HEAD")
    return Revisions(before=before, after=names[1] if dots else None, since_fork=dots == "...")


class RuleHistory:
    """The git repository that a folder of rules is in.

    Args:
        policies: The folder of rule documents.

    Raises:
        ConfigurationError: If git is not installed.
        InputError: If the folder is in no repository.
    """

    def __init__(self, policies: Path) -> None:
        program = shutil.which("git")
        if program is None:
            raise ConfigurationError("git was not found; install it, or name two folders of rules with --before and --after")
        self._program = program
        self._policies = policies
        self._prefix = self._line("rev-parse", "--show-prefix", wrong="is in no git repository; name two folders with --before and --after")

    def commit(self, name: str) -> str:
        """Return the full id of the commit that ``name`` stands for.

        Raises:
            InputError: If there is none.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} is no name of a revision", field="BASE..HEAD")
        done = self._run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if done.returncode:
            raise InputError(
                f"git knows no revision {name!r}; it may have to be fetched first (`git fetch`; in GitHub Actions, "
                "actions/checkout with fetch-depth: 0)",
                field="BASE..HEAD",
            )
        return done.stdout.decode().strip()

    def fork(self, one: str, other: str) -> str:
        """Return the id of the last commit that two have in common.

        Raises:
            InputError: If they have none.
        """
        done = self._run("merge-base", self.commit(one), self.commit(other))
        if done.returncode:
            raise InputError(f"{one} and {other} have no commit in common; write {one}..{other}", field="BASE..HEAD")
        return done.stdout.decode().split()[0]

    def write(self, commit: str, folder: Path, *, name: str) -> None:
        """Write the rule documents of a commit below ``folder``.

        Args:
            commit: From :meth:`commit`.
            folder: New or empty.
            name: What people call the commit, for messages.

        Raises:
            InputError: If it has no rule documents there, or one of them is a link.
        """
        found = dict(self._documents(commit, name))
        if not found:
            raise InputError(f"there are no rule documents in {self._prefix or './'} at {name}", field="BASE..HEAD")
        listed = "".join(f"{blob}\n" for blob in found.values()).encode()
        data = self._checked("cat-file", "--batch", given=listed)
        for path in found:
            head, _, data = data.partition(b"\n")
            size = int(head.split()[-1]) if head.split()[1:2] == [b"blob"] else -1
            if size < 0 or len(data) < size:
                raise InputError(f"git could not read {path} at {name}", field="BASE..HEAD")
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data[:size])
            data = data[size + 1 :]

    def _documents(self, commit: str, name: str) -> Iterator[tuple[str, str]]:
        """Yield path (relative to the folder of rules) and blob id of each ``<jurisdiction>/<topic>.md``."""
        within = ["--", self._prefix] if self._prefix else []
        listed = self._checked("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, *within)
        for entry in listed.split(b"\0"):
            if not entry:
                continue
            facts, _, raw = entry.partition(b"\t")
            mode, _, blob = facts.decode().split()
            path = raw.decode("utf-8", "surrogateescape").removeprefix(self._prefix)
            parts = path.split("/")
            # What the search for documents on disk would not find is left out here too; a tree can hold names that lead elsewhere.
            if len(parts) != 2 or not parts[1].endswith(".md") or parts[1].startswith(".") or parts[0] in ("", ".", ".."):
                continue
            if mode == _LINK:
                raise InputError(f"{path} is a link at {name}; rule documents are files", field="BASE..HEAD")
            if mode.startswith(_FILE):
                yield path, blob

    def _line(self, *arguments: str, wrong: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            raise InputError(f"{wrong} (git says: {_first_line(done.stderr)})", field=str(self._policies))
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def _checked(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._run(*arguments, given=given)
        if done.returncode:
            raise InputError(f"git could not read the rules: {_first_line(done.stderr)}", field="BASE..HEAD")
        return done.stdout

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        command = [self._program, "--no-pager", "-C", str(self._policies), *arguments]
        try:
            return subprocess.run(command, input=given, capture_output=True, env=environment, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"git gave no answer in {_TIMEOUT_S} s", field=str(self._policies)) from error
        except OSError as error:
            raise ConfigurationError(f"git could not be run ({error.strerror})") from error


def _first_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else "nothing"
