"""Every bad delivery has its documented outcome: it is refused, quarantined, collapsed or named."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from payment_deliveries import BAD, DAYS, deliver, digests, first, land_days, path_of, payments, plan_days

from governance.contracts.calendar import midnight
from governance.marketplaces.marketplace import Marketplace
from governance.storage.lake import Lake


def _changed(**columns: pl.Expr | pl.Series) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(**columns)


def _delete(path: Path) -> None:
    path.unlink()


def _break(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(_delete, r"payments of 2026-03-03: .*rows\.parquet is missing; deliver it", id="missing file"),
        pytest.param(_break, r"payments of 2026-03-03: .*rows\.parquet is no Parquet file", id="corrupt file"),
        pytest.param(
            lambda path: payments(BAD).drop("buyer_id").write_parquet(path),
            r"payments of 2026-03-03 lacks buyer_id",
            id="missing column",
        ),
        pytest.param(
            lambda path: payments(BAD).with_columns(pl.col("known_at").dt.replace_time_zone(None)).write_parquet(path),
            r"10 of 10 rows break the contract.*wrong type: known_at \(10\)",
            id="local times",
        ),
        pytest.param(
            lambda path: payments(BAD).with_columns(amount_minor=pl.lit(-1)).write_parquet(path),
            r"payments of 2026-03-03: 10 of 10 rows .* share of 0\.2 .*out of bounds: amount_minor \(10\)",
            id="too much quarantined",
        ),
        pytest.param(
            lambda path: payments(DAYS[1]).write_parquet(path),
            r"known before its day \(10\)",
            id="the file of another day",
        ),
    ],
)
def test_one_bad_day_is_named_while_the_others_and_its_older_partition_stand(
    lake: Lake, bazaar: Marketplace, owner: Path, spoil: Callable[[Path], None], message: str
) -> None:
    land_days(lake, bazaar, owner)
    before = digests(lake)
    deliver(owner, DAYS[0], payments(DAYS[0])[:5])
    deliver(owner, DAYS[4], payments(DAYS[4])[:5])
    spoil(path_of(owner, BAD))

    report = land_days(lake, bazaar, owner)

    assert list(report.failures) == [BAD]
    assert pl.Series([report.failures[BAD]]).str.contains(message).all(), report.failures[BAD]
    assert [landed.day for landed in report.landed] == [DAYS[0], DAYS[4]]
    after = digests(lake)
    assert [day for day in DAYS if after[day] != before[day]] == [DAYS[0], DAYS[4]]
    assert plan_days(lake, bazaar, owner) == {"payments": [BAD]}

    deliver(owner, BAD, payments(BAD))
    repaired = land_days(lake, bazaar, owner)
    assert ([landed.day for landed in repaired.landed], repaired.failures) == ([BAD], {})
    assert digests(lake)[BAD] == before[BAD]
    assert lake.days("quarantine/payments") == []


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(
            _changed(amount_minor=first(pl.lit("ten"), "amount_minor")), "wrong type: amount_minor", id="type"
        ),
        pytest.param(_changed(payment_id=first(None, "payment_id")), "null: payment_id", id="null key"),
        pytest.param(
            _changed(known_at=first(pl.lit(midnight(BAD) + timedelta(days=1)), "known_at")),
            "time in the future: known_at",
            id="known in the future",
        ),
        pytest.param(
            _changed(occurred_at=first(pl.lit(midnight(BAD) + timedelta(hours=30)), "occurred_at")),
            "time in the future: occurred_at",
            id="occurred in the future",
        ),
        pytest.param(_changed(kind=first(pl.lit("gift"), "kind")), "not one of the choices: kind", id="choice"),
    ],
)
def test_a_few_bad_rows_are_quarantined_and_the_rest_of_the_day_lands(
    lake: Lake, bazaar: Marketplace, owner: Path, spoil: Callable[[pl.DataFrame], pl.DataFrame], reason: str
) -> None:
    deliver(owner, BAD, spoil(payments(BAD)))

    report = land_days(lake, bazaar, owner)

    assert report.failures == {}
    assert (report.rows, report.quarantined) == (49, 1)
    assert [landed.reasons for landed in report.landed] == [{}, {}, {reason: 1}, {}, {}]
    assert lake.read("raw/payments", [BAD]).height == 9
    quarantined = lake.read("quarantine/payments", DAYS)
    assert quarantined.select("reason", "table", "day").rows() == [(reason, "payments", BAD)]
    assert "4111" not in quarantined["row"][0]
    before = digests(lake, "quarantine/payments")
    os.utime(path_of(owner, BAD), ns=(0, 7))
    land_days(lake, bazaar, owner)
    assert digests(lake, "quarantine/payments") == before


def test_rows_delivered_twice_collapse_and_rows_that_contradict_each_other_are_quarantined(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    rows = payments(BAD)
    contradiction = rows[1].with_columns(amount_minor=pl.lit(99, pl.Int64))
    deliver(owner, BAD, pl.concat([rows, rows[0], rows[0], contradiction]))

    report = land_days(lake, bazaar, owner)

    assert (report.rows, report.quarantined, report.collapsed) == (49, 2, 2)
    assert report.landed[2].reasons == {"duplicate key": 2}
    landed = lake.read("raw/payments", [BAD])
    assert landed["payment_id"].to_list() == [rows["payment_id"][0], *rows["payment_id"][2:]]


def test_an_unknown_column_does_not_land_and_is_named_in_the_facts(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    land_days(lake, bazaar, owner)
    before = digests(lake)
    deliver(owner, BAD, payments(BAD).with_columns(mood=pl.lit("good")).drop("reason_code"))

    report = land_days(lake, bazaar, owner)

    assert [landed.day for landed in report.landed] == [BAD]
    manifest = lake.manifest("raw/payments", BAD)
    assert manifest is not None
    assert manifest.facts["unknown_columns"] == ["mood"]
    assert manifest.facts["filled_columns"] == ["reason_code"]
    assert digests(lake) == before


def test_a_refused_day_leaves_its_quarantined_rows_to_look_at(lake: Lake, bazaar: Marketplace, owner: Path) -> None:
    deliver(owner, BAD, payments(BAD).with_columns(amount_minor=pl.lit(-1)))

    report = land_days(lake, bazaar, owner)

    assert list(report.failures) == [BAD]
    assert lake.days("raw/payments") == [day for day in DAYS if day != BAD]
    assert lake.read("quarantine/payments", [BAD]).height == 10
