"""What is in a set of cases, counted, and what its datasheet promises of it, as a commented TOML file of quotas."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Self

from pydantic import ValidationError, model_validator

from livesteward.contracts import Contract, Decision
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Case, Entry, ExpectedFinding, Split, Tag
from livesteward.evals.dataset import Dataset
from livesteward.evals.linting.consistency import CaseProblem

QUOTAS: Final = "quotas.toml"
"""Beside the cases: the quotas of a set, which `livesteward eval lint` asks where it is there."""

DISGUISES: Final = frozenset({Tag.OBFUSCATION, Tag.CODE_SWITCHING, Tag.EMOJI, Tag.TRANSLITERATION})
CROWDS: Final = frozenset({Tag.RAID, Tag.TROLL})


class Quota(Contract):
    """The bounds of one figure of :data:`FIGURES`."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or both")
        return self


class Counts(Contract):
    """What is in a set.

    Attributes:
        figures: By the names of :data:`FIGURES`.
        splits: Cases and streams.
        decisions: Of single segments, once for each entry of ``expect``.
        categories: Cases and streams that break a rule of the category somewhere.
        looks_like: Allowed cases and innocent streams that resemble one.
        severities: Cases and streams with a finding of it.
        subjects: The same by whose conduct it is.
        regions: Cases and streams that are asked about the region.
        languages: Cases and streams by their main language.
        tags: Cases and streams.
    """

    figures: dict[str, float]
    splits: dict[str, int]
    decisions: dict[str, int]
    categories: dict[str, int]
    looks_like: dict[str, int]
    severities: dict[str, int]
    subjects: dict[str, int]
    regions: dict[str, int]
    languages: dict[str, int]
    tags: dict[str, int]


def counts(dataset: Dataset) -> Counts:
    """Count what is in a set."""
    entries = dataset.entries
    return Counts(
        figures={name: round(count(dataset), 2) for name, count in FIGURES.items()},
        splits=_tally([entry.split.value] for entry in entries),
        decisions=_tally([expectation.decision.value] for case in dataset.cases for expectation in case.expect),
        categories=_tally(categories_of(entry) for entry in entries),
        looks_like=_tally({category.value for category in entry.looks_like} for entry in entries),
        severities=_tally({finding.severity.value for finding in _findings(entry)} for entry in entries),
        subjects=_tally({finding.subject.value for finding in _findings(entry)} for entry in entries),
        regions=_tally(entry.regions for entry in entries),
        languages=_tally([language_of(entry)] for entry in entries),
        tags=_tally({tag.value for tag in entry.tags} for entry in entries),
    )


def check_quotas(dataset: Dataset, file: Path) -> list[CaseProblem]:
    """Return the quotas of a file that a set does not hold, each with the line that it stands on.

    Raises:
        ConfigurationError: If the file cannot be read, or names a figure that there is none of.
    """
    raw, quotas = _read(file)
    found = []
    for name, quota in quotas.items():
        value = FIGURES[name](dataset)
        short = quota.at_least is not None and value < quota.at_least
        if short or (quota.at_most is not None and value > quota.at_most):
            bound = f"at least {quota.at_least:g}" if short else f"at most {quota.at_most:g}"
            message = (
                f"{name} is {value:.4g}, and the datasheet promises {bound}; {'add' if short else 'leave out'} cases, or change the quota"
            )
            found.append(CaseProblem(file=str(file), line=_line_of(name, raw), case_id="-", code="quota", message=message))
    return found


def categories_of(entry: Entry) -> set[str]:
    """Return the categories of which a case breaks a rule in some region."""
    return {finding.category.value for finding in _findings(entry)}


def language_of(entry: Entry) -> str:
    """Return the main language of a case, without region or script."""
    return (entry.segments[0].language or "und").split("-")[0]


def is_allowed(case: Case) -> bool:
    """Whether a case is allowed in all its regions."""
    return all(expectation.decision is Decision.ALLOW for expectation in case.expect)


def _read(file: Path) -> tuple[str, dict[str, Quota]]:
    try:
        raw = file.read_text(encoding="utf-8")
        quotas = {name: Quota.model_validate(bounds) for name, bounds in tomllib.loads(raw).items()}
    except ValidationError as error:
        raise ConfigurationError(str(InputError.from_validation(error, source=str(file)))) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    unknown = sorted(set(quotas) - set(FIGURES))
    if unknown:
        raise ConfigurationError(f"{file}:{_line_of(unknown[0], raw)}: there is no figure {unknown[0]!r}; there are {', '.join(FIGURES)}")
    return raw, quotas


def _line_of(name: str, raw: str) -> int:
    found = re.search(rf"^\s*\[\s*{re.escape(name)}\s*\]", raw, re.MULTILINE)
    return raw.count("\n", 0, found.end()) + 1 if found else 1


def _tally(groups: Iterable[Iterable[str]]) -> dict[str, int]:
    """Count in how many groups each name is, the most frequent first."""
    tally = Counter(name for group in groups for name in group)
    return dict(sorted(tally.items(), key=lambda item: (-item[1], item[0])))


def _findings(entry: Entry) -> Iterator[ExpectedFinding]:
    for step in entry.steps:
        for expectation in step.expect:
            yield from expectation.findings


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _number(holds: Callable[[Case], bool]) -> Callable[[Dataset], float]:
    return lambda dataset: sum(map(holds, dataset.cases))


def _share(split: Split) -> Callable[[Dataset], float]:
    return lambda dataset: _percent(sum(entry.split is split for entry in dataset.entries), len(dataset.entries))


def _is_crowd(case: Case) -> bool:
    at_fault = any(expectation.decision is not Decision.ALLOW for expectation in case.expect)
    return bool(CROWDS & set(case.tags)) and at_fault and all(one.stream_decision is Decision.ALLOW for one in case.expect)


def _in_every_split(dataset: Dataset) -> float:
    found = [{name for entry in dataset.entries if entry.split is split for name in categories_of(entry)} for split in Split]
    return len(set.intersection(*found))


def _punish_percent(dataset: Dataset) -> float:
    aims = [case.injection.aim for case in dataset.cases if case.injection]
    return _percent(aims.count("punish"), len(aims))


FIGURES: Final[dict[str, Callable[[Dataset], float]]] = {
    # Single segments, and whole streams with the number of segments of the shortest and the longest.
    "segments": lambda dataset: len(dataset.cases),
    "streams": lambda dataset: len(dataset.streams),
    "shortest_stream": lambda dataset: min((len(stream.steps) for stream in dataset.streams), default=0),
    "longest_stream": lambda dataset: max((len(stream.steps) for stream in dataset.streams), default=0),
    # Those of which a rule is broken somewhere; those asked about; main languages; share of cases and streams in English.
    "categories": lambda dataset: len({name for entry in dataset.entries for name in categories_of(entry)}),
    "regions": lambda dataset: len({region for entry in dataset.entries for region in entry.regions}),
    "languages": lambda dataset: len({language_of(entry) for entry in dataset.entries}),
    "english_percent": lambda dataset: _percent(sum(language_of(one) == "en" for one in dataset.entries), len(dataset.entries)),
    # Single segments that are allowed in all their regions, and of these, those that resemble a violation.
    "allowed_percent": lambda dataset: _percent(sum(map(is_allowed, dataset.cases)), len(dataset.cases)),
    "look_alike_percent": lambda dataset: _percent(
        sum(is_allowed(case) and bool(case.looks_like) for case in dataset.cases), sum(map(is_allowed, dataset.cases))
    ),
    "minimal_pairs": _number(lambda case: case.twin_of is not None),
    # The same segment, decided differently in two regions.
    "region_contrasts": _number(lambda case: len({expectation.decision for expectation in case.expect}) > 1),
    "injections": _number(lambda case: case.injection is not None),
    "injections_punish_percent": _punish_percent,
    # Viewers at fault and the host not.
    "raids_and_trolls": _number(_is_crowd),
    # Obfuscation, code-switching, emoji, transliteration.
    "disguised": _number(lambda case: bool(DISGUISES & set(case.tags))),
    "with_frames": _number(lambda case: bool(case.segment.frames)),
    "with_sound": _number(lambda case: case.segment.media is not None),
    # Of cases and streams.
    "dev_percent": _share(Split.DEV),
    "golden_percent": _share(Split.GOLDEN),
    "canary_percent": _share(Split.CANARY),
    "categories_in_every_split": _in_every_split,
}
"""What can be counted and bounded, by name."""
