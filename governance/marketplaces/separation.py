"""How well one reading of what lies open separates a label, and how well a small tree over all of them does."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.readings import Category, Floats, Ints, Number, Reading, Words

GROUPS_AT_LEAST = 5
"""A value that only positives have counts as theirs where so many groups of them have it."""

LUCK_AT_MOST = 1e-6
"""How likely it may be that as many rows, drawn from all, would be positives only."""

_FOLDS = 3
_BINS = 32


@dataclass(frozen=True, slots=True)
class Separation:
    """How well one reading of a column separates a label (AUC of at least .5, whichever way round).

    `exclusive_share` is the share of positives whose value no negative has.
    """

    reading: str
    auc: float
    exclusive_share: float = 0.0


def separate(reading: Reading, outcome: Floats, kinds: Ints) -> Separation:
    """How well a reading separates rows by their outcome (1 or 0).

    Parameters
    ----------
    kinds
        (k, rows) numbers of the groups that rows belong to: what is learnt of some is judged on others.
    """
    if isinstance(reading, Words):
        return _by_word(reading, outcome, kinds[0])
    if isinstance(reading, Category):
        means = _means_elsewhere(reading.codes, outcome, kinds)
        return Separation(reading.name, _either(means, outcome), _exclusive(reading.codes, outcome, kinds[0]))
    filled = [np.where(np.isnan(reading.values), end, reading.values) for end in (-np.inf, np.inf)]
    means = _means_elsewhere(_bins(reading.values), outcome, kinds)
    return Separation(reading.name, max(_either(scores, outcome) for scores in (*filled, means)))


def _by_word(reading: Words, outcome: Floats, groups: Ints) -> Separation:
    """The best single word, by whether it occurs; and the words that only positives use."""
    if reading.table.is_empty():
        return Separation(reading.name, 0.5)
    row = reading.table["row"].to_numpy()
    said = reading.table.with_columns(true=pl.Series(outcome[row]), group=pl.Series(groups[row]))
    words = said.group_by("word", maintain_order=True).agg(
        pl.col("true").sum(),
        false=(1 - pl.col("true")).sum(),
        groups=pl.col("group").filter(pl.col("true") == 1).n_unique(),
    )
    rates = words["true"] / outcome.sum() - words["false"] / (1 - outcome).sum()
    best = rates.abs().arg_max() or 0
    own = words.filter((pl.col("false") == 0) & _hardly_by_chance(outcome))["word"]
    covered = said.filter(pl.col("word").is_in(own.to_list()))["row"].n_unique()
    return Separation(f"{reading.name} {words['word'][best]!r}", 0.5 + abs(rates[best]) / 2, covered / outcome.sum())


def _exclusive(codes: Ints, outcome: Floats, groups: Ints) -> float:
    rows = pl.DataFrame({"code": codes, "true": outcome, "group": groups}).filter(pl.col("code") >= 0)
    values = rows.group_by("code").agg(pl.col("true").sum(), pl.len(), groups=pl.col("group").n_unique())
    own = values.filter((pl.col("true") == pl.col("len")) & _hardly_by_chance(outcome))
    return float(own["len"].sum() / outcome.sum())


def _hardly_by_chance(outcome: Floats) -> pl.Expr:
    """Whether so many positives of so many groups are alike in something that no negative shares by more than luck."""
    rows_at_least = np.log(LUCK_AT_MOST) / np.log(outcome.mean())
    return (pl.col("true") >= float(rows_at_least)) & (pl.col("groups") >= GROUPS_AT_LEAST)


def _bins(values: Floats) -> Ints:
    """Each distinct value of a few, or ranges that hold equally many rows; -1 where there is none."""
    distinct = np.unique(values[~np.isnan(values)])
    edges = distinct if len(distinct) <= _BINS else np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS)))
    return np.where(np.isnan(values), -1, np.searchsorted(edges, values, side="right"))


def _means_elsewhere(codes: Ints, outcome: Floats, kinds: Ints) -> Floats:
    """For each row the mean outcome of its value among rows of other folds, drawn a little towards the mean of all.

    Rows fall into a square of folds, by the first and by the last of `kinds`; others share neither side.
    """
    code, first, last = codes + 1, kinds[0] % _FOLDS, kinds[-1] % _FOLDS
    shape = (int(code.max()) + 1, _FOLDS, _FOLDS)
    cell = (code * _FOLDS + first) * _FOLDS + last
    sums = _elsewhere(np.bincount(cell, outcome, np.prod(shape)).astype(np.float64).reshape(shape))
    counts = _elsewhere(np.bincount(cell, minlength=np.prod(shape)).astype(np.float64).reshape(shape))
    means: Floats = ((sums + outcome.mean()) / (counts + 1))[code, first, last]
    return means


def _elsewhere(cells: Floats) -> Floats:
    """For each cell of a (values, folds, folds) table the sum of those in another row and another column."""
    rows, columns = cells.sum(axis=2, keepdims=True), cells.sum(axis=1, keepdims=True)
    others: Floats = cells.sum(axis=(1, 2), keepdims=True) - rows - columns + cells
    return others


def tree_area(readings: Iterable[Reading], outcome: Floats, kinds: Ints) -> float:
    """AUC of a tree of depth 3 over all readings but words, on rows that share no group with those it learnt from."""
    from sklearn.tree import DecisionTreeClassifier

    columns = [one.values if isinstance(one, Number) else one.codes for one in readings if not isinstance(one, Words)]
    matrix = np.stack(columns, axis=1).astype(np.float32)
    first, last = kinds[0] % _FOLDS, kinds[-1] % _FOLDS
    scores = np.full(len(outcome), outcome.mean())
    for fold in np.unique(np.stack([first, last]), axis=1).T:
        held, learnt = (first == fold[0]) & (last == fold[1]), (first != fold[0]) & (last != fold[1])
        if len(np.unique(outcome[learnt])) == 2:
            tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=20, random_state=0)
            scores[held] = tree.fit(matrix[learnt], outcome[learnt]).predict_proba(matrix[held])[:, 1]
    return area(scores, outcome)


def _either(scores: Floats, outcome: Floats) -> float:
    found = area(scores, outcome)
    return max(found, 1 - found)


def area(scores: Floats, outcome: Floats) -> float:
    """The chance that a positive outranks a negative, equal scores counting half (Mann and Whitney 1947)."""
    ranks = pl.Series(scores).rank("average").to_numpy()
    positives = outcome.sum()
    return float((ranks @ outcome - positives * (positives + 1) / 2) / (positives * (len(outcome) - positives)))
