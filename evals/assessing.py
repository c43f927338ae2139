"""From a finished run to its figures, its comparison with the baseline, and what the gates say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from livesteward.errors import InputError
from livesteward.evals.baseline import load_baseline, mismatch
from livesteward.evals.cases import Split
from livesteward.evals.comparing import Decided, compare, decided
from livesteward.evals.dataset import Dataset, load_dataset
from livesteward.evals.gates import Gates, judge
from livesteward.evals.judgements import Judgement, judgements
from livesteward.evals.linting.consistency import Rules
from livesteward.evals.metrics.cost import Prices
from livesteward.evals.outcomes import RunInfo
from livesteward.evals.reports.view import ReportView
from livesteward.evals.runs.folder import RunFolder
from livesteward.evals.runs.runner import entry_digests
from livesteward.evals.scorecard import Comparison, Outcome
from livesteward.evals.scoring import score

SHIPPED_GATES: Final = Path(__file__).parent / "gates.toml"
"""The gates of the golden set that ships."""


@dataclass(frozen=True)
class Against:
    """What a run is held against.

    Attributes:
        info: Of the run before.
        decided: What it decided, row by row.
        rows: Its rows in full, where they are at hand.
        obstacles: Why the two cannot be compared.
    """

    info: RunInfo
    decided: Decided
    rows: Sequence[Judgement] = ()
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """Gates with the folder that their baseline is relative to."""

    gates: Gates
    folder: Path
    obstacles: tuple[str, ...] = field(default=())

    @property
    def baseline(self) -> Path:
        """The baseline's file."""
        return self.folder / self.gates.baseline


def cases_of(folder: RunFolder, dataset: Dataset | None = None) -> Dataset:
    """Return the cases of a run, as they were when it was run.

    Raises:
        InputError: If the set is gone, or a case was changed since.
    """
    info = folder.info()
    found = (dataset or load_dataset(Path(info.dataset))).select(only=info.entries)
    now = entry_digests(found)
    changed = sorted(name for name, digest in info.entries.items() if now[name] != digest)
    if changed:
        raise InputError(
            f"{len(changed)} cases were changed since the run, such as {changed[0]}; run them again with `livesteward eval run`",
            field=str(folder.path),
        )
    return found


def against_run(folder: RunFolder, dataset: Dataset | None = None) -> Against:
    """Return a run to compare with.

    Raises:
        InputError: If it cannot be read.
    """
    info = folder.info()
    rows = judgements(cases_of(folder, dataset), folder.records())
    done = "" if info.finished_at else f"run {info.name} is not complete; finish it before it is compared"
    return Against(info=info, decided=decided(rows), rows=rows, obstacles=(done,) if done else ())


def against_baseline(held: Held, info: RunInfo) -> Against | str:
    """Return the baseline to compare with, or why a run cannot be held against it."""
    try:
        baseline = load_baseline(held.baseline)
    except InputError as error:
        return str(error)
    other = mismatch(baseline, info)
    return other or Against(info=baseline.run, decided=baseline.decided)


def assess(
    folder: RunFolder,
    dataset: Dataset,
    *,
    held: Held | None = None,
    against: Against | None = None,
    rules: Rules | None = None,
    prices: Prices | None = None,
) -> ReportView:
    """Compute the figures of a run, compare it, and ask the gates.

    Args:
        folder: The run.
        dataset: Its cases.
        held: The gates; without them there is no outcome.
        against: Another run to compare with, in place of the gates' baseline.
        rules: Looks up the rules in force, to check what verdicts cite.
        prices: Of models, for the cost.

    Raises:
        InputError: If records and cases do not fit together.
    """
    info, records, timings = folder.info(), folder.records(), folder.timings()
    rows = judgements(dataset, records)
    card = score(dataset, info, records, timings, rules=rules, prices=prices)
    obstacles = list(held.obstacles) if held else []
    if held is not None and against is None and (held.gates.non_inferior or held.gates.no_worse):
        found = against_baseline(held, info)
        if isinstance(found, str):
            obstacles.append(found)
        else:
            against = found
    comparison: Comparison | None = None
    if against is not None:
        obstacles += against.obstacles
        comparison = compare(against.info, against.decided, info, rows)
        if comparison.only_before or comparison.only_after:
            obstacles.append(
                f"the runs are not of the same cases: {comparison.only_before} rows only in {against.info.name}, "
                f"{comparison.only_after} only in {info.name}"
            )
    outcome: Outcome | None = judge(held.gates, card, comparison, obstacles=obstacles) if held else None
    folder.write_json("scorecard.json", card)
    if comparison is not None:
        folder.write_json("comparison.json", comparison)
    if outcome is not None:
        folder.write_json("outcome.json", outcome)
    return ReportView(
        dataset=dataset,
        scorecard=card,
        rows=rows,
        timings=timings,
        comparison=comparison,
        before=against.rows if against else (),
        outcome=outcome,
    )


def is_gated(info: RunInfo) -> bool:
    """Whether a run is one that gates are for: the whole golden split, and nothing else."""
    return info.splits == (Split.GOLDEN,)
