"""Whether a synthetic world is honest: nothing that lies open gives a label away, and the oracle is what it claims.

Public fraud generators leak: in one, the label is a threshold on one column. Here every observed column is tried in
every reading, alone and in a small tree, against the truth and beside the oracle.

`python -m governance.marketplaces.honesty FOLDER` checks every label of a world.
"""

import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from governance.errors import InputError
from governance.marketplaces.observed import OBSERVED, observe
from governance.marketplaces.readings import read
from governance.marketplaces.separation import Separation, area, separate, tree_area
from governance.marketplaces.truth import Sampling, read_truth

NEGATIVES_AT_MOST = 20_000
"""A sample of so many tells as much about a ranking as all of them."""

POSITIVES_AT_MOST = 10_000

_TRUE_ABOVE = 0.5
_BOUNDS = Path(__file__).with_name("honesty.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a world may give away of one label; `honesty.toml` says what each means."""

    column_auc_at_most: float
    tree_below_oracle_at_least: float
    column_below_oracle_at_least: float
    oracle_auc_at_most: float
    oracle_over_truth_within: float
    exclusive_share_at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Honesty:
    """What was measured of one label; `separations` has the strongest first.

    `positive_groups` is what the figures rest on: a hundred orders of three sellers are three of a kind.
    """

    label: str
    decisions: int
    positives: int
    positive_entities: int
    positive_groups: int
    oracle_auc: float
    oracle_over_truth: float
    tree_auc: float
    separations: tuple[Separation, ...]

    @property
    def strongest(self) -> Separation:
        """The reading that separates best."""
        return self.separations[0]

    @property
    def most_exclusive(self) -> Separation:
        """The reading with the most positives whose value no negative has."""
        return max(self.separations, key=lambda one: one.exclusive_share)

    def violations(self, bounds: Bounds) -> tuple[str, ...]:
        """A sentence for each bound that does not hold, chance aside: by more than two standard errors."""
        first, most, oracle = self.strongest, self.most_exclusive, f"the oracle ({self.oracle_auc:.3f})"
        luck = 1 + 2 / self.positive_groups**0.5
        ratio = max(self.oracle_over_truth, 1 / max(self.oracle_over_truth, 1e-9)) / luck
        alone = {
            f"{one.reading} alone has an AUC of {one.auc:.3f}": self.surely(one.auc) > bounds.column_auc_at_most
            for one in self.separations
        }
        broken = alone | {
            f"{first.reading} alone ({first.auc:.3f}) comes too close to {oracle}": (
                self.surely(first.auc) > self.oracle_auc - bounds.column_below_oracle_at_least
            ),
            f"a tree of depth 3 ({self.tree_auc:.3f}) comes too close to {oracle}": (
                self.surely(self.tree_auc) > self.oracle_auc - bounds.tree_below_oracle_at_least
            ),
            f"{oracle} knows nearly everything": self.surely(self.oracle_auc) > bounds.oracle_auc_at_most,
            f"the oracle expects {self.oracle_over_truth:.2f} times what is true": (
                ratio > bounds.oracle_over_truth_within
            ),
            f"{most.exclusive_share:.1%} of the positives have a {most.reading} that no negative has": (
                most.exclusive_share > bounds.exclusive_share_at_most
            ),
        }
        return tuple(f"{self.label}: {sentence}" for sentence, found in broken.items() if found)

    def surely(self, auc: float) -> float:
        """An AUC less two standard errors (Hanley and McNeil 1982), each group of positives being one observation."""
        # With far more negatives than positives, only how much positives differ among themselves matters.
        variance = (2 * auc**2 / (1 + auc) - auc**2) / self.positive_groups
        return auc - 2 * float(variance**0.5)


def bounds_of(label: str, path: Path = _BOUNDS) -> Bounds:
    """The bounds of a label: the default ones with what is stated for it."""
    stated = tomllib.loads(path.read_text(encoding="utf-8"))
    return Bounds(**{**stated["default"], **stated.get(label, {})})


def inspect(source_root: Path, label: str) -> Honesty:
    """Hold everything that lies open at a label's decisions against the truth about them.

    Decisions before the first positive one are left out: that nobody had begun yet is no secret.

    Raises
    ------
    InputError
        The world has no truth, or none about this label, or no row is seen at its decisions.
    """
    truth = read_truth(source_root)
    known = truth.decisions(label) if truth is not None else None
    if known is None or not (known["truth"] > _TRUE_ABOVE).any():
        raise InputError(f"{source_root} knows of no decision for which {label} is true")
    rows = observe(source_root, label, known)
    if not (rows["truth"] > _TRUE_ABOVE).any():
        raise InputError(f"{source_root} delivers no row for the decisions of {label}")
    first = rows.filter(pl.col("truth") > _TRUE_ABOVE)["occurred_at"].min()
    return examine(label, rows.filter(pl.col("occurred_at") >= first), groups=OBSERVED[label].groups)


def examine(label: str, rows: pl.DataFrame, *, groups: Sequence[str]) -> Honesty:
    """Measure rows of `observe` that carry `truth` and `oracle`.

    Parameters
    ----------
    groups
        One or two columns; what is learnt of rows is judged on rows that share a value of neither.
    """
    true = rows["truth"] > _TRUE_ABOVE
    sample = pl.concat([_sample(rows.filter(true), POSITIVES_AT_MOST), _sample(rows.filter(~true), NEGATIVES_AT_MOST)])
    outcome = (sample["truth"] > _TRUE_ABOVE).cast(pl.Float64).to_numpy()
    kinds = np.stack([sample[name].rank("dense").cast(pl.Int64).fill_null(0).to_numpy() for name in groups])
    readings = list(read(sample))
    separations = [separate(reading, outcome, kinds) for reading in readings]
    return Honesty(
        label=label,
        decisions=rows.height,
        positives=int(true.sum()),
        positive_entities=rows.filter(true)["entity_id"].n_unique(),
        positive_groups=min(rows.filter(true)[name].n_unique() for name in groups),
        oracle_auc=area(sample["oracle"].to_numpy(), outcome),
        oracle_over_truth=float(rows["oracle"].to_numpy().sum() / rows["truth"].to_numpy().sum()),
        tree_auc=tree_area(readings, outcome, kinds),
        separations=tuple(sorted(separations, key=lambda one: -one.auc)),
    )


def _sample(rows: pl.DataFrame, at_most: int) -> pl.DataFrame:
    return rows if rows.height <= at_most else rows.sample(at_most, seed=7)


def report(source_root: Path, labels: Sequence[str] = tuple(OBSERVED)) -> str:
    """A few lines on each label: how strong the oracle, the tree and the best columns are, and what is violated."""
    return "\n".join(_lines(source_root, label) for label in labels)


def _share(source_root: Path, found: Honesty) -> str:
    """The share of positives, what it would be without oversampling, and what the world states."""
    truth, share = read_truth(source_root), found.positives / found.decisions
    sampling = truth.sampling(found.label) if truth else Sampling()
    natural = share / (share + (1 - share) * sampling.oversampling)
    stated = "not stated" if sampling.natural is None else f"stated {sampling.natural:.2%}"
    return f"{share:.2%} positive, {natural:.2%} without oversampling, {stated}"


def _lines(source_root: Path, label: str) -> str:
    try:
        found = inspect(source_root, label)
    except InputError as nothing:
        return f"{label}: {nothing}"
    best, own = found.separations[:4], found.most_exclusive
    figures = (
        f"{label}: {found.decisions:,} decisions, {found.positives:,} positives "
        f"of {found.positive_entities:,} entities ({_share(source_root, found)})",
        f"AUC of the oracle {found.oracle_auc:.3f}, of a tree {found.tree_auc:.3f}",
        f"of columns {', '.join(f'{one.reading} {one.auc:.3f}' for one in best)}",
        f"oracle over truth {found.oracle_over_truth:.2f}",
        f"{own.exclusive_share:.1%} of the positives have a {own.reading} of their own",
    )
    return "\n  VIOLATED ".join(("; ".join(figures), *found.violations(bounds_of(label))))


if __name__ == "__main__":
    sys.stdout.write(report(Path(sys.argv[1]), sys.argv[2:] or tuple(OBSERVED)) + "\n")
