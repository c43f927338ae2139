"""The tables of the HTML report: slices with a tint for how bad they are, and a map of where mistakes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.decisions import is_right
from livesteward.evals.reports.headline import OF_SLICES, worst_first
from livesteward.evals.reports.words import known
from livesteward.evals.scorecard import Estimate, Figures, Scorecard

TINTS: Final = (0.02, 0.1, 0.25, 0.45, 0.7)
"""From which share of mistakes on a cell is tinted by one degree more."""

_OF_CATEGORIES: Final = ("category_f1", "pr_auc")


@dataclass(frozen=True)
class Cell:
    """A figure of a slice; ``tint`` is from 0 to 5."""

    estimate: Estimate | None
    tint: int = 0


@dataclass(frozen=True)
class SliceTable:
    """All slices of a dimension, the worst first, with a column for each figure."""

    dimension: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, float, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class Spot:
    """Rows of one category in one region, and how many of them were not decided as labelled."""

    rows: int
    wrong: int
    interval: Estimate

    @property
    def tint(self) -> int:
        """How bad it is, from 0 to 5."""
        return tint(self.wrong / self.rows if self.rows else 0.0)


@dataclass(frozen=True)
class HeatMap:
    """Spots by category and region; categories and regions with the largest share of mistakes come first."""

    categories: tuple[str, ...]
    regions: tuple[str, ...]
    spots: Mapping[tuple[str, str], Spot]
    by_category: Mapping[str, Spot]
    by_region: Mapping[str, Spot]


def tint(mistakes: float) -> int:
    """Return the degree of a share of mistakes, from 0 to 5."""
    return sum(mistakes >= step for step in TINTS)


def slice_tables(card: Scorecard) -> list[SliceTable]:
    """Return one table for each dimension that has slices."""
    return [_table(dimension, slices) for dimension, slices in card.slices.items() if slices]


def _table(dimension: str, slices: Mapping[str, Figures]) -> SliceTable:
    wanted = (*OF_SLICES, *_OF_CATEGORIES) if dimension == "category" else OF_SLICES
    columns = tuple(name for name in wanted if any(name in figures for figures in slices.values()))
    rows = tuple(
        (name, figures["accuracy"].n if "accuracy" in figures else 0, tuple(_cell(column, figures.get(column)) for column in columns))
        for name, figures in worst_first(slices)
    )
    return SliceTable(dimension=dimension, columns=columns, rows=rows)


def _cell(name: str, estimate: Estimate | None) -> Cell:
    wanted = known(name).higher_is_better
    if estimate is None or estimate.value is None or wanted is None:
        return Cell(estimate)
    return Cell(estimate, tint(1 - estimate.value if wanted else estimate.value))


def heat_map(rows: Sequence[Judgement]) -> HeatMap:
    """Count rows and mistakes by category and region; a row of two categories counts in both."""
    members: dict[tuple[str, str], list[Judgement]] = {}
    of_category: dict[str, list[Judgement]] = {}
    of_region: dict[str, list[Judgement]] = {}
    for row in rows:
        of_region.setdefault(row.region, []).append(row)
        for category in row.categories:
            of_category.setdefault(category, []).append(row)
            members.setdefault((category, row.region), []).append(row)
    by_category = {name: _spot(found) for name, found in of_category.items()}
    by_region = {name: _spot(found) for name, found in of_region.items()}
    return HeatMap(
        categories=_by_mistakes(by_category),
        regions=_by_mistakes(by_region),
        spots={key: _spot(found) for key, found in members.items()},
        by_category=by_category,
        by_region=by_region,
    )


def _spot(rows: Sequence[Judgement]) -> Spot:
    from livesteward.evals.stats.intervals import rate

    wrong = [not is_right(row) for row in rows]
    return Spot(rows=len(rows), wrong=sum(wrong), interval=rate(wrong, [row.cluster for row in rows]))


def _by_mistakes(spots: Mapping[str, Spot]) -> tuple[str, ...]:
    """Order by the lower end of the interval: many rows weigh more than two."""
    return tuple(sorted(spots, key=lambda name: (-(spots[name].interval.low or 0.0), name)))
