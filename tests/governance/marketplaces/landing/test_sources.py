"""What an owner's SQL leaves out, and owners whose files tell no day."""

from pathlib import Path

import polars as pl
import pytest
from payment_deliveries import BAD, DAYS, digests, land_days, payments

from governance.errors import SourceError
from governance.marketplaces.marketplace import Marketplace, load_marketplace
from governance.storage.lake import Lake


def test_exclusions_of_a_dated_source_belong_to_their_day(lake: Lake, bazaar: Marketplace, owner: Path) -> None:
    (bazaar.folder / "payments.sql").write_text("SELECT * FROM source.payments WHERE amount_minor > 3")
    (bazaar.folder / "exclusions.sql").write_text(
        """
        SELECT 'payments' AS "table", 'small payments' AS what, count(*) AS count, 'too small' AS why
        FROM source.payments WHERE amount_minor <= 3
        """
    )

    report = land_days(lake, bazaar, owner)

    assert [exclusion.count for exclusion in report.exclusions] == [4] * 5
    manifest = lake.manifest("raw/payments", BAD)
    assert manifest is not None
    assert manifest.facts["exclusions"] == [{"what": "small payments", "count": 4, "why": "too small"}]


def test_an_undated_source_lands_by_day_and_a_missing_file_changes_nothing(
    lake: Lake, bazaar: Marketplace, owner: Path
) -> None:
    land_days(lake, bazaar, owner)
    before = digests(lake)
    text = (bazaar.folder / "marketplace.toml").read_text().replace("dated = true", "last_day = 2026-03-05")
    (bazaar.folder / "marketplace.toml").write_text(text.replace("payments/dt={day}/rows.parquet", "all.parquet"))
    undated, other = load_marketplace(bazaar.folder), Lake(lake.root / "other")
    pl.concat([payments(day) for day in DAYS]).write_parquet(owner / "all.parquet")

    report = land_days(other, undated, owner)

    assert (report.rows, report.failures) == (50, {})
    assert digests(other) == before
    assert land_days(other, undated, owner).landed == ()

    (owner / "all.parquet").unlink()
    with pytest.raises(SourceError, match=r"payments: .*all\.parquet is missing"):
        land_days(other, undated, owner)
    assert digests(other) == before
