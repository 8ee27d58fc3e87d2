"""The marketplace of `payments`, what its owner delivered, and an empty lake."""

import sys
from pathlib import Path

import pytest

from governance.marketplaces.marketplace import Marketplace, load_marketplace
from governance.storage.lake import Lake

sys.path.append(str(Path(__file__).parent))

from payment_deliveries import DAYS, TOML, deliver, payments


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
        deliver(tmp_path / "owner", day, payments(day))
    return tmp_path / "owner"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")
