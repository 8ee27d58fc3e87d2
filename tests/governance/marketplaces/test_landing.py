"""Landing a small dated marketplace: every bad input has its documented outcome, and doing it again changes nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.contracts.calendar import days_between, midnight
from governance.contracts.personal import PUBLISHED, KeyedHash
from governance.contracts.tables import TABLES
from governance.errors import SourceError
from governance.marketplaces.landing import LandingReport, land, plan
from governance.marketplaces.marketplace import Marketplace, load_marketplace
from governance.marketplaces.source import Source
from governance.storage.lake import Lake

FIRST = date(2026, 3, 1)
DAYS = days_between(FIRST, date(2026, 3, 5))
BAD = DAYS[2]
NOW = datetime(2026, 4, 1, tzinfo=UTC)
LINES_A_DAY = 10

TOML = """
name = "bazaar"
currency = "USD"
time_zone = "UTC"
first_day = 2026-03-01
quarantine_share_at_most = 0.2
synthetic = true
dated = true
[files]
payments = "payments/dt={day}/rows.parquet"
"""


def _payments(day: date) -> pl.DataFrame:
    """Ten payments of a day, as the contract wants them."""
    known_at = [midnight(day) + timedelta(hours=hour) for hour in range(LINES_A_DAY)]
    rows = pl.DataFrame(
        {
            "payment_id": [f"{day}-{line}" for line in range(LINES_A_DAY)],
            "occurred_at": known_at,
            "known_at": known_at,
            "market": "US",
            "order_id": [f"order-{line}" for line in range(LINES_A_DAY)],
            "buyer_id": "buyer",
            "kind": "capture",
            "status": "succeeded",
            "method": "card",
            "instrument": "4111 1111 1111 1111",
            "reason_code": None,
            "amount_minor": list(range(LINES_A_DAY)),
            "currency": "USD",
            "reference_rate": 1.0,
        }
    )
    return rows.cast(dict(TABLES["payments"].schema))


def _path(owner: Path, day: date) -> Path:
    return owner / f"payments/dt={day}/rows.parquet"


def _deliver(owner: Path, day: date, rows: pl.DataFrame) -> None:
    path = _path(owner, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)


@pytest.fixture
def bazaar(tmp_path: Path) -> Marketplace:
    folder = tmp_path / "bazaar"
    folder.mkdir()
    (folder / "marketplace.toml").write_text(TOML)
    (folder / "payments.sql").write_text("SELECT * FROM source.payments")
    return load_marketplace(folder)


@pytest.fixture
def owner(tmp_path: Path) -> Path:
    for day in DAYS:
        _deliver(tmp_path / "owner", day, _payments(day))
    return tmp_path / "owner"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def _land(lake: Lake, bazaar: Marketplace, owner: Path, **options: Any) -> LandingReport:
    with Source(bazaar, owner) as source:
        return land(lake, bazaar, source, "payments", DAYS, **({"now": NOW, "keyed_hash": PUBLISHED} | options))


def _plan(lake: Lake, bazaar: Marketplace, owner: Path) -> dict[str, list[date]]:
    with Source(bazaar, owner) as source:
        return plan(lake, bazaar, source, DAYS, key_id=PUBLISHED.key_id)


def _digests(lake: Lake, dataset: str = "raw/payments") -> dict[date, str]:
    return {day: manifest.digest for day, manifest in lake.manifests(dataset).items()}


def _changed(**columns: pl.Expr | pl.Series) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(**columns)


def _first(value: Any, otherwise: str) -> pl.Expr:
    """The column `otherwise` with another value in its first row."""
    return pl.when(pl.int_range(pl.len()) == 0).then(value).otherwise(otherwise)


def test_landed_rows_are_those_delivered_with_personal_values_hashed(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    report = _land(lake, bazaar, owner)

    assert [landed.day for landed in report.landed] == DAYS
    assert (report.rows, report.quarantined, report.collapsed, report.failures) == (50, 0, 0, {})
    landed = lake.read("raw/payments", [BAD])
    assert landed.drop("instrument").equals(_payments(BAD).drop("instrument"))
    assert landed["instrument"].to_list() == PUBLISHED.column(_payments(BAD)["instrument"]).to_list()
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
    _land(lake, bazaar, owner)
    digests = _digests(lake)
    written = {day: lake.path("raw/payments", day).stat().st_mtime_ns for day in DAYS}

    again = _land(lake, bazaar, owner)

    assert (again.landed, again.up_to_date) == ((), tuple(DAYS))
    assert {day: lake.path("raw/payments", day).stat().st_mtime_ns for day in DAYS} == written

    for day in DAYS:
        _deliver(owner, day, _payments(day).reverse())
        os.utime(_path(owner, day), ns=(0, 7))
    assert [landed.day for landed in _land(lake, bazaar, owner).landed] == DAYS
    assert _digests(lake) == digests


def test_the_plan_names_what_is_missing_and_what_was_delivered_again(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    assert _plan(lake, bazaar, owner) == {"payments": DAYS}
    _land(lake, bazaar, owner)
    assert _plan(lake, bazaar, owner) == {}

    _deliver(owner, BAD, _payments(BAD)[:9])
    lake.delete("raw/payments", DAYS[4])

    assert _plan(lake, bazaar, owner) == {"payments": [BAD, DAYS[4]]}
    with Source(bazaar, owner) as source:
        assert plan(lake, bazaar, source, DAYS, key_id="another") == {"payments": DAYS}


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
            lambda path: _payments(BAD).drop("buyer_id").write_parquet(path),
            r"payments of 2026-03-03 lacks buyer_id",
            id="missing column",
        ),
        pytest.param(
            lambda path: _payments(BAD).with_columns(pl.col("known_at").dt.replace_time_zone(None)).write_parquet(path),
            r"10 of 10 rows break the contract.*wrong type: known_at \(10\)",
            id="local times",
        ),
        pytest.param(
            lambda path: _payments(BAD).with_columns(amount_minor=pl.lit(-1)).write_parquet(path),
            r"payments of 2026-03-03: 10 of 10 rows .* share of 0\.2 .*out of bounds: amount_minor \(10\)",
            id="too much quarantined",
        ),
        pytest.param(
            lambda path: _payments(DAYS[1]).write_parquet(path),
            r"known before its day \(10\)",
            id="the file of another day",
        ),
    ],
)
def test_one_bad_day_is_named_while_the_others_and_its_older_partition_stand(
    lake: Lake, bazaar: Marketplace, owner: Path, spoil: Callable[[Path], None], message: str
) -> None:
    _land(lake, bazaar, owner)
    before = _digests(lake)
    _deliver(owner, DAYS[0], _payments(DAYS[0])[:5])
    _deliver(owner, DAYS[4], _payments(DAYS[4])[:5])
    spoil(_path(owner, BAD))

    report = _land(lake, bazaar, owner)

    assert list(report.failures) == [BAD]
    assert pl.Series([report.failures[BAD]]).str.contains(message).all(), report.failures[BAD]
    assert [landed.day for landed in report.landed] == [DAYS[0], DAYS[4]]
    after = _digests(lake)
    assert [day for day in DAYS if after[day] != before[day]] == [DAYS[0], DAYS[4]]
    assert _plan(lake, bazaar, owner) == {"payments": [BAD]}

    _deliver(owner, BAD, _payments(BAD))
    repaired = _land(lake, bazaar, owner)
    assert ([landed.day for landed in repaired.landed], repaired.failures) == ([BAD], {})
    assert _digests(lake)[BAD] == before[BAD]
    assert lake.days("quarantine/payments") == []


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(
            _changed(amount_minor=_first(pl.lit("ten"), "amount_minor")), "wrong type: amount_minor", id="type"
        ),
        pytest.param(_changed(payment_id=_first(None, "payment_id")), "null: payment_id", id="null key"),
        pytest.param(
            _changed(known_at=_first(pl.lit(midnight(BAD) + timedelta(days=1)), "known_at")),
            "time in the future: known_at",
            id="known in the future",
        ),
        pytest.param(
            _changed(occurred_at=_first(pl.lit(midnight(BAD) + timedelta(hours=30)), "occurred_at")),
            "time in the future: occurred_at",
            id="occurred in the future",
        ),
        pytest.param(_changed(kind=_first(pl.lit("gift"), "kind")), "not one of the choices: kind", id="choice"),
    ],
)
def test_a_few_bad_rows_are_quarantined_and_the_rest_of_the_day_lands(
    lake: Lake, bazaar: Marketplace, owner: Path, spoil: Callable[[pl.DataFrame], pl.DataFrame], reason: str
) -> None:
    _deliver(owner, BAD, spoil(_payments(BAD)))

    report = _land(lake, bazaar, owner)

    assert report.failures == {}
    assert (report.rows, report.quarantined) == (49, 1)
    assert [landed.reasons for landed in report.landed] == [{}, {}, {reason: 1}, {}, {}]
    assert lake.read("raw/payments", [BAD]).height == 9
    quarantined = lake.read("quarantine/payments", DAYS)
    assert quarantined.select("reason", "table", "day").rows() == [(reason, "payments", BAD)]
    assert "4111" not in quarantined["row"][0]
    before = _digests(lake, "quarantine/payments")
    os.utime(_path(owner, BAD), ns=(0, 7))
    _land(lake, bazaar, owner)
    assert _digests(lake, "quarantine/payments") == before


def test_rows_delivered_twice_collapse_and_rows_that_contradict_each_other_are_quarantined(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    rows = _payments(BAD)
    contradiction = rows[1].with_columns(amount_minor=pl.lit(99, pl.Int64))
    _deliver(owner, BAD, pl.concat([rows, rows[0], rows[0], contradiction]))

    report = _land(lake, bazaar, owner)

    assert (report.rows, report.quarantined, report.collapsed) == (49, 2, 2)
    assert report.landed[2].reasons == {"duplicate key": 2}
    landed = lake.read("raw/payments", [BAD])
    assert landed["payment_id"].to_list() == [rows["payment_id"][0], *rows["payment_id"][2:]]


def test_an_unknown_column_does_not_land_and_is_named_in_the_facts(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    _land(lake, bazaar, owner)
    before = _digests(lake)
    _deliver(owner, BAD, _payments(BAD).with_columns(mood=pl.lit("good")).drop("reason_code"))

    report = _land(lake, bazaar, owner)

    assert [landed.day for landed in report.landed] == [BAD]
    manifest = lake.manifest("raw/payments", BAD)
    assert manifest is not None
    assert manifest.facts["unknown_columns"] == ["mood"]
    assert manifest.facts["filled_columns"] == ["reason_code"]
    assert _digests(lake) == before


def test_a_refused_day_leaves_its_quarantined_rows_to_look_at(lake: Lake, bazaar: Marketplace, owner: Path) -> None:
    _deliver(owner, BAD, _payments(BAD).with_columns(amount_minor=pl.lit(-1)))

    report = _land(lake, bazaar, owner)

    assert list(report.failures) == [BAD]
    assert lake.days("raw/payments") == [day for day in DAYS if day != BAD]
    assert lake.read("quarantine/payments", [BAD]).height == 10


def test_a_new_key_lands_everything_again_because_old_and_new_hashes_do_not_join(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    _land(lake, bazaar, owner)

    report = _land(lake, bazaar, owner, keyed_hash=KeyedHash("2026-b", b"sixteen bytes or more"))

    assert [landed.day for landed in report.landed] == DAYS
    assert lake.read("raw/payments", DAYS)["instrument"].str.starts_with("2026-b:").all()


def test_progress_is_told_after_each_day_that_was_tried(lake: Lake, bazaar: Marketplace, owner: Path) -> None:
    _path(owner, BAD).unlink()
    told: list[date] = []

    _land(lake, bazaar, owner, on_day=told.append)

    assert told == DAYS


def test_exclusions_of_a_dated_source_belong_to_their_day(lake: Lake, bazaar: Marketplace, owner: Path) -> None:
    (bazaar.folder / "payments.sql").write_text("SELECT * FROM source.payments WHERE amount_minor > 3")
    (bazaar.folder / "exclusions.sql").write_text(
        """
        SELECT 'payments' AS "table", 'small payments' AS what, count(*) AS count, 'too small' AS why
        FROM source.payments WHERE amount_minor <= 3
        """
    )

    report = _land(lake, bazaar, owner)

    assert [exclusion.count for exclusion in report.exclusions] == [4] * 5
    manifest = lake.manifest("raw/payments", BAD)
    assert manifest is not None
    assert manifest.facts["exclusions"] == [{"what": "small payments", "count": 4, "why": "too small"}]


def test_an_undated_source_lands_by_day_and_a_missing_file_changes_nothing(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    _land(lake, bazaar, owner)
    digests = _digests(lake)
    text = (bazaar.folder / "marketplace.toml").read_text().replace("dated = true", "last_day = 2026-03-05")
    (bazaar.folder / "marketplace.toml").write_text(text.replace("payments/dt={day}/rows.parquet", "all.parquet"))
    undated, other = load_marketplace(bazaar.folder), Lake(lake.root / "other")
    pl.concat([_payments(day) for day in DAYS]).write_parquet(owner / "all.parquet")

    report = _land(other, undated, owner)

    assert (report.rows, report.failures) == (50, {})
    assert _digests(other) == digests
    assert _land(other, undated, owner).landed == ()

    (owner / "all.parquet").unlink()
    with pytest.raises(SourceError, match=r"payments: .*all\.parquet is missing"):
        _land(other, undated, owner)
    assert _digests(other) == digests


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
    _deliver(owner, BAD, _payments(BAD).with_columns(kind=_first(pl.lit("gift"), "kind")))
    _land(lake, bazaar, owner)

    answer = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(bazaar.folder), str(owner), str(tmp_path / "tokyo")],
        env=os.environ | {"TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )

    here = [" ".join(_digests(lake, dataset).values()) for dataset in ("raw/payments", "quarantine/payments")]
    assert answer.stdout.splitlines() == here
