"""How far current rows are from a profile, column by column: significance and size of effect."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from monitoring.profiles import Cells, ColumnProfile, Floats, Profile, effective_weights

EXPECTED_AT_LEAST = 5.0
"""Neighbouring cells are joined until this many rows are expected on the smaller side (Cochran 1954, Biometrics 10)."""

SHARE_FLOOR = 1e-4
"""A cell counts as holding at least this share, so that an effect never grows with the sample alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How one column differs. Shares are of all rows of their side; `rows_*` are effective sample sizes.

    `effect` is the population stability index without what chance alone adds to it, in nats.
    `new_category_share` is None for numbers, and for columns with too many categories to remember.
    """

    column: str
    kind: str
    p_value: float
    effect: float
    missing_before: float
    missing_after: float
    new_category_share: float | None
    column_missing: bool
    rows_reference: float
    rows_current: float


def compare(profile: Profile, current: pl.DataFrame) -> list[ColumnDrift]:
    """Compare every profiled column with `current`, which is first reduced as the profile was.

    A column that `current` lacks is reported as missing everywhere. A side without rows shows no drift.
    """
    frame = profile.reduced(current)
    weights = effective_weights(frame, profile.weight)
    return [_compare(name, column, frame, weights) for name, column in profile.columns.items()]


def _compare(name: str, profiled: ColumnProfile, frame: pl.DataFrame, weights: Floats | None) -> ColumnDrift:
    absent = name not in frame.columns
    series = pl.repeat(None, frame.height, dtype=pl.Float64, eager=True) if absent else frame[name]
    cells = profiled.cells(series, weights)
    return ColumnDrift(
        column=name,
        kind=profiled.kind,
        p_value=p_value(cells),
        effect=effect(cells),
        missing_before=_share(cells.missing_reference, cells.rows_reference),
        missing_after=_share(cells.missing_current, cells.rows_current),
        new_category_share=None if cells.unseen is None else _share(cells.unseen, cells.rows_current),
        column_missing=absent,
        rows_reference=cells.rows_reference,
        rows_current=cells.rows_current,
    )


def p_value(cells: Cells) -> float:
    """Probability of so large a difference if both sides were drawn from one distribution.

    The smaller of two tests that hold for any sample size, doubled (Bonferroni) where both apply: Pearson's
    chi-square over the cells of present values, and the exact hypergeometric test of the missing share. A rare
    missing value would otherwise have to share a cell with something else to be tested at all.
    """
    tests = [p for p in (_values_p_value(cells), _missing_p_value(cells)) if p is not None]
    return min(1.0, len(tests) * min(tests)) if tests else 1.0


def effect(cells: Cells) -> float:
    """Population stability index over the joined cells and missingness, minus its expectation without drift.

    Without drift the index is about (cells - 1) (1/n + 1/m) (Yurdakul 2018, Western Michigan University,
    Statistical Properties of PSI), which at n = 200 alone exceeds the customary bound of 0.1.
    """
    sizes = np.array([cells.rows_reference, cells.rows_current])
    if sizes.min() <= 0:
        return 0.0
    counts = np.append(_joined(cells), [[cells.missing_reference], [cells.missing_current]], axis=1)
    floor = max(SHARE_FLOOR, 0.5 / float(sizes.min()))
    reference, current = np.maximum(counts / sizes[:, None], floor)
    index = float(((current - reference) * np.log(current / reference)).sum())
    used = int((counts.sum(axis=0) > 0).sum())
    return max(0.0, index - (used - 1) * float((1 / sizes).sum()))


def _values_p_value(cells: Cells) -> float | None:
    """Pearson's test of homogeneity on a table of two rows; None where fewer than two cells are left."""
    from scipy.special import chdtrc

    counts = _joined(cells)
    if counts.shape[1] < 2 or not counts.sum(axis=1).all():
        return None
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = float((np.square(counts - expected) / expected).sum())
    return float(chdtrc(counts.shape[1] - 1, statistic))


def _missing_p_value(cells: Cells) -> float | None:
    missing, rows = cells.missing_reference + cells.missing_current, cells.rows_reference + cells.rows_current
    if not 0 < missing < rows:
        return None
    return proportion_p_value(cells.missing_reference, cells.rows_reference, cells.missing_current, cells.rows_current)


def proportion_p_value(hits: float, rows: float, other_hits: float, other_rows: float) -> float:
    """Exact two-sided test that two shares are equal: twice the smaller tail of the hypergeometric distribution.

    Fisher's test in the form that depends on the margins only; counts are rounded where they are weighted.

    >>> round(proportion_p_value(0, 5000, 10, 200), 12)
    0.0
    >>> proportion_p_value(5, 100, 5, 100)
    1.0
    """
    from scipy.stats import hypergeom

    hits, rows, other_hits, other_rows = (round(count) for count in (hits, rows, other_hits, other_rows))
    null = hypergeom(rows + other_rows, hits + other_hits, other_rows)
    return float(min(1.0, 2 * min(null.cdf(other_hits), null.sf(other_hits - 1))))


def adjusted(p_values: list[float]) -> list[float]:
    """Adjusted p-values: of the columns below q, at most a share q is false (Benjamini and Hochberg 1995, JRSS B 57).

    They also hold for columns that depend on each other positively, as features of one entity do.
    """
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values)] if p_values else []


def _joined(cells: Cells) -> Floats:
    """Counts of present values, two rows, after sparse cells were joined.

    Which cells are joined depends on both sides' sum only, so the choice cannot favour a difference.
    """
    counts = np.stack([cells.reference, cells.current])
    counts = counts[:, counts.sum(axis=0) > 0]
    if not cells.ordered:
        counts = counts[:, np.argsort(counts.sum(axis=0), kind="stable")]
    if counts.shape[1] < 2:
        return counts
    smaller_side = float(counts.sum(axis=1).min() / counts.sum())
    return np.add.reduceat(counts, _starts(counts.sum(axis=0) * smaller_side), axis=1)


def _starts(expected: Floats) -> list[int]:
    """First cell of each group that is expected to hold enough rows; what is left over joins the last group."""
    starts, held = [0], 0.0
    for cell, rows in enumerate(expected.tolist()):
        if held >= EXPECTED_AT_LEAST:
            starts.append(cell)
            held = 0.0
        held += rows
    return starts[:-1] if held < EXPECTED_AT_LEAST and len(starts) > 1 else starts


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
