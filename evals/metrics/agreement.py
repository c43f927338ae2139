"""Agreement beyond chance: of the agent with people, and of people with each other, on cases they decided without seeing the label."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from livesteward.contracts import Decision
from livesteward.evals.cases import Human
from livesteward.evals.judgements import Judgement, clusters
from livesteward.evals.scorecard import Estimate, Figures
from livesteward.evals.stats.bootstrap import Floats, bootstrap, cluster_codes

Item = tuple[str, int, str]
"""Case, step and region."""

Rated = Mapping[Item, Hashable]
"""What one rater decided, by item."""


def agreement_figures(rows: Sequence[Judgement], reviews: Sequence[Human]) -> Figures:
    """Return kappa between the agent and people, and kappa and alpha among people.

    Only cases that the run has count. Of several trials, the first speaks for the agent; of several decisions of one person on the same
    thing, the last.
    """
    agent: dict[Item, Decision] = {(row.entry.case_id, row.record.step, row.region): row.decision for row in rows if row.record.trial == 0}
    people: dict[str, dict[Item, Decision]] = {}
    for review in reviews:
        item = (review.case_id, review.step, review.region)
        if item in agent:
            people.setdefault(review.reviewer, {})[item] = review.decision
    if not people:
        return {}
    names = clusters(list({row.entry.case_id: row.entry for row in rows}.values()))
    cluster = {item: names[item[0]] for item in agent}
    found = {"kappa_agent": kappa([(agent, one) for one in people.values()], cluster)}
    if len(people) > 1:
        found["kappa_people"] = kappa(list(itertools.combinations(people.values(), 2)), cluster)
        found["alpha_people"] = alpha(list(people.values()), cluster)
    return found


def kappa(pairs: Sequence[tuple[Rated, Rated]], cluster: Mapping[Item, str]) -> Estimate:
    """Return Cohen's kappa of two raters; of several pairs of raters, the mean weighted by the items that they share.

    ``(p_o - p_e) / (1 - p_e)`` with ``p_o`` the share of items that both decide alike and ``p_e = sum_d p_d q_d`` what their habits alone
    would give. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960; means over
    pairs: Light, "Measures of response agreement for qualitative data", Psychological Bulletin 76, 1971. A pair that only ever decides one
    thing has no kappa and is left out. Clustered BCa interval.

    Args:
        pairs: What two raters decided, by item.
        cluster: Of each item.
    """
    shared = [(first, second, sorted(set(first) & set(second), key=repr)) for first, second in pairs]
    shared = [(first, second, items) for first, second, items in shared if items]
    if not shared:
        return Estimate(value=None)
    codes = _codes([item for _, _, items in shared for item in items], cluster)
    kinds = _kinds(value for first, second, items in shared for item in items for value in (first[item], second[item]))
    tables = []
    for first, second, items in shared:
        table = np.zeros((max(codes.values()) + 1, len(kinds), len(kinds)))
        for item in items:
            table[codes[item], kinds[first[item]], kinds[second[item]]] += 1
        tables.append(table)
    stacked = np.stack(tables)

    def of_draws(counts: Floats) -> Floats:
        # Of shape (draws, pairs, decisions, decisions).
        drawn = np.einsum("dk,pkij->dpij", counts, stacked)
        total = drawn.sum(axis=(2, 3))
        with np.errstate(all="ignore"):
            share = drawn / total[..., np.newaxis, np.newaxis]
            observed = np.trace(share, axis1=2, axis2=3)
            by_chance = np.sum(share.sum(axis=3) * share.sum(axis=2), axis=2)
            single = (observed - by_chance) / (1 - by_chance)
            defined = (total > 0) & (by_chance < 1 - 1e-12)
            weights = np.where(defined, total, 0.0)
            mean: Floats = np.sum(np.where(defined, single, 0.0) * weights, axis=1) / weights.sum(axis=1)
        return mean[np.newaxis]

    return bootstrap(of_draws, stacked.shape[1], n=[sum(len(items) for _, _, items in shared)])[0]


def alpha(raters: Sequence[Rated], cluster: Mapping[Item, str]) -> Estimate:
    """Return Krippendorff's alpha for nominal values, any number of raters and missing values.

    ``1 - D_o / D_e = 1 - (n - 1) (n - sum_c o_cc) / (n^2 - sum_c n_c^2)`` with the coincidences ``o_ck`` = sum over items of (ordered pairs
    of values c and k of different raters) / (values - 1), their margins ``n_c`` and sum ``n``. Krippendorff, "Computing Krippendorff's
    alpha-reliability", 2011. Items with fewer than two values are left out. Clustered BCa interval.

    Args:
        raters: What each decided, by item.
        cluster: Of each item.
    """
    values: dict[Item, list[Hashable]] = {}
    for rated in raters:
        for item, decision in rated.items():
            values.setdefault(item, []).append(decision)
    paired = {item: given for item, given in values.items() if len(given) > 1}
    if not paired:
        return Estimate(value=None)
    codes = _codes(list(paired), cluster)
    kinds = _kinds(value for given in paired.values() for value in given)
    coincidences = np.zeros((max(codes.values()) + 1, len(kinds), len(kinds)))
    for item, given in paired.items():
        for first, second in itertools.permutations(given, 2):
            coincidences[codes[item], kinds[first], kinds[second]] += 1 / (len(given) - 1)

    def of_draws(counts: Floats) -> Floats:
        drawn = np.einsum("dk,kij->dij", counts, coincidences)
        margins = drawn.sum(axis=2)
        n = margins.sum(axis=1)
        differing = n - np.trace(drawn, axis1=1, axis2=2)
        by_chance = n**2 - np.sum(margins**2, axis=1)
        with np.errstate(all="ignore"):
            # Where nobody ever decides anything else, agreement cannot be told from chance.
            value = np.where(by_chance > 1e-9, 1 - (n - 1) * differing / by_chance, np.nan)
        return value[np.newaxis]

    return bootstrap(of_draws, len(coincidences), n=[len(paired)])[0]


def _kinds(values: Iterable[Hashable]) -> dict[Hashable, int]:
    return {value: place for place, value in enumerate(dict.fromkeys(values))}


def _codes(items: Sequence[Item], cluster: Mapping[Item, str]) -> dict[Item, int]:
    codes = cluster_codes([cluster[item] for item in items])
    return {item: int(code) for item, code in zip(items, codes, strict=True)}
