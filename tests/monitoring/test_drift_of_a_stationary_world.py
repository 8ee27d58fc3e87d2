"""A simulated marketplace in which nothing changes, watched day after day; and the same one after a planted change."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.contracts.calendar import midnight
from governance.contracts.personal import PUBLISHED
from governance.features.build import build, stale_days
from governance.marketplaces.landing import land
from governance.marketplaces.marketplace import load_marketplace
from governance.marketplaces.simulated.campaigns.file import load_campaigns
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.settings import Settings
from governance.marketplaces.simulated.shops.orders import is_sale
from governance.marketplaces.simulated.world import simulate
from governance.models import training_set
from governance.models.training_set import PointInTimeJoin
from governance.workspace import Workspace
from monitoring.drift import DriftReport
from monitoring.judging import judge
from monitoring.weekly import parts_of

FIRST_DAY = date(2024, 1, 1)
BURN_IN = 120
"""Days until the widest windows are full and the campaign, which begins on day 40, has found its pace."""

WINDOW = 28
SEED = 7
TABLES = ("orders", "shipments", "cases", "reviews", "enforcements")


def settled(root: Path, *, buyers: int, days: int, model: str) -> Workspace:
    """A workspace over a new world, with what `model` needs landed and computed."""
    # One campaign without an end, at a steady pace: the others come and go, which is drift.
    campaigns = load_campaigns().only("merchant_fraud", first_day=40, oversampling=20.0)
    settings = Settings(seed=SEED, first_day=FIRST_DAY, buyers=buyers, campaigns=campaigns)
    simulate(root / "source", settings, days=days)
    workspace = Workspace(
        root=root,
        marketplace=load_marketplace("simulated"),
        source_root=root / "source",
        keyed_hash=PUBLISHED,
        objects_url=str(root / "objects"),
    )
    refresh(workspace, model)
    return workspace


def refresh(workspace: Workspace, model: str) -> None:
    """Land and compute what is stale."""
    days = workspace.days()
    with workspace.source() as source:
        for table in TABLES:
            report = land(
                workspace.lake,
                workspace.marketplace,
                source,
                table,
                days,
                now=datetime(2025, 1, 1, tzinfo=UTC),
                keyed_hash=PUBLISHED,
            )
            assert not report.failures
    for name in workspace.models.present[model].spec.views:
        view = workspace.views[name]
        if stale := stale_days(workspace.lake, view, days):
            build(workspace.lake, view, first_day=days[0], first=stale[0], last=days[-1])


def decisions_of(workspace: Workspace, model: str, join: PointInTimeJoin, *, first: date) -> pl.DataFrame:
    """All decisions from `first` on with the features that were valid when they were made."""
    days = [day for day in workspace.days() if day >= first]
    chosen = workspace.models.present[model]
    return training_set.unlabelled(workspace.lake, chosen, workspace.views, days=days, join=join)


def reports(
    workspace: Workspace, model: str, join: PointInTimeJoin, *, last: int
) -> Iterator[tuple[date, DriftReport]]:
    """Each of the `last` days' trailing window against the first one after the burn-in, as every week is judged."""
    chosen, settled_by = workspace.models.present[model], FIRST_DAY + timedelta(days=BURN_IN)
    decisions = decisions_of(workspace, model, join, first=settled_by)
    reference = window(decisions, settled_by + timedelta(days=WINDOW))
    trending = training_set.trending(chosen, workspace.views)
    for day in workspace.days()[-last:]:
        parts = parts_of(chosen, workspace.views, reference, window(decisions, day + timedelta(days=1)))
        yield day, judge(parts, seed=chosen.spec.seed, trending=trending)


def window(decisions: pl.DataFrame, until: date) -> pl.DataFrame:
    """The decisions of the days before a midnight."""
    start, end = midnight(until - timedelta(days=WINDOW)), midnight(until)
    return decisions.filter(pl.col("decided_at").is_between(start, end, closed="left"))


def rewrite(source: Path, table: str, *, last: int, **columns: pl.Expr) -> None:
    """Change columns of the `last` days of a table in the owner's files."""
    for folder in sorted((source / table).iterdir())[-last:]:
        file = folder / "rows.parquet"
        pl.read_parquet(file).with_columns(**columns).write_parquet(file)


def strike(source: Path, *, last: int) -> None:
    """Let parcels of the `last` days be promised six days earlier, so that most of them come late."""
    rewrite(source, "shipments", last=last, due_at=pl.col("due_at") - timedelta(days=6))


def raise_prices(source: Path, factor: float, *, last: int) -> None:
    """Multiply prices, and the discounts and subsidies that are shares of them."""
    names = ("price_minor", "discount_minor", "subsidy_minor")
    rewrite(source, "orders", last=last, **{name: (pl.col(name) * factor).round().cast(pl.Int64) for name in names})


def sales_within(days: Sequence[date]) -> int:
    return sum(is_sale(Today(SEED, FIRST_DAY, (day - FIRST_DAY).days)) for day in days)


@pytest.mark.long
def test_a_week_in_which_nothing_changed_is_quiet_and_one_of_late_parcels_alarms(tmp_path, point_in_time):
    days = BURN_IN + 2 * WINDOW
    workspace = settled(tmp_path, buyers=1_500, days=days, model="merchant_fraud")
    calm = dict(reports(workspace, "merchant_fraud", point_in_time(workspace), last=7))
    assert [day for day, report in calm.items() if report.alarm] == []
    strike(workspace.source_root, last=WINDOW)
    refresh(workspace, "merchant_fraud")
    ((_, report),) = reports(workspace, "merchant_fraud", point_in_time(workspace), last=1)
    drifted = {verdict.column for verdict in report.drifted}
    assert {f"seller_late_delivery_rate_{window}" for window in ("7d", "30d")} <= drifted
    assert all("late" in column for column in drifted)


@pytest.mark.exhaustive
def test_sixty_days_in_which_nothing_changed_with_a_sale_among_them_raise_at_most_two_alarms(tmp_path, point_in_time):
    days = BURN_IN + 2 * WINDOW + 60
    workspace = settled(tmp_path, buyers=3_000, days=days, model="claim")
    watched = workspace.days()[-60:]
    assert sales_within(watched) == 1
    for model in ("claim", "merchant_fraud"):
        alarms = {
            day: report.reasons
            for day, report in reports(workspace, model, point_in_time(workspace), last=60)
            if report.alarm
        }
        assert len(alarms) <= 2, alarms


@pytest.mark.exhaustive
def test_prices_that_double_alarm_within_four_weeks(tmp_path, point_in_time):
    workspace = settled(tmp_path, buyers=3_000, days=BURN_IN + 3 * WINDOW, model="claim")
    raise_prices(workspace.source_root, 2.0, last=WINDOW)
    refresh(workspace, "claim")
    ((_, report),) = reports(workspace, "claim", point_in_time(workspace), last=1)
    drifted = {verdict.column for verdict in report.drifted}
    assert "order_price_to_category" in drifted
    other = {name for name in drifted if not ("price" in name or "revenue" in name or name == "order_shipping_share")}
    assert not other, other
