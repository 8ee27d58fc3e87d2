"""The numbers of a training set's rows as arrays, in one place so that every step reads them alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

RESERVED = (
    "row_id",
    "entity_id",
    "group_id",
    "decided_at",
    "matured_at",
    "label",
    "label_reason",
    "weight",
    "amount_minor",
)
"""Columns of a training set that say what a row is; none of them is ever a feature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a training set; every array has the same length.

    `matrix` is (rows, features) with NaN for missing, `labels` 0 or 1, `weights` how many rows each one
    stands for, `amounts` the money at stake in minor units of the reference currency.
    """

    matrix: Floats
    labels: Floats
    weights: Floats
    amounts: Floats
    groups: pl.Series
    entities: pl.Series

    @classmethod
    def of(cls, frame: pl.DataFrame, features: Sequence[str]) -> "Rows":
        """The arrays of a training-set frame, with `features` in this order."""
        return cls(
            matrix=to_matrix(frame, features),
            labels=frame["label"].cast(pl.Float64).to_numpy(),
            weights=frame["weight"].to_numpy(),
            amounts=frame["amount_minor"].cast(pl.Float64).fill_null(0.0).to_numpy(),
            groups=frame["group_id"],
            entities=frame["entity_id"],
        )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Integers) -> "Rows":
        """The rows at these positions, in this order."""
        return Rows(
            matrix=self.matrix[index],
            labels=self.labels[index],
            weights=self.weights[index],
            amounts=self.amounts[index],
            groups=self.groups[index],
            entities=self.entities[index],
        )

    def where(self, keep: npt.NDArray[np.bool_]) -> "Rows":
        """The rows whose flag is set."""
        return self.take(np.flatnonzero(keep))

    @classmethod
    def concat(cls, parts: Sequence["Rows"]) -> "Rows":
        """Rows laid end to end."""
        return cls(
            matrix=np.concatenate([part.matrix for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            weights=np.concatenate([part.weights for part in parts]),
            amounts=np.concatenate([part.amounts for part in parts]),
            groups=pl.concat([part.groups for part in parts]),
            entities=pl.concat([part.entities for part in parts]),
        )

    @property
    def positive_entities(self) -> pl.Series:
        """Entity of every positive row."""
        return self.entities.filter(pl.Series(self.labels > 0))


def to_matrix(frame: pl.DataFrame, features: Sequence[str]) -> Floats:
    """A (rows, features) array of 64-bit floats in row order, with NaN where a value is missing."""
    columns = frame.select(pl.col(name).cast(pl.Float64).fill_null(float("nan")) for name in features)
    return np.ascontiguousarray(columns.to_numpy(), dtype=np.float64)


def codes(groups: pl.Series) -> Integers:
    """Groups as integers from 0 in sorted order, so that they do not depend on the order of rows.

    >>> codes(pl.Series(["b", "a", "b"])).tolist()
    [1, 0, 1]
    """
    return groups.rank("dense").cast(pl.Int64).to_numpy() - 1
