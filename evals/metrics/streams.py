"""Whole streams: how often innocents are disturbed, and how long a violation runs before anybody steps in.

A unit is one stream in one region (and trial). What viewers do is left aside: only decisions on the stream itself count. The agent is
wrongly disturbing a host where it acts in a segment that, like all before it, breaks no rule; it detects a violation with the first segment
that ends after the violation began and that it acts on, and knows it when that segment is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from livesteward.contracts import Decision
from livesteward.evals.cases import StreamCase
from livesteward.evals.judgements import Judgement
from livesteward.evals.scorecard import Estimate, Figures
from livesteward.evals.stats.bootstrap import Floats, bootstrap, cluster_codes, means
from livesteward.evals.stats.intervals import poisson_rate, rate


@dataclass(frozen=True)
class StreamUnit:
    """One stream in one region as it was judged, segment by segment.

    Attributes:
        stream: The case.
        rows: One for each of its segments, in order.
    """

    stream: StreamCase
    rows: tuple[Judgement, ...]

    @property
    def cluster(self) -> str:
        """Units of one stream rise and fall together."""
        return self.rows[0].cluster

    @cached_property
    def starts_s(self) -> float | None:
        """Seconds from the start of the stream to the violation; None where the host breaks no rule of this region."""
        first = next((row for row in self.rows if row.gold.stream_decision is Decision.VIOLATION), None)
        if first is None:
            return None
        # The stream's own time is the exact one, unless this region's rules are broken only later.
        return max(first.segment.offset_s, self.stream.violation_starts_s or 0.0)

    @property
    def innocent_rows(self) -> tuple[Judgement, ...]:
        """The segments that end before the violation starts, and are not for a person to decide."""
        return tuple(
            row for row in self.rows if (self.starts_s is None or _end(row) <= self.starts_s) and row.gold.stream_decision is Decision.ALLOW
        )

    @property
    def innocent_hours(self) -> float:
        """How long it was watched while nothing was wrong."""
        return sum(row.segment.duration_s for row in self.innocent_rows) / 3_600

    @property
    def is_disturbed(self) -> bool:
        """Whether the agent acts in any innocent segment."""
        return any(row.stream_decision is Decision.VIOLATION for row in self.innocent_rows)

    def delay_s(self, *, review_counts: bool = False) -> float | None:
        """Seconds from the start of the violation to the end of the first segment that the agent acts on; None where it never does.

        Args:
            review_counts: Whether sending it to a person is enough.
        """
        if self.starts_s is None:
            return None
        wanted = {Decision.VIOLATION, Decision.REVIEW} if review_counts else {Decision.VIOLATION}
        found = next((row for row in self.rows if _end(row) > self.starts_s and row.stream_decision in wanted), None)
        return None if found is None else _end(found) - self.starts_s

    @property
    def viewer_minutes(self) -> float | None:
        """Viewers times minutes from the start of the violation to detection or the end; None where viewers are not known."""
        if self.starts_s is None:
            return None
        delay = self.delay_s()
        until = self.stream.duration_s if delay is None else self.starts_s + delay
        total = 0.0
        for row in self.rows:
            seconds = min(_end(row), until) - max(row.segment.offset_s, self.starts_s)
            if seconds <= 0:
                continue
            if row.segment.viewers is None:
                return None
            total += row.segment.viewers * seconds / 60
        return total


def stream_units(rows: Sequence[Judgement]) -> list[StreamUnit]:
    """Return the streams in each region and trial of which every segment was judged."""
    found: dict[tuple[str, str, int], list[Judgement]] = {}
    for row in rows:
        if isinstance(row.entry, StreamCase):
            found.setdefault((row.entry.case_id, row.region, row.record.trial), []).append(row)
    units = []
    for members in found.values():
        stream = members[0].entry
        ordered = sorted(members, key=lambda row: row.record.step)
        if isinstance(stream, StreamCase) and [row.record.step for row in ordered] == list(range(len(stream.steps))):
            units.append(StreamUnit(stream=stream, rows=tuple(ordered)))
    return units


def stream_figures(rows: Sequence[Judgement]) -> Figures:
    """Return the figures of whole streams; empty where the run has none."""
    units = stream_units(rows)
    if not units:
        return {}
    found: Figures = {"disturbance_rate": disturbance_rate(units)}
    bad = [unit for unit in units if unit.starts_s is not None]
    if bad:
        clusters = [unit.cluster for unit in bad]
        for share, name, review_counts in (("detected", "time_to_detection", False), ("caught", "time_to_catch", True)):
            delays = [unit.delay_s(review_counts=review_counts) for unit in bad]
            found[share] = rate([delay is not None for delay in delays], clusters)
            found |= _delays([(unit.cluster, delay) for unit, delay in zip(bad, delays, strict=True) if delay is not None], name)
        found["violating_viewer_minutes"] = violating_viewer_minutes(bad)
    return found


def disturbance_rate(units: Sequence[StreamUnit]) -> Estimate:
    """Return disturbed units per 1,000 innocent stream hours, with the exact Poisson interval.

    ``1000 * units with a wrongful intervention / innocent hours of all units``. A unit counts once however often the agent acts on it: the
    first intervention is the harm, and those after it say the same again. Rate and interval as for events over person-time: Garwood 1936;
    Rothman, Greenland and Lash, "Modern Epidemiology", 3rd edition, 2008, chapter 14.
    """
    return poisson_rate(sum(unit.is_disturbed for unit in units), sum(unit.innocent_hours for unit in units), per=1_000)


def violating_viewer_minutes(units: Sequence[StreamUnit]) -> Estimate:
    """Return the mean over violating units of viewers x minutes from the start of the violation to detection or the end.

    After YouTube's violative view rate, which counts views of violating videos before they are removed (O'Connor, "Building greater
    transparency and accountability with the violative view rate", 2021), in the unit of live streams. Units whose viewers are not known
    are left out; clustered BCa interval.
    """
    known = [(unit.cluster, minutes) for unit in units if (minutes := unit.viewer_minutes) is not None]
    return means([[minutes for _, minutes in known]], [cluster for cluster, _ in known])[0]


def _delays(delays: Sequence[tuple[str, float]], name: str) -> Figures:
    """Mean and median of the delays in seconds, over units that have one; clustered BCa intervals."""
    values = np.array([delay for _, delay in delays])
    codes = cluster_codes([cluster for cluster, _ in delays])

    def of_draws(counts: Floats) -> Floats:
        weights = counts[:, codes]
        with np.errstate(all="ignore"):
            return np.stack([weights @ values / weights.sum(axis=1), _weighted_median(values, weights)])

    if not delays:
        return {f"{name}_mean": Estimate(value=None), f"{name}_median": Estimate(value=None)}
    mean, median = bootstrap(of_draws, int(codes.max()) + 1, n=[len(values)] * 2)
    return {f"{name}_mean": mean, f"{name}_median": median}


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """Return the median of values that each stand in the sample as often as the weights say, of shape (draws,)."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weights[:, order], axis=1)
    total = upto[:, -1]
    # Of an even number, the mean of the two in the middle.
    lower, upper = (np.argmax(upto > middle[:, np.newaxis], axis=1) for middle in (np.floor((total - 1) / 2), np.floor(total / 2)))
    median: Floats = (values[order][lower] + values[order][upper]) / 2
    return median


def _end(row: Judgement) -> float:
    return row.segment.offset_s + row.segment.duration_s
