"""Signs that a training set knows what a live decision could not: each returns a number or names that a gate judges."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from governance.contracts.tables import TABLES
from governance.models import metrics
from governance.models.rows import RESERVED, Floats, Integers, Rows, codes
from governance.models.training import train

SHUFFLE_ROWS_AT_MOST = 20_000
"""Rows that each model of the time shuffle learns from: enough to see a leak, few enough to train four times."""

FEATURE_TIME = "feature_time:"
"""Prefix of the columns that say when the joined row of a view became valid."""


@dataclass(frozen=True, slots=True)
class NamedShare:
    """A number between 0 and 1 and the feature that it belongs to."""

    feature: str
    value: float


def single_feature_auc(parts: Sequence[Rows], features: Sequence[str]) -> NamedShare:
    """The feature that separates the labels best by itself over all rows, and its AUC, counting either direction.

    Missing values are tried below and above all others, because a value that is only there for one label leaks too.
    """
    labels = np.concatenate([part.labels for part in parts])
    weights = np.concatenate([part.weights for part in parts])
    found = []
    for column in range(len(features)):
        values = np.concatenate([part.matrix[:, column] for part in parts])
        found.append(_separation(values, labels, weights))
    best = int(np.argmax(found))
    return NamedShare(features[best], found[best])


def _separation(values: Floats, labels: Floats, weights: Floats) -> float:
    missing = np.isnan(values)
    sides = (-np.inf, np.inf) if missing.any() else (-np.inf,)
    areas = [_auc(np.where(missing, side, values), labels, weights) for side in sides]
    return max(max(area, 1 - area) for area in areas)


def _auc(scores: Floats, labels: Floats, weights: Floats) -> float:
    curve = metrics.Curve.of(metrics.Ranking.of(scores), labels, weights[None, :], labels)
    return float(metrics.auc(curve)[0])


def time_shuffle_gain(
    training: Rows, calibration: Rows, test: Rows, *, features: Sequence[str], learner: Mapping[str, Any], seed: int
) -> float:
    """How much better the test rows are ranked by a model that saw other groups' rows of all times.

    Groups are dealt into two halves. For the test rows of one half, one model learns from the other
    half's training rows and one from as many of the other half's rows of any time, the test period
    included; the gain is the AUC of the second minus that of the first. No group is on both sides, so
    rows that repeat an entity are no leak; what remains is knowledge that only the future has, such as
    an aggregate over the whole period or a value that identifies a day.
    """
    everything = (training, calibration, test)
    halves = _halves([part.groups for part in everything], seed)
    in_order, shuffled = np.empty(len(test)), np.empty(len(test))
    rng = np.random.default_rng(seed)
    for half in (0, 1):
        others = [part.where(side != half) for part, side in zip(everything, halves, strict=True)]
        judged = np.flatnonzero(halves[2] == half)
        size = min(len(others[0]), SHUFFLE_ROWS_AT_MOST)
        for scores, source in ((in_order, others[:1]), (shuffled, others)):
            learnt = _sample(source, size, rng)
            scores[judged] = train(learnt, features=features, learner=learner, seed=seed).predict(test.matrix[judged])
    return _auc(shuffled, test.labels, test.weights) - _auc(in_order, test.labels, test.weights)


def _halves(groups: Sequence[pl.Series], seed: int) -> list[Integers]:
    """Deal groups into halves 0 and 1; the same group has the same half in every slice."""
    numbers = codes(pl.concat(list(groups)))
    side = np.random.default_rng(seed).permutation(int(numbers.max()) + 1) % 2
    return np.split(side[numbers], np.cumsum([len(part) for part in groups])[:-1])


def _sample(parts: Sequence[Rows], size: int, rng: np.random.Generator) -> Rows:
    """Draw `size` rows from parts laid end to end, without replacement, in their order."""
    ends = np.cumsum([len(part) for part in parts])
    chosen = np.sort(rng.choice(ends[-1], size, replace=False))
    pieces = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    taken = [part.take(piece - end + len(part)) for part, piece, end in zip(parts, pieces, ends, strict=True)]
    return Rows.concat(taken)


def rows_from_the_future(frame: pl.DataFrame) -> int:
    """Rows with a feature that became valid after the decision."""
    times = [name for name in frame.columns if name.startswith(FEATURE_TIME)]
    later = pl.any_horizontal(pl.lit(False), *[pl.col(name) > pl.col("decided_at") for name in times])
    return int(frame.select(later.fill_null(False).sum()).item())


def missing_share_shift(
    training: pl.DataFrame, test: pl.DataFrame, features: Sequence[str], *, trending: Collection[str] = ()
) -> NamedShare:
    """The feature whose share of missing values differs most between training and test rows, and by how much.

    A view's features are counted where the view had a row at all: in a young marketplace fewer and fewer keys
    are new, which says nothing of how a feature is computed. Features in `trending` are left out for the same reason.
    """
    judged = [name for name in features if name not in trending]
    shares = [_missing_shares(frame, judged) for frame in (training, test)]
    shift = np.abs(shares[0] - shares[1])
    worst = int(np.argmax(shift))
    return NamedShare(judged[worst], float(shift[worst]))


def _missing_shares(frame: pl.DataFrame, features: Sequence[str]) -> Floats:
    times = [name for name in frame.columns if name.startswith(FEATURE_TIME)]
    missing = []
    for feature in features:
        share = (pl.col(feature).is_null() | pl.col(feature).is_nan()).cast(pl.Float64)
        of_view = [time for time in times if feature.startswith(f"{time.removeprefix(FEATURE_TIME)}_")]
        missing.append((share.filter(pl.col(of_view[0]).is_not_null()) if of_view else share).mean().alias(feature))
    shares: Floats = frame.select(missing).fill_null(0.0).to_numpy()[0]
    return shares


def personal_inputs(features: Sequence[str]) -> tuple[str, ...]:
    """Features that are named after a column of personal data, or after an identifier.

    >>> personal_inputs(["order_price", "order_device", "buyer_id"])
    ('order_device', 'buyer_id')
    """
    barred = {column for table in TABLES.values() for column in table.personal} | {"id"}
    return tuple(name for name in features if any(name == word or name.endswith(f"_{word}") for word in barred))


def schema_differences(frame: pl.DataFrame, features: Sequence[str]) -> tuple[str, ...]:
    """Sentences on features that are absent, not numbers, listed twice or no features at all."""
    found = [f"{name} is listed more than once" for name in sorted({n for n in features if features.count(n) > 1})]
    for name in features:
        if name in RESERVED or name.startswith(FEATURE_TIME):
            found.append(f"{name} says what a row is and cannot be a feature")
        elif name not in frame.columns:
            found.append(f"{name} is absent")
        elif frame.schema[name] != pl.Float64:
            found.append(f"{name} is {frame.schema[name]} instead of Float64")
    return tuple(found)
