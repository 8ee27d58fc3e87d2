"""What the pages on how to add things show does what they say."""

import random
import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from doc_pages import DOCS, commands, files_shown

from governance.features import catalogue as views
from governance.features.build import build
from governance.features.view import View
from governance.labels.definition import label_definitions, parse_definition
from governance.models import catalogue as models
from governance.models import rules
from governance.workspace import Workspace
from orchestration.build import build_defs

HOW_TO = DOCS / "how-to"


def defined_by(code: str, module: Any) -> dict[str, Any]:
    """The names that a piece of code adds to a module in which it stands."""
    names = dict(vars(module))
    exec(code, names)  # noqa: S102 - code of our own pages
    return names


def deliver_books(folder: Path) -> None:
    """Two months of a shop whose every tenth order is complained of."""
    chance, first = random.Random(7), datetime(2024, 1, 1, 9)  # noqa: S311 - local times of a made-up shop
    orders = [
        {
            "id": f"o{number}",
            "placed": first + timedelta(minutes=90 * number),
            "customer": f"c{chance.randrange(150)}",
            "shop": f"s{chance.randrange(12)}",
            "isbn": f"i{chance.randrange(80)}",
            "genre": chance.choice(["poetry", "maps", "novels"]),
            "price": chance.randrange(500, 4000) / 100,
        }
        for number in range(900)
    ]
    complained = [order for order in orders if chance.random() < 0.1]
    complaints = [
        {
            "id": f"k{order['id']}",
            "order_id": order["id"],
            "written": order["placed"] + timedelta(days=3),
            "words": "torn",
        }
        for order in complained
    ]
    folder.mkdir()
    pl.DataFrame(orders).write_parquet(folder / "orders.parquet")
    pl.DataFrame(complaints).write_parquet(folder / "complaints.parquet")


@pytest.mark.exhaustive
def test_the_marketplace_of_the_page_lands_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, govern: Callable[..., Any]
) -> None:
    page = HOW_TO / "add-a-marketplace.md"
    monkeypatch.chdir(tmp_path)
    for path, text in files_shown(page).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    deliver_books(tmp_path / "bookshop_files")

    said = [govern(tmp_path, *command.words()) for command in commands(page)]

    assert [one.status for one in said] == [0] * len(said), [one.out + one.err for one in said]
    assert "merchant_fraud needs the table" in said[-1].out
    landed = list((tmp_path / "var" / "bookshop" / "lake" / "raw" / "orders").glob("dt=*"))
    assert len(landed) == 63


def test_the_view_of_the_page_counts_what_creators_sold(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> None:
    (code,) = files_shown(HOW_TO / "add-a-feature-view.md").values()
    view: View = defined_by(code, views)["CREATOR"]
    workspace = bazaar_at(own_settled)
    days = workspace.days()

    report = build(workspace.lake, view, first_day=days[0], first=days[0], last=days[-1])

    assert report.rows > 0
    orders = workspace.lake.read("raw/orders", days).filter(pl.col("creator_id").is_not_null())
    rows = workspace.lake.read(view.dataset, days).sort("event_timestamp").unique("creator_id", keep="last")
    assert rows["creator_orders_lifetime"].sum() == orders.height


def test_the_model_of_the_page_becomes_assets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bazaar_at: Callable[..., Workspace]
) -> None:
    shown = files_shown(HOW_TO / "add-a-model.md")
    label = parse_definition(tomllib.loads(shown["governance/labels/definitions/brushing.toml"]))
    spec = defined_by(shown["governance/models/catalogue.py"], models)["BRUSHING"]
    score = defined_by(shown["governance/models/rules.py"], rules)["brushing_rules"]
    monkeypatch.setitem(label_definitions(), label.name, label)
    monkeypatch.setitem(models.SPECS, spec.name, spec)
    monkeypatch.setitem(rules.RULES, spec.name, score)

    workspace = bazaar_at(tmp_path, models="\n[models.brushing]\n")

    assert set(workspace.models.present) == {"brushing"}
    assert set(spec.views) <= set(workspace.views)
    names = {key.to_user_string() for asset in build_defs(workspace).assets or () for key in asset.keys}
    assert {"models/brushing/candidate", "labels/brushing", "monitoring/brushing/drift"} <= names
    worst = pl.DataFrame({"buyer_orders_7d": [9.0], "seller_rating_mean_30d": [5.0], "order_price_to_category": [0.1]})
    assert score(worst)[0] == 3.0
