"""What really was, and what an ideal observer would have said of it: for judging models, never for making them.

A synthetic marketplace keeps it under `truth/`, apart from what it delivers. Only `governance.models.skill` and
`governance.marketplaces.honesty` may import this module; import-linter holds that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

DECISIONS = pl.Schema(
    {
        "entity_id": pl.String(),
        "occurred_at": pl.Datetime("us", "UTC"),
        "truth": pl.Float64(),
        "oracle": pl.Float64(),
        "campaign": pl.String(),
    }
)
"""A decision: what it was about and when, whether it was so (1, 0 or a share), the ideal observer's probability of
that, and the campaign behind it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """The share of a label's decisions that would be positive in nature, and the factor by which there are more."""

    natural: float | None = None
    oversampling: float = 1.0


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth about one marketplace; `samplings` holds what is known of the labels' prevalence."""

    folder: Path
    samplings: Mapping[str, Sampling]

    def decisions(self, label: str) -> pl.DataFrame:
        """Every decision that a label is about, one row for each entity and time, in the columns of `DECISIONS`."""
        paths = sorted(self.folder.glob("decisions/dt=*/rows.parquet"))
        if not paths:
            return DECISIONS.to_frame()
        rows = pl.scan_parquet(paths, hive_partitioning=False).filter(pl.col("label") == label)
        chosen = rows.select(pl.col(name).cast(kind) for name, kind in DECISIONS.items()).collect()
        return chosen.unique(["entity_id", "occurred_at"], keep="last", maintain_order=True)

    def sampling(self, label: str) -> Sampling:
        """How much of a label there is; nothing is stated of one that is as frequent as in nature."""
        return self.samplings.get(label, Sampling())


def read_truth(source_root: Path) -> Truth | None:
    """The truth about the marketplace whose files lie in a folder, None where nobody knows it."""
    folder = source_root / "truth"
    if not folder.is_dir():
        return None
    path = source_root / "world.json"
    facts: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return Truth(folder, {label: Sampling(**one) for label, one in facts.get("prevalence", {}).items()})
