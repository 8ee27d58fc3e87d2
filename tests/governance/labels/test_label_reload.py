"""The label ledger read anew: damage is named and made good, the old book is kept, and twice changes nothing."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from raw_events import land_day, raw_row

from governance.contracts.calendar import days_between, midnight
from governance.labels import statements
from governance.labels.definition import label_definitions
from governance.labels.ledger import SCHEMA, LabelLedger
from governance.labels.reload import Reload, reload_ledger
from governance.storage.lake import Lake

FIRST = date(2025, 5, 1)
DAYS = days_between(FIRST, date(2025, 5, 10))
LABELS = tuple(label_definitions()[name] for name in ("claim", "merchant_fraud"))


class Place:
    """A lake with cases and labels on every other day, and the ledger that was made of them."""

    def __init__(self, root: Path) -> None:
        self.lake, self.path = Lake(root / "lake"), root / "ledgers" / "labels.sqlite"
        for number, day in enumerate(DAYS):
            noon = midnight(day) + timedelta(hours=12)
            cases = [raw_row("cases", case_id=f"c{number}", order_id=f"o{number}", occurred_at=noon, known_at=noon)]
            said = {"label": "merchant_fraud", "entity_id": f"s{number}", "value": 1}
            labels = [raw_row("labels", **said, occurred_at=noon, known_at=noon)]
            land_day(self.lake, "cases", day, cases[: number % 2])
            land_day(self.lake, "labels", day, labels)
        statements.record_days(self.lake, self.ledger, LABELS, DAYS)

    @property
    def ledger(self) -> LabelLedger:
        return LabelLedger(self.path)

    def reload(self, **options: Any) -> Reload:
        return reload_ledger(self.lake, self.path, LABELS, DAYS, **options)

    def believed(self, label: str) -> list[str]:
        rows = self.ledger.between(label, start=midnight(FIRST), end=midnight(DAYS[-1] + timedelta(days=1)))
        return sorted(rows["entity_id"])

    def lose(self, day: date) -> None:
        """Retract what was said on a day, as a run on wrong rows would have."""
        window = {"start": midnight(day), "end": midnight(day + timedelta(days=1))}
        self.ledger.replace("merchant_fraud", **window, statements=SCHEMA.to_frame())

    def files(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_ledger_that_says_what_the_partitions_say_stays_as_it_is(place: Place) -> None:
    before = place.path.read_bytes()
    found = place.reload()
    assert not found.differs
    assert [(one.label, one.present, one.rebuilt) for one in found.labels] == [
        ("claim", 5, 5),
        ("merchant_fraud", 10, 10),
    ]
    assert place.path.read_bytes() == before
    assert place.files() == ["labels.sqlite"]


def test_lost_statements_come_back_the_old_ledger_is_kept_and_twice_changes_nothing(place: Place) -> None:
    place.lose(DAYS[3])

    found = place.reload()

    claim, fraud = found.labels
    assert (claim.missing, claim.foreign, claim.first_day) == (0, 0, None)
    assert (fraud.missing, fraud.foreign, fraud.first_day) == (1, 0, DAYS[3])
    assert (fraud.present, fraud.rebuilt) == (9, 10)
    assert place.believed("merchant_fraud") == sorted(f"s{number}" for number in range(len(DAYS)))
    assert found.aside is not None
    with closing(sqlite3.connect(found.aside)) as old:
        assert old.execute("SELECT count(*) FROM statements WHERE retracted = 1").fetchone() == (1,)
    files = place.files()
    again = place.reload()
    assert (again.differs, again.aside, place.files()) == (False, None, files)


def test_statements_that_nobody_made_go(place: Place) -> None:
    window = {"start": midnight(DAYS[0]), "end": midnight(DAYS[1])}
    stray = place.ledger.between("merchant_fraud", **window).with_columns(label=pl.lit("claim"))
    before = place.believed("claim")
    place.ledger.replace("claim", **window, statements=stray)

    found = place.reload()

    assert (found.labels[0].missing, found.labels[0].foreign, found.labels[0].first_day) == (0, 1, DAYS[0])
    assert place.believed("claim") == before


def test_a_dry_run_says_what_differs_and_changes_nothing(place: Place) -> None:
    place.lose(DAYS[3])
    before = place.believed("merchant_fraud")
    found = place.reload(dry_run=True)
    assert (found.differs, found.labels[1].missing, found.aside) == (True, 1, None)
    assert place.believed("merchant_fraud") == before
    assert place.files() == ["labels.sqlite"]


@pytest.mark.parametrize("damage", ["torn", "gone"])
def test_a_ledger_that_cannot_be_read_is_made_anew(place: Place, damage: str) -> None:
    if damage == "torn":
        place.path.write_bytes(b"torn" * 5000)
        place.path.with_name("labels.sqlite-wal").write_bytes(b"of another age")
    else:
        place.path.unlink()

    found = place.reload()

    assert found.unreadable is not None
    assert len(place.believed("merchant_fraud")) == len(DAYS)
    assert (found.aside is not None) == (damage == "torn")
    assert found.aside is None or found.aside.read_bytes() == b"torn" * 5000
    assert not place.reload().differs
