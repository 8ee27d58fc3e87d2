"""Shares of positive labels, compared honestly although the rows of one seller are alike."""

from dataclasses import dataclass

import polars as pl

from monitoring.statistics import proportion_p_value


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of how many matured rows were positive.

    `design_effect` is how many times as many rows as independent ones it took to say so much: 1 where rows are
    independent, the size of the groups where all rows of a group agree.
    """

    positives: int
    rows: int
    design_effect: float = 1.0

    @classmethod
    def of(cls, matured: pl.DataFrame, *, label: str = "label", group: str | None = None) -> "Proportion":
        """Count a 0/1 column; rows of one `group`, such as the lines that a seller sold, may depend on each other."""
        positives, rows = int(matured[label].sum()), matured.height
        if group is None or not rows:
            return cls(positives, rows)
        # In order, because sums of floats depend on it and a report's digest on them.
        groups = matured.group_by(group).agg(rows=pl.len(), positives=pl.col(label).sum()).sort(group)
        return cls(positives, rows, _design_effect(groups, positives / rows))

    @property
    def rate(self) -> float:
        """Share of positives."""
        return self.positives / self.rows if self.rows else 0.0

    def p_value(self, other: "Proportion") -> float:
        """Exact two-sided test that both rates are equal, on as many rows as independent ones would be.

        The correction is the first-order one of Rao and Scott (1984, Annals of Statistics 12).
        """
        return proportion_p_value(
            self.positives / self.design_effect,
            self.rows / self.design_effect,
            other.positives / other.design_effect,
            other.rows / other.design_effect,
        )


def _design_effect(groups: pl.DataFrame, rate: float) -> float:
    """Variance of the rate by whole groups over that by independent rows (Kish 1965, Survey Sampling), at least 1."""
    sizes, hits = (groups[name].cast(pl.Float64).to_numpy() for name in ("rows", "positives"))
    if not 0 < rate < 1 or len(sizes) < 2:
        # All rows say the same, which tells nothing of how alike they are: each group counts as one row.
        return float((sizes**2).sum() / sizes.sum())
    between = float(((hits - rate * sizes) ** 2).sum()) * len(sizes) / (len(sizes) - 1)
    return max(1.0, between / float(sizes.sum() * rate * (1 - rate)))
