"""Public sets that can be read from local files, with the licence that goes with each. Nothing is downloaded."""

from __future__ import annotations

import ast
import csv
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livesteward.agents.screen.datasets import LabelledText
from livesteward.contracts import Category
from livesteward.errors import InputError
from livesteward.evals.importing.imported import Imported, short_digest

HATE: Final = Category.HATE_HARASSMENT
_LANGUAGES: Final = {"arabic": "ar", "german": "de", "portuguese": "pt", "spanish": "es", "dutch": "nl", "french": "fr", "hindi": "hi"} | {
    "italian": "it",
    "mandarin": "zh",
    "polish": "pl",
}
_XSTEST: Final = {"violence": Category.VIOLENCE_THREATS}
_OPENAI: Final = {
    "S": Category.SEXUAL_CONTENT,
    "S3": Category.MINOR_SAFETY,
    "H": HATE,
    "H2": HATE,
    "HR": HATE,
    "V": Category.VIOLENCE_THREATS,
    "V2": Category.VIOLENCE_THREATS,
    "SH": Category.SELF_HARM,
}


@dataclass(frozen=True)
class PublicSet:
    """A set with its reader.

    Attributes:
        name: As the command takes it.
        title: Name, authors and year.
        licence: Under which the texts may be used.
        files: Glob of the files to read when a folder is named.
        read: Reads one file.
        fitted: Whether texts of it took part in fitting the shipped screen and heads.
    """

    name: str
    title: str
    licence: str
    files: str
    read: Callable[[Path], Iterator[Imported]]
    fitted: bool = True

    @property
    def source(self) -> str:
        """For :attr:`livesteward.evals.cases.Case.source`."""
        return f"{self.title}, {self.licence}"


def read_set(chosen: PublicSet, path: Path, *, held_out: bool = False) -> Iterator[Imported]:
    """Read a set from a file, or from the files of a folder that are its own.

    Args:
        chosen: Which.
        path: File or folder.
        held_out: Only the fifth that the shipped screen and heads were not fitted on. Sets that took no part in fitting are read whole.

    Raises:
        InputError: If there is no such file, or it is not of the set's form: names file and column.
    """
    files = sorted(path.glob(chosen.files)) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise InputError(f"there is no file {chosen.files} here; {chosen.title} has one", field=str(path))
    for file in files:
        try:
            for one in chosen.read(file):
                if not (held_out and chosen.fitted) or _is_held_out(chosen.name, one):
                    yield one
        except KeyError as error:
            raise InputError(f"the column {error} is missing; this is no {chosen.title}", field=str(file)) from error
        except (ValueError, SyntaxError, OSError, csv.Error) as error:
            raise InputError(f"cannot be read as {chosen.title} ({error})", field=str(file)) from error


def _is_held_out(name: str, one: Imported) -> bool:
    """Ask as the training does: by the group of the text."""
    clean = " ".join(one.text.split())[:600]
    return LabelledText(clean, frozenset(), frozenset(), name.replace("-", "_"), one.group or clean).held_out


def _rows(file: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    csv.field_size_limit(min(sys.maxsize, 10_000_000))
    with file.open(encoding="utf-8-sig", newline="") as handle:
        yield from csv.DictReader(handle, delimiter=delimiter)


def _hate(name: str, text: str, language: str, hateful: bool, kind: str, group: str) -> Imported:
    return Imported(
        name=name, text=text, language=language, category=HATE if hateful else None, looks_like=HATE, group=group, kind=kind
    )  # fmt: skip


def _hatecheck(file: Path) -> Iterator[Imported]:
    for row in _rows(file):
        yield _hate(
            row["case_id"], row["test_case"], "en", row["label_gold"] == "hateful", row["functionality"], row["templ_id"] or row["case_id"]
        )


def _multilingual(file: Path) -> Iterator[Imported]:
    language = file.stem.rpartition("_")[2]
    if language not in _LANGUAGES:
        raise ValueError(f"the file's name must end in a language, such as _{next(iter(_LANGUAGES))}.csv")
    for row in _rows(file):
        name = row["mhc_case_id"]
        group = f"{language}-{row['templ_id'] or name}"
        yield _hate(name, row["test_case"], _LANGUAGES[language], row["label_gold"] == "hateful", row["functionality"], group)


def _hatemoji(file: Path) -> Iterator[Imported]:
    for row in _rows(file):
        yield _hate(row["case_id"], row["text"], "en", row["label_gold"] == "1", row["functionality"], row["templ_id"])


def _xstest(file: Path) -> Iterator[Imported]:
    for row in _rows(file):
        # Its unsafe half asks an assistant for help with harm, which on a stream breaks no rule by itself; the safe half is what it is for.
        if row["label"] == "safe":
            yield Imported(
                name=row["id"],
                text=row["prompt"],
                language="en",
                category=None,
                looks_like=_XSTEST.get(row["note"], Category.VIOLENCE_THREATS),
                kind=row["type"],
            )


def _toxic_spans(file: Path) -> Iterator[Imported]:
    for row in _rows(file):
        places = ast.literal_eval(row["spans"])
        # Texts in which no span is toxic were toxic as a whole to their annotators, or not at all: they say nothing either way.
        if places:
            yield Imported(
                name=short_digest(row["text"]),
                text=row["text"],
                language="en",
                category=HATE,
                spans=_runs(row["text"], places),
                kind="toxic",
            )


def _runs(text: str, places: list[int]) -> tuple[str, ...]:
    """Turn character offsets into the stretches that they cover."""
    found: list[list[int]] = []
    for place in sorted(places):
        if found and place == found[-1][1] + 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return tuple(text[first : last + 1].strip() for first, last in found)


def _convabuse(file: Path) -> Iterator[Imported]:
    for row in _rows(file):
        votes = [0, 0]
        for annotator in range(1, 9):
            for level in ("1", "0", "-1", "-2", "-3"):
                if row.get(f"Annotator{annotator}_is_abuse.{level}") == "1":
                    votes[level.startswith("-")] += 1
        if votes[0] != votes[1]:
            yield _hate(row["example_id"], row["user"], "en", votes[1] > votes[0], "conversation", row["conv_id"])


def _openai(file: Path) -> Iterator[Imported]:
    opened = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8")
    with opened as handle:
        for number, line in enumerate(handle, start=1):
            row = json.loads(line)
            broken = [category for key, category in _OPENAI.items() if row.get(key) == 1]
            yield Imported(name=str(number), text=row["prompt"], language="en", category=broken[0] if broken else None)


def _spam(file: Path) -> Iterator[Imported]:
    if file.suffix == ".csv":
        rows = ((row["COMMENT_ID"] + short_digest(row["CONTENT"]), row["CONTENT"], row["CLASS"] == "1") for row in _rows(file))
    else:
        lines = file.read_text(encoding="utf-8").splitlines()
        parts = (line.partition("\t") for line in lines if "\t" in line)
        rows = ((short_digest(text), text, kind == "spam") for kind, _, text in parts)
    for name, text, spam in rows:
        yield Imported(
            name=name, text=text, language="en", category=Category.SPAM_INAUTHENTIC if spam else None, kind="spam" if spam else "ham"
        )


def _bipia(file: Path) -> Iterator[Imported]:
    raw = json.loads(file.read_text(encoding="utf-8"))
    for kind, texts in raw.items():
        for text in texts:
            # Orders to an assistant, put where only content should stand: they break no rule, and must change no verdict.
            yield Imported(name=short_digest(text), text=text, language="en", category=None, kind=f"injection: {kind}")


_ALL: Final = (
    PublicSet("hatecheck", "HateCheck (Röttger et al. 2021)", "CC BY 4.0", "test_suite_cases.csv", _hatecheck),
    PublicSet(
        "multilingual-hatecheck", "Multilingual HateCheck (Röttger et al. 2022)", "CC BY 4.0", "hatecheck_cases_final_*.csv", _multilingual
    ),
    PublicSet("hatemojicheck", "HatemojiCheck (Kirk et al. 2022)", "CC BY 4.0", "test.csv", _hatemoji),
    PublicSet("xstest", "XSTest (Röttger et al. 2024)", "CC BY 4.0", "xstest_prompts.csv", _xstest, fitted=False),
    PublicSet(
        "openai-moderation",
        "OpenAI moderation evaluation set (Markov et al. 2023)",
        "MIT",
        "samples-1680.jsonl*",
        _openai,
        fitted=False,
    ),
    PublicSet("convabuse", "ConvAbuse (Cercas Curry et al. 2021)", "CC BY 4.0", "ConvAbuseEMNLP*.csv", _convabuse),
    PublicSet("toxic-spans", "Toxic Spans, SemEval-2021 task 5 (Pavlopoulos et al. 2021)", "CC0", "tsd_*.csv", _toxic_spans, fitted=False),
    PublicSet("youtube-spam", "UCI YouTube Spam Collection (Alberto et al. 2015)", "CC BY 4.0", "Youtube*.csv", _spam),
    PublicSet("sms-spam", "UCI SMS Spam Collection (Almeida et al. 2011)", "CC BY 4.0", "sms*.tsv", _spam),
    PublicSet("bipia", "BIPIA attack texts (Yi et al. 2023)", "MIT", "text_attack_*.json", _bipia, fitted=False),
)

SETS: Final[dict[str, PublicSet]] = {one.name: one for one in _ALL}
"""Public sets by name."""
