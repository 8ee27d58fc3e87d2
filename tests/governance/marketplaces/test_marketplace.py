"""A marketplace's TOML and SQL files, and what is said when they are wrong."""

from datetime import date
from pathlib import Path

import pytest

from governance.errors import ConfigurationError
from governance.marketplaces.marketplace import known_marketplaces, load_marketplace

TOML = """
name = "bazaar"
currency = "BRL"
time_zone = "America/Sao_Paulo"
first_day = 2026-03-01
last_day = 2026-12-31
quarantine_share_at_most = 0.1

[files]
orders = "orders.parquet"

[models.claim]
maturity_days = 45
test_from = 2026-05-01

[models.claim.gates]
slice_auc_drop_at_most = 0.3
"""


@pytest.fixture
def bazaar(tmp_path: Path) -> Path:
    (tmp_path / "marketplace.toml").write_text(TOML)
    (tmp_path / "orders.sql").write_text("SELECT * FROM source.orders")
    return tmp_path


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "marketplace.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_marketplace_says_what_it_maps_and_what_its_models_override(bazaar: Path) -> None:
    marketplace = load_marketplace(bazaar)

    assert (marketplace.name, marketplace.first_day, marketplace.last_day) == (
        "bazaar",
        date(2026, 3, 1),
        date(2026, 12, 31),
    )
    assert marketplace.tables == ("orders",)
    assert "labels" in marketplace.missing_tables
    assert marketplace.needs_secret_key
    assert marketplace.models == {
        "claim": {
            "maturity_days": 45,
            "test_from": date(2026, 5, 1),
            "gates": {"slice_auc_drop_at_most": 0.3},
        }
    }


def test_decisions_of_the_burn_in_train_no_model(bazaar: Path) -> None:
    assert load_marketplace(bazaar).trains_from == date(2026, 3, 1)

    _edit(bazaar, "first_day", "burn_in_days = 60\nfirst_day")

    assert load_marketplace(bazaar).trains_from == date(2026, 4, 30)


def test_no_file_of_a_marketplace_of_the_project_lies_under_the_truth() -> None:
    for name in known_marketplaces():
        marketplace = load_marketplace(name)
        said = [*marketplace.files.values(), *(marketplace.sql(table) for table in marketplace.tables)]
        assert [text for text in said if "truth" in text.lower()] == []


def test_every_marketplace_of_the_project_loads_by_name() -> None:
    assert {"olist", "simulated"} <= set(known_marketplaces())
    for name in known_marketplaces():
        marketplace = load_marketplace(name)
        assert marketplace.name == name
        assert not marketplace.needs_secret_key


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("currency =", "currrency =", "unknown key currrency"),
        ('name = "bazaar"', "", "name must be given"),
        ('"BRL"', '"reais"', "ISO 4217"),
        ('"BRL"', "7", "currency must be text"),
        ("America/Sao_Paulo", "Sao Paulo", "IANA time zone"),
        ("first_day = 2026-03-01", 'first_day = "March"', "first_day must be a date"),
        ("last_day = 2026-12-31", "last_day = 2026-02-01", "last_day lies before first_day"),
        ("last_day = 2026-12-31", "", "last_day must be given where dated = false"),
        ("0.1", "10", "between 0 and 1"),
        ("first_day", "dated = true\nfirst_day", "{day}"),
        ('"orders.parquet"', '"../orders.parquet"', "inside the owner's folder"),
        ('orders = "orders.parquet"', "orders = 1", "files must be a table of paths"),
        ("orders.parquet", "truth/decisions.parquet", "nothing there may land"),
        ("first_day", "burn_in_days = -1\nfirst_day", "burn_in_days must not be below 0"),
        ("first_day", "burn_in_days = 1.5\nfirst_day", "burn_in_days must be a whole number"),
        ("maturity_days", "maturity", "models.claim overrides maturity, which no model has"),
        ("slice_auc", "slice", "gates.slice_drop_at_most"),
        ("[files]", "[files", "is not TOML"),
    ],
    ids=lambda value: value[:24],
)
def test_a_mistake_in_the_toml_is_named(bazaar: Path, old: str, new: str, message: str) -> None:
    _edit(bazaar, old, new)

    with pytest.raises(ConfigurationError, match=r"marketplace\.toml") as caught:
        load_marketplace(bazaar)

    assert message in str(caught.value)


def test_sql_that_fills_no_table_is_named(bazaar: Path) -> None:
    (bazaar / "order.sql").write_text("SELECT 1")

    with pytest.raises(ConfigurationError, match=r"order\.sql fills no table .* orders"):
        load_marketplace(bazaar)


def test_a_marketplace_without_sql_is_refused(bazaar: Path) -> None:
    (bazaar / "orders.sql").unlink()

    with pytest.raises(ConfigurationError, match="nothing can land"):
        load_marketplace(bazaar)


def test_an_unknown_marketplace_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'atlantis'.*olist"):
        load_marketplace("atlantis")
