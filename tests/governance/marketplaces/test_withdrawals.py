"""Days that are withdrawn: kept aside, recorded, not landed again until other bytes come or somebody restores them."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.contracts.calendar import days_between, midnight
from governance.contracts.personal import PUBLISHED
from governance.contracts.tables import TABLES
from governance.errors import ConflictError, InputError
from governance.marketplaces import landing
from governance.marketplaces.marketplace import Marketplace, load_marketplace
from governance.marketplaces.source import Source
from governance.marketplaces.withdrawals import Withdrawals
from governance.release.documents import Untrusted
from governance.storage.lake import Lake

DAYS = days_between(date(2026, 3, 1), date(2026, 3, 4))
BAD = DAYS[1]
NOW = datetime(2026, 4, 1, tzinfo=UTC)
NAMES = ("enforcements", "labels")
TOML = """
name = "bazaar"
currency = "USD"
time_zone = "UTC"
first_day = 2026-03-01
quarantine_share_at_most = 0.2
synthetic = true
dated = true
[files]
enforcements = "enforcements/dt={day}/rows.parquet"
labels = "labels/dt={day}/rows.parquet"
"""


def rows(table: str, day: date, count: int = 3) -> pl.DataFrame:
    """Rows of a day, as the contract wants them."""
    contract = TABLES[table]
    known_at = [midnight(day) + timedelta(hours=hour) for hour in range(count)]
    values: dict[str, Any] = {name: ["x"] * count for name in contract.schema}
    values |= {name: [f"{day}-{number}" for number in range(count)] for name in contract.key}
    values |= {"subject_role": ["seller"] * count, "action": ["warning"] * count, "decided_by": ["person"] * count}
    values = {name: column for name, column in values.items() if name in contract.schema}
    values |= {name: known_at for name, kind in contract.schema.items() if kind == pl.Datetime("us", "UTC")}
    values |= {name: [1] * count for name, kind in contract.schema.items() if kind == pl.Int64}
    return pl.DataFrame(values).cast(dict(contract.schema))


class Market:
    """A small marketplace, its owner's files and its lake."""

    def __init__(self, root: Path) -> None:
        self.folder, self.owner, self.lake = root / "bazaar", root / "owner", Lake(root / "lake")
        self.folder.mkdir()
        (self.folder / "marketplace.toml").write_text(TOML)
        for table in NAMES:
            (self.folder / f"{table}.sql").write_text(f"FROM source.{table}")
            for day in DAYS:
                self.deliver(table, day)

    @property
    def marketplace(self) -> Marketplace:
        return load_marketplace(self.folder)

    @property
    def withdrawals(self) -> Withdrawals:
        return Withdrawals(self.lake)

    def path(self, table: str, day: date) -> Path:
        return self.owner / table / f"dt={day}" / "rows.parquet"

    def deliver(self, table: str, day: date, *, count: int = 3) -> None:
        self.path(table, day).parent.mkdir(parents=True, exist_ok=True)
        rows(table, day, count).write_parquet(self.path(table, day))

    def source(self) -> Source:
        return Source(self.marketplace, self.owner)

    def land(self) -> None:
        with self.source() as source:
            for table in NAMES:
                report = landing.land(self.lake, self.marketplace, source, table, DAYS, now=NOW, keyed_hash=PUBLISHED)
                assert not report.failures

    def stale(self) -> dict[str, list[date]]:
        with self.source() as source:
            return landing.plan(self.lake, self.marketplace, source, DAYS, key_id=PUBLISHED.key_id)

    def withdraw(self, day: date = BAD, **changes: Any) -> dict[str, int]:
        with self.source() as source:
            terms = {"who": "ana", "reason": "prices are wrong", "at": NOW} | changes
            return self.withdrawals.withdraw(day, NAMES, source, **terms)

    def restore(self, day: date = BAD) -> dict[str, int]:
        return self.withdrawals.restore(day, who="ben", reason="prices were right", at=NOW)

    def aside(self, day: date = BAD) -> dict[str, int]:
        return {table: manifest.rows for table, manifest in self.withdrawals.manifests_aside(day).items()}

    def raw(self) -> dict[str, str]:
        return {
            f"{table} {day}": manifest.digest
            for table in NAMES
            for day, manifest in self.lake.manifests(f"raw/{table}").items()
        }


@pytest.fixture
def market(tmp_path: Path) -> Market:
    found = Market(tmp_path)
    found.land()
    return found


def others(raw: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in raw.items() if str(BAD) not in name}


def test_a_withdrawn_day_leaves_is_kept_aside_and_does_not_land_again(market: Market) -> None:
    before = market.raw()

    assert market.withdraw() == {"enforcements": 3, "labels": 3}

    assert market.raw() == others(before)
    assert market.withdrawals.days() == [BAD]
    assert market.aside() == {"enforcements": 3, "labels": 3}
    assert market.stale() == {}
    market.land()
    assert market.raw() == others(before)


def test_who_withdrew_a_day_and_why_is_kept_for_ever(market: Market) -> None:
    market.withdraw()
    market.restore()
    market.withdraw(who="cem", reason="after all")
    assert [(word.withdrawn, word.who, word.reason, word.at) for word in market.withdrawals.words(BAD)] == [
        (True, "ana", "prices are wrong", NOW),
        (False, "ben", "prices were right", NOW),
        (True, "cem", "after all", NOW),
    ]


def test_withdrawing_and_restoring_twice_change_nothing_the_second_time(market: Market) -> None:
    before = market.raw()
    market.withdraw()
    assert market.withdraw(who="ben") == {}
    assert len(market.withdrawals.words(BAD)) == 1
    assert market.restore() == {"enforcements": 3, "labels": 3}
    assert market.restore() == {}
    assert len(market.withdrawals.words(BAD)) == 2
    assert market.raw() == before
    assert market.withdrawals.days() == []
    assert market.stale() == {}


def test_a_file_that_is_touched_or_copied_anew_is_still_the_same_delivery(market: Market) -> None:
    market.withdraw()
    market.deliver("labels", BAD)
    os.utime(market.path("labels", BAD), ns=(0, 7))
    assert market.stale() == {}


def test_a_new_code_version_does_not_bring_a_withdrawn_day_back(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.withdraw()
    monkeypatch.setattr(landing, "CODE_VERSION", "next")
    (market.folder / "labels.sql").write_text("FROM source.labels WHERE true")
    assert all(BAD not in days for days in market.stale().values())


def test_other_bytes_land_and_the_withdrawn_ones_stay_aside(market: Market) -> None:
    market.withdraw()
    market.deliver("labels", BAD, count=2)

    assert market.stale() == {"labels": [BAD]}
    market.land()

    assert market.lake.manifest("raw/labels", BAD).rows == 2  # type: ignore[union-attr]
    assert market.aside() == {"enforcements": 3}
    market.deliver("labels", BAD)
    assert market.stale() == {}
    assert market.lake.manifest("raw/labels", BAD).rows == 2  # type: ignore[union-attr]
    assert market.restore() == {"enforcements": 3}
    assert len(list(market.lake.root.glob("withdrawn/labels/*/dt=*/rows.parquet"))) == 1


def test_a_second_poisoned_delivery_is_withdrawn_beside_the_first(market: Market) -> None:
    market.withdraw()
    market.deliver("labels", BAD, count=2)
    market.land()

    assert market.withdraw(reason="again") == {"labels": 2}

    assert len(list(market.lake.root.glob("withdrawn/labels/*/dt=*/rows.parquet"))) == 2
    assert market.stale() == {}
    assert market.restore() == {"enforcements": 3, "labels": 2}


def test_a_day_can_be_withdrawn_before_it_lands(tmp_path: Path) -> None:
    market = Market(tmp_path)
    assert market.withdraw() == {}
    assert market.stale() == {table: [day for day in DAYS if day != BAD] for table in NAMES}
    assert market.restore() == {}
    assert market.stale() == dict.fromkeys(NAMES, DAYS)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moves", [0, 1, 2])
@pytest.mark.parametrize("act", [Market.withdraw, Market.restore], ids=["withdraw", "restore"])
def test_what_a_kill_left_undone_the_next_one_does_and_nothing_lands_in_between(
    market: Market, monkeypatch: pytest.MonkeyPatch, act: Callable[[Market], object], moves: int
) -> None:
    before = market.raw()
    if act is Market.restore:
        market.withdraw()
    move, done = Lake.move, []

    def killed(self: Lake, *args: Any, **named: Any) -> None:
        if len(done) == moves:
            raise Killed
        done.append(args)
        move(self, *args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "move", killed)
        if moves < 2:
            with pytest.raises(Killed):
                act(market)
    assert market.stale() == {}

    act(market)

    assert market.raw() == (others(before) if act is Market.withdraw else before)
    assert len(market.withdrawals.words(BAD)) == (1 if act is Market.withdraw else 2)


@pytest.mark.parametrize("changes", [{"who": " "}, {"reason": ""}, {"at": NOW.replace(tzinfo=None)}])
def test_nothing_is_withdrawn_that_nobody_answers_for(market: Market, changes: dict[str, Any]) -> None:
    before = market.raw()
    with pytest.raises(InputError, match=r"who does it and why|time zone"):
        market.withdraw(**changes)
    assert market.raw() == before


def test_a_ledger_that_was_changed_behind_us_stops_landing_with_a_sentence(market: Market) -> None:
    market.withdraw()
    ledger = market.lake.root / "withdrawn" / "ledger" / f"{BAD}.json"
    ledger.write_text(ledger.read_text().replace('"who"', '"whom"'))
    with pytest.raises(Untrusted, match=f"the withdrawals of {BAD}"):
        market.stale()


def test_of_two_who_speak_of_a_day_at_once_the_late_one_is_told(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = market.withdrawals
    put_new = late._ledger.put_new

    def overtaken(key: str, data: bytes) -> str:
        market.withdraw()
        return put_new(key, data)

    monkeypatch.setattr(late._ledger, "put_new", overtaken)
    with market.source() as source, pytest.raises(ConflictError, match="at the same moment"):
        late.withdraw(BAD, NAMES, source, who="ben", reason="mine", at=NOW)
    assert [word.who for word in late.words(BAD)] == ["ana"]
