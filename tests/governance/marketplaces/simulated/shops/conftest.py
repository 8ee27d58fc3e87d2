"""A handful of shops at work without anybody around them: what the tests of this package look at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
import pytest

from governance.contracts.tables import TABLES
from governance.marketplaces.simulated import people, shops, stage
from governance.marketplaces.simulated.campaigns.file import Campaign, Campaigns, Prevalence
from governance.marketplaces.simulated.campaigns.standing import Standing, fresh
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.plans import no_plans
from governance.marketplaces.simulated.rows import DECISIONS, Outbox
from governance.marketplaces.simulated.settings import Settings

FIRST_DAY = date(2024, 1, 1)


@dataclass
class Street:
    """As much of a world as shops need; nothing that is ordered is ever sent."""

    settings: Settings
    outbox: Outbox
    people: people.People
    shops: shops.Shops
    stage: stage.Stage
    standing: Standing
    rows: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {name: [] for name in TABLES})
    lines: list[pl.DataFrame] = field(default_factory=list)

    def today(self, index: int) -> Today:
        return Today(self.settings.seed, self.settings.first_day, index)

    def live(self, days: range) -> None:
        for index in days:
            today = self.today(index)
            shops.enforce(self, today)
            visits = people.visit(self, today)
            plans = pl.concat([no_plans(), shops.plans(self, today)])
            self.lines.append(shops.trade(self, today, visits, plans))
            shops.end_day(self, today)
            known = {name: self.outbox.take(table, today) for name, table in TABLES.items()}
            shops.remember(self, today, known)
            for name, rows in known.items():
                self.rows[name].append(rows)
            self.standing.answer(self.settings.campaigns, buyers=self.settings.buyers)

    def known(self, table: str) -> pl.DataFrame:
        return pl.concat(self.rows[table])

    def decided(self, label: str) -> pl.DataFrame:
        return self.outbox.revealed(DECISIONS).filter(pl.col("label") == label)


@pytest.fixture(scope="session")
def street() -> Callable[..., Street]:
    """Makes a street of shops with the campaigns given."""

    def make(*campaigns: Campaign, buyers: int = 400, seed: int = 5) -> Street:
        prevalence = {one.kind: Prevalence(natural=0.01) for one in campaigns}
        settings = Settings(
            seed=seed, first_day=FIRST_DAY, buyers=buyers, campaigns=Campaigns(tuple(campaigns), prevalence)
        )
        today, outbox = Today(seed, FIRST_DAY, 0), Outbox()
        return Street(
            settings=settings,
            outbox=outbox,
            people=people.begin(settings, today, outbox),
            shops=shops.begin(settings, today, outbox),
            stage=stage.begin(settings, today, outbox),
            standing=fresh(settings.campaigns),
        )

    return make


def auc(truth: pl.Series, score: pl.Series) -> float:
    """Area under the curve by ranks."""
    rank, true = score.rank().to_numpy(), truth.to_numpy() > 0
    count = int(true.sum())
    area: float = (rank[true].sum() - count * (count + 1) / 2) / (count * (len(true) - count))
    return float(np.round(area, 6))
