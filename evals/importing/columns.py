"""Reading any CSV or JSONL file of labelled texts, by a map of its columns."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from livesteward.contracts import Category
from livesteward.errors import InputError
from livesteward.evals.importing.imported import Imported, short_digest

_KEYS: Final = ("text", "label", "id", "language", "category")


@dataclass(frozen=True)
class ColumnMap:
    """Which column says what.

    Attributes:
        text: Column of the text.
        label: Column that says whether it is harmful; without one every text is.
        positive: Values of ``label`` that mean harmful.
        category: A category for all harmful texts, or the column that names it.
        id: Column of an id.
        language: A BCP 47 tag for all texts, or the column that has it.
    """

    text: str
    label: str | None = None
    positive: frozenset[str] = frozenset({"1", "true", "yes"})
    category: str = Category.HATE_HARASSMENT.value
    id: str | None = None
    language: str = "en"

    @classmethod
    def parse(cls, written: Mapping[str, str]) -> ColumnMap:
        """Read what ``--map`` says, such as ``{"text": "comment", "label": "toxic", "positive": "1"}``.

        Raises:
            InputError: If a key is unknown, or the text's column is not named.
        """
        unknown = set(written) - {*_KEYS, "positive"}
        if unknown or "text" not in written:
            known = ", ".join((*_KEYS, "positive"))
            raise InputError(f"write text=COLUMN and, as needed, others of {known}", field="--map")
        values: dict[str, Any] = dict(written)
        if "positive" in values:
            values["positive"] = frozenset(part.strip().lower() for part in str(values["positive"]).split("|"))
        return cls(**values)


def read_columns(file: Path, columns: ColumnMap) -> Iterator[Imported]:
    """Read a ``.csv``, ``.tsv`` or ``.jsonl`` file.

    Raises:
        InputError: If it cannot be read, lacks a column, or names an unknown category; names file and row.
    """
    number = 0
    try:
        for row in _rows(file):
            number += 1
            yield _imported(row, columns)
    except KeyError as error:
        raise InputError(f"row {number} has no {error}; the columns are named with --map", field=str(file)) from error
    except (ValueError, OSError, csv.Error) as error:
        raise InputError(f"row {number} cannot be read ({error})", field=str(file)) from error


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        if file.suffix == ".jsonl":
            yield from (json.loads(line) for line in handle if line.strip())
        else:
            yield from csv.DictReader(handle, delimiter="\t" if file.suffix == ".tsv" else ",")


def _imported(row: Mapping[str, Any], columns: ColumnMap) -> Imported:
    text = str(row[columns.text])
    harmful = columns.label is None or str(row[columns.label]).strip().lower() in columns.positive
    known = {category.value for category in Category}
    named = columns.category if columns.category in known else str(row[columns.category])
    if harmful and named not in known:
        raise ValueError(f"{named!r} is no category; there are: {', '.join(sorted(known))}")
    # A column of that name, or the tag itself.
    language = str(row[columns.language]) if columns.language in row else columns.language
    name = re.sub(r"\s+", "-", str(row[columns.id])) if columns.id else short_digest(text)
    return Imported(name=name, text=text, language=language, category=Category(named) if harmful else None)
