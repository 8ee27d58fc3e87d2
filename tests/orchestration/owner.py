"""The owner's side of a marketplace: a world that the simulator goes on with, and the folder that its days come to."""

import io
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

FIRST = date(2024, 1, 1)

CAMPAIGNS = """
[prevalence.merchant_fraud]
natural = 0.0018
oversampling = 40.0

[prevalence.refund_abuse]
natural = 0.014

[[campaign]]
name = "shops that never ship"
kind = "merchant_fraud"
first_day = 12
last_day = 55
members_per_10k_buyers = 4.0

[campaign.tactic]
new_account = false
warm_up_low = 2
warm_up_high = 12
price_low = 0.5
price_high = 0.6
withholds = 1.0
fakes = 0.0
found_days = 8.0
found_share = 0.9

[[campaign]]
name = "old habits"
kind = "refund_abuse"
first_day = 1
last_day = 55
members_per_10k_buyers = 200
intensity = 12.0

[[campaign]]
name = "a wave of empty boxes"
kind = "refund_abuse"
first_day = 42
last_day = 49
members_per_10k_buyers = 800
intensity = 15.0
"""
"""Abuse that goes on all the time, from which a small world's models learn, and a wave of a week."""


def day(number: int) -> date:
    """A day of the world; the first one is 1."""
    return FIRST + timedelta(days=number - 1)


@dataclass(frozen=True, slots=True)
class Owner:
    """A simulated world of which some days have been lived, and the folder into which they are delivered."""

    program: Path
    world: Path
    folder: Path

    def begin(self, days: int, *, buyers: int, seed: int) -> None:
        """Simulate the world's first days."""
        campaigns = self.world.with_suffix(".toml")
        campaigns.write_text(CAMPAIGNS)
        self._simulate("--days", days, "--buyers", buyers, "--seed", seed, "--campaigns", campaigns)

    def go_on(self, days: int) -> list[tuple[str, int]]:
        """Live the next days; returns what was delivered and the simulator has corrected now, by table and day."""
        delivered = sorted(path.relative_to(self.folder) for path in self.folder.glob("*/dt=*/rows.parquet"))
        before = {one: (self.world / one).read_bytes() for one in delivered}
        self._simulate("--continue", days)
        changed = [one for one in delivered if (self.world / one).read_bytes() != before[one]]
        return [(one.parts[0], (date.fromisoformat(one.parts[1][3:]) - FIRST).days + 1) for one in changed]

    def release(
        self,
        first: int,
        last: int,
        *,
        instead: Mapping[tuple[str, int], bytes] | None = None,
        but: tuple[str, int] | None = None,
    ) -> None:
        """Deliver days, the first one last: what is not in order is not taken, so that all are taken at once.

        `instead` are other files than the simulator's, `but` is one that does not come.
        """
        for number in range(last, first - 1, -1):
            for found in sorted(self.world.glob(f"*/dt={day(number)}/rows.parquet")):
                one = (found.parent.parent.name, number)
                if one != but:
                    self.put(*one, (instead or {}).get(one))

    def put(self, table: str, number: int, data: bytes | None = None) -> None:
        """Deliver one file, whole or not at all; without `data` as the simulator wrote it."""
        to = self.folder / table / f"dt={day(number)}" / "rows.parquet"
        to.parent.mkdir(parents=True, exist_ok=True)
        temporary = to.with_name(".arriving")
        temporary.write_bytes(data or (self.world / to.relative_to(self.folder)).read_bytes())
        temporary.replace(to)

    def fewer(self, table: str, number: int) -> bytes:
        """A day's file as it is delivered again: some of its rows were none."""
        rows = self.rows(table, number)
        return _file(rows.head(rows.height * 2 // 3))

    def poisoned(self, number: int) -> bytes:
        """A day's reviews as a file that looks like one, and half of whose rows break their contract."""
        rows = self.rows("reviews", number)
        beyond = pl.when(pl.int_range(pl.len()) % 2 == 0).then(9).otherwise("rating")
        return _file(rows.with_columns(rating=beyond.cast(rows.schema["rating"])))

    def leaking(self, number: int) -> bytes:
        """A day's orders into which somebody wrote, weeks later, which of them ended in a case."""
        cases = pl.read_parquet(self.world / "cases" / "*" / "rows.parquet", hive_partitioning=False)
        rows = self.rows("orders", number)
        told = pl.when(pl.col("order_id").is_in(cases["order_id"].unique().to_list())).then(24).otherwise(1)
        return _file(rows.with_columns(instalments=told.cast(rows.schema["instalments"])))

    def rows(self, table: str, number: int) -> pl.DataFrame:
        """A day of a table as the simulator wrote it last."""
        return pl.read_parquet(self.world / table / f"dt={day(number)}" / "rows.parquet", hive_partitioning=False)

    def _simulate(self, *words: object) -> None:
        command = [self.program, "simulate", "--out", self.world, *map(str, words)]
        subprocess.run(command, env=os.environ, check=True, capture_output=True)


def _file(rows: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    rows.write_parquet(file)
    return file.getvalue()
