"""Gradient-boosted trees that come out the same, byte for byte, whenever the same rows go in."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from governance.models.rows import Rows

if TYPE_CHECKING:
    from lightgbm import Booster

DEFAULT_LEARNER: Mapping[str, Any] = {
    "rounds": 200,
    "learning_rate": 0.05,
    "num_leaves": 4,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 127,
}
"""Small trees: rates of rare outcomes are noisy, and what holds next month is mostly additive.

Parameters of LightGBM; `rounds` counts trees, `increasing` names features that may only raise the score.
"""

# One thread: on a shared machine two threads wait for each other at every split and took four times the CPU.
_REPRODUCIBLE: Mapping[str, Any] = {
    "objective": "binary",
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


def train(rows: Rows, *, features: Sequence[str], learner: Mapping[str, Any], seed: int) -> "Booster":
    """Fit trees to weighted rows; NaN stays missing.

    There is no early stopping: the number of trees is a parameter, so no slice is looked at twice.

    Parameters
    ----------
    rows
        Training rows; `rows.matrix` has one column per feature. Weights are scaled to a mean of 1.
    learner
        Overrides of `DEFAULT_LEARNER`; what makes a fit reproducible cannot be overridden.
    """
    import lightgbm

    settings = {**DEFAULT_LEARNER, **learner}
    rounds = int(settings.pop("rounds"))
    increasing = frozenset(settings.pop("increasing", ()))
    if increasing:
        settings["monotone_constraints"] = [int(name in increasing) for name in features]
    data = lightgbm.Dataset(
        rows.matrix,
        label=rows.labels,
        weight=rows.weights / rows.weights.mean(),
        feature_name=list(features),
        params={"verbosity": -1},
    )
    return lightgbm.train({**settings, **_REPRODUCIBLE, "seed": seed}, data, num_boost_round=rounds)
