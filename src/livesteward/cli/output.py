"""How commands print: for people through rich on a terminal, for programs as JSON on standard output."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import typer
from pydantic import BaseModel
from rich.console import Console

console = Console(highlight=False)
"""Standard output, for results."""

errors = Console(stderr=True, highlight=False)
"""Standard error, for progress and errors."""

EXIT_DONE = 0
EXIT_FOUND = 1
EXIT_BAD_INPUT = 2


def print_json(value: BaseModel | dict[str, Any] | list[Any]) -> None:
    """Print ``value`` as JSON with stable key order of the model, and nothing else, to standard output."""
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def fail(message: str, *, code: int = EXIT_BAD_INPUT) -> NoReturn:
    """Print one sentence to standard error and leave with ``code``."""
    errors.print(f"[bold red]error[/] {_plain(message)}", soft_wrap=True)
    raise typer.Exit(code)


def _plain(message: str) -> str:
    from rich.markup import escape

    return escape("".join(c if c.isprintable() or c == "\n" else "�" for c in message))
