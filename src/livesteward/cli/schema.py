"""``livesteward schema``: the JSON Schema of what crosses the borders, for programs in other languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livesteward.cli.output import console, print_json

if TYPE_CHECKING:
    from livesteward.contracts import Contract

SCHEMAS = Path(__file__).parents[1] / "contracts" / "schemas"
"""The committed copies, which also ship with the package."""


def command(
    name: Annotated[str | None, typer.Argument(help="Segment, Rule, Rulebook, Verdict or ReviewDecision; without it all of them.")] = None,
    *,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write one file each into this folder instead of printing.")] = None,
) -> None:
    """Print the JSON Schema of segments, rules and verdicts.

    Example: livesteward schema Verdict > verdict.schema.json
    """
    from livesteward.errors import InputError

    models = published()
    if name is not None and name.lower() not in {known.lower() for known in models}:
        raise InputError(f"{name!r} has no schema; there are {', '.join(models)}", field="NAME")
    chosen = [known for known in models if name is None or known.lower() == name.lower()]
    if out is None:
        print_json(schema_of(models[chosen[0]]) if name else {known: schema_of(models[known]) for known in chosen})
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for known in chosen:
            path = out / f"{known}.json"
            path.write_text(as_text(models[known]), encoding="utf-8")
            console.print(str(path), markup=False, soft_wrap=True)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}); give another folder", field=f"--out {out}") from error


def published() -> dict[str, type[Contract]]:
    """Return the contracts whose schema is public, by name."""
    from livesteward.contracts import ReviewDecision, Rule, Rulebook, Segment, Verdict

    return {model.__name__: model for model in (Segment, Rule, Rulebook, Verdict, ReviewDecision)}


def schema_of(model: type[Contract]) -> dict[str, Any]:
    """Return the schema of what livesteward writes, and reads, as JSON Schema 2020-12."""
    schema = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def as_text(model: type[Contract]) -> str:
    """Return the text of a committed copy: keys in the order of the model, so that a change is a small difference."""
    return json.dumps(schema_of(model), ensure_ascii=False, indent=2) + "\n"
