"""Landing a small dated marketplace: what is delivered lands, and doing it again changes nothing."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
from payment_deliveries import BAD, DAYS, deliver, digests, first, land_days, path_of, payments, plan_days

from governance.contracts.personal import PUBLISHED, KeyedHash
from governance.marketplaces.landing import plan
from governance.marketplaces.marketplace import Marketplace
from governance.marketplaces.source import Source
from governance.storage.lake import Lake


def test_landed_rows_are_those_delivered_with_personal_values_hashed(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    report = land_days(lake, bazaar, owner)

    assert [landed.day for landed in report.landed] == DAYS
    assert (report.rows, report.quarantined, report.collapsed, report.failures) == (50, 0, 0, {})
    landed = lake.read("raw/payments", [BAD])
    assert landed.drop("instrument").equals(payments(BAD).drop("instrument"))
    assert landed["instrument"].to_list() == PUBLISHED.column(payments(BAD)["instrument"]).to_list()
    manifest = lake.manifest("raw/payments", BAD)
    assert manifest is not None
    assert manifest.facts == {
        "delivered": 10,
        "quarantined": 0,
        "reasons": {},
        "collapsed": 0,
        "unknown_columns": [],
        "filled_columns": [],
        "newest_known_at": "2026-03-03T09:00:00+00:00",
        "oldest_occurred_at": "2026-03-03T00:00:00+00:00",
        "exclusions": [],
    }


def test_landing_again_writes_nothing_and_landing_the_same_content_anew_changes_no_digest(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    land_days(lake, bazaar, owner)
    before = digests(lake)
    written = {day: lake.path("raw/payments", day).stat().st_mtime_ns for day in DAYS}

    again = land_days(lake, bazaar, owner)

    assert (again.landed, again.up_to_date) == ((), tuple(DAYS))
    assert {day: lake.path("raw/payments", day).stat().st_mtime_ns for day in DAYS} == written

    for day in DAYS:
        deliver(owner, day, payments(day).reverse())
        os.utime(path_of(owner, day), ns=(0, 7))
    assert [landed.day for landed in land_days(lake, bazaar, owner).landed] == DAYS
    assert digests(lake) == before


def test_the_plan_names_what_is_missing_and_what_was_delivered_again(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    assert plan_days(lake, bazaar, owner) == {"payments": DAYS}
    land_days(lake, bazaar, owner)
    assert plan_days(lake, bazaar, owner) == {}

    deliver(owner, BAD, payments(BAD)[:9])
    lake.delete("raw/payments", DAYS[4])

    assert plan_days(lake, bazaar, owner) == {"payments": [BAD, DAYS[4]]}
    with Source(bazaar, owner) as source:
        assert plan(lake, bazaar, source, DAYS, key_id="another") == {"payments": DAYS}


def test_a_new_key_lands_everything_again_because_old_and_new_hashes_do_not_join(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    land_days(lake, bazaar, owner)

    report = land_days(lake, bazaar, owner, keyed_hash=KeyedHash("2026-b", b"sixteen bytes or more"))

    assert [landed.day for landed in report.landed] == DAYS
    assert lake.read("raw/payments", DAYS)["instrument"].str.starts_with("2026-b:").all()


def test_progress_is_told_after_each_day_that_was_tried(lake: Lake, bazaar: Marketplace, owner: Path) -> None:
    path_of(owner, BAD).unlink()
    told: list[date] = []

    land_days(lake, bazaar, owner, on_day=told.append)

    assert told == DAYS


_ELSEWHERE = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from governance.contracts.calendar import days_between
from governance.contracts.personal import PUBLISHED
from governance.marketplaces.landing import land
from governance.marketplaces.marketplace import load_marketplace
from governance.marketplaces.source import Source
from governance.storage.lake import Lake

folder, owner, root = map(Path, sys.argv[1:])
bazaar, lake = load_marketplace(folder), Lake(root)
days = days_between(datetime(2026, 3, 1).date(), datetime(2026, 3, 5).date())
with Source(bazaar, owner) as source:
    land(lake, bazaar, source, "payments", days, now=datetime(2026, 4, 1, tzinfo=UTC), keyed_hash=PUBLISHED)
for dataset in ("raw/payments", "quarantine/payments"):
    print(*(manifest.digest for manifest in lake.manifests(dataset).values()))
"""


def test_a_machine_in_tokyo_lands_the_same_rows(lake: Lake, bazaar: Marketplace, owner: Path, tmp_path: Path) -> None:
    (bazaar.folder / "payments.sql").write_text(
        "SELECT * REPLACE (utc(timezone('UTC', occurred_at)) AS occurred_at) FROM source.payments"
    )
    deliver(owner, BAD, payments(BAD).with_columns(kind=first(pl.lit("gift"), "kind")))
    land_days(lake, bazaar, owner)

    answer = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(bazaar.folder), str(owner), str(tmp_path / "tokyo")],
        env=os.environ | {"TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )

    here = [" ".join(digests(lake, dataset).values()) for dataset in ("raw/payments", "quarantine/payments")]
    assert answer.stdout.splitlines() == here
