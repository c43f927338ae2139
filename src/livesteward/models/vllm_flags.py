"""Whether the installed vLLM knows the flags of a command line: read from what ``vllm serve --help=all`` prints.

That takes vLLM some twenty seconds, so what it said is kept in the cache folder by vLLM's version.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from livesteward.contracts import Contract
from livesteward.errors import ConfigurationError
from livesteward.models.vllm import INSTALL_VLLM

HELP_S: Final = 180.0
"""Seconds that vLLM may take to print its help."""

_FORMAT: Final = 1
_LEAST: Final = 50
"""Fewer flags than that are no help text of ``vllm serve``."""

_ENTRY = re.compile(r"^ {1,4}(?P<head>-\S.*?)(?: {2,}.*)?$")
_NAME = re.compile(r"(?:^|, )(?P<flag>--?[A-Za-z][\w-]*)")
_CHOICES = re.compile(r"\{(?P<choices>[^{}]+)\}|(?P<list>\['[^\]]*'\])")


class KnownFlags(Contract):
    """The flags of one vLLM: each name with the values that it takes, or none where any will do."""

    version: str
    flags: dict[str, tuple[str, ...]]

    def problems(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """Return what is wrong with arguments of ``vllm serve``, one sentence each.

        Args:
            arguments: What follows ``vllm serve MODEL``.
        """
        found = []
        for place, word in enumerate(arguments):
            if not word.startswith("--"):
                continue
            name, _, joined = word.partition("=")
            if name not in self.flags:
                near = difflib.get_close_matches(name, self.flags, n=1, cutoff=0.75)
                hint = f"; it has {near[0]}" if near else ""
                found.append(f"vLLM {self.version} does not know {name}{hint}")
                continue
            value = joined or (arguments[place + 1] if place + 1 < len(arguments) else "")
            choices = self.flags[name]
            if choices and value not in choices:
                found.append(f"vLLM {self.version} does not take {name} {value}; it takes {', '.join(choices[:12])}")
        return tuple(found)


def parse_help(text: str, *, version: str = "") -> KnownFlags:
    """Read the help text of ``vllm serve --help=all``.

    Raises:
        ConfigurationError: If hardly any flags are in it.
    """
    flags: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        entry = _ENTRY.match(line)
        if entry is None:
            continue
        values = _CHOICES.search(entry["head"])
        written = (values["choices"].split(",") if values["choices"] else re.findall(r"'([^']*)'", values["list"])) if values else []
        choices = tuple(choice.strip() for choice in written)
        head = _CHOICES.sub("", entry["head"])
        flags.update({name: choices for name in _NAME.findall(head)})
    if len(flags) < _LEAST:
        raise ConfigurationError(f"'vllm serve --help=all' names {len(flags)} flags, which is no help text of vLLM 0.12 or later")
    return KnownFlags(version=version, flags=flags)


def find_program(vllm: str) -> Path | None:
    """Return the ``vllm`` command, or ``None`` where there is none of that name."""
    found = shutil.which(Path(vllm).expanduser())
    return Path(found) if found else None


def known_flags(vllm: str, folder: Path) -> KnownFlags:
    """Return the flags of the installed vLLM, asked once for each version.

    Args:
        vllm: The command: a name on the path, or where it is.
        folder: Where the answer is kept, usually ``settings.cache_dir / "vllm"``.

    Raises:
        ConfigurationError: If there is no such command, or it does not print its help.
    """
    program = find_program(vllm)
    if program is None:
        raise ConfigurationError(f"there is no program {vllm!r}. {INSTALL_VLLM}")
    kept = folder / f"flags-{_installation(program)}.json"
    try:
        return KnownFlags.model_validate_json(kept.read_bytes())
    except (OSError, ValidationError):
        pass
    found = parse_help(_said(program, "serve", "--help=all"), version=_version(program))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(found.model_dump_json(), encoding="utf-8")
    return found


def _installation(program: Path) -> str:
    """Return a digest of where this vLLM is and which version; reinstalling it makes another one."""
    real = program.resolve()
    parts = [str(_FORMAT), str(program), str(real.stat().st_mtime_ns), *sorted(_metadata(program))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _metadata(program: Path) -> list[str]:
    return [found.name for found in program.absolute().parent.parent.glob("lib*/python*/site-packages/vllm-*.dist-info")]


def _version(program: Path) -> str:
    named = [re.match(r"vllm-(.+)\.dist-info", name) for name in _metadata(program)]
    found = next((match[1] for match in named if match), "")
    if found:
        return found
    # Not in an environment of the usual form: it is asked, which takes long.
    words = _said(program, "--version").split()
    return words[-1] if words else "of an unknown version"


def _said(program: Path, *arguments: str) -> str:
    line = " ".join(("vllm", *arguments))
    try:
        ended = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=HELP_S,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"{line!r} did not end within {HELP_S:g} s; --no-check leaves the flags unchecked") from error
    except OSError as error:
        raise ConfigurationError(f"{program} cannot be run ({error})") from error
    if ended.returncode:
        last = " | ".join(ended.stderr.strip().splitlines()[-3:])
        raise ConfigurationError(f"{line!r} ended with code {ended.returncode}: {last[:500]}; --no-check leaves the flags unchecked")
    return ended.stdout
