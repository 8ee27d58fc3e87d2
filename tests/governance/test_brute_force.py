"""Training rows equal what an oracle in plain Python recomputes from the raw rows; with a planted leak they do not."""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from history_join import history_join
from plain_training_rows import Oracle, differences
from worlds import bring_up_to_date, deliver_again, plant, workspace

from governance.contracts.calendar import LANDING_DELAY, midnight
from governance.features import build as features
from governance.features import engine, expressions, windows
from governance.features.view import View
from governance.labels.matured import resolve
from governance.models import training_set
from governance.models.leakage import rows_from_the_future
from governance.models.spec import GateBounds
from governance.models.training_set import PointInTimeJoin, TrainingSet
from governance.release.gates import GATES
from governance.storage.lake import Lake
from governance.workspace import Workspace

MODELS = ("merchant_fraud", "claim")
ROOTS = ("governance", "feature_repo", "monitoring", "assets", "orchestration")
A_DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
PLANTED, DELIVERED_AGAIN = 36, 45
NEWEST_SELLER_DECISION = 88 - 32


@dataclass(frozen=True)
class World:
    """A workspace, the training sets that it gives through Feast, and what the oracle makes of its raw rows."""

    of: Workspace
    as_of: date
    sets: dict[str, TrainingSet]
    oracle: Oracle

    def differences(self, model: str, frame: pl.DataFrame) -> list[str]:
        return differences(self.oracle, model, frame.to_dicts())

    def rebuilt(self, model: str, join: PointInTimeJoin, *, lake: Lake | None = None) -> pl.DataFrame:
        found = self.of.models.present[model]
        return training_set.build(lake or self.of.lake, found, self.of.views, as_of=self.as_of, join=join).frame


def make_world(root: Path, *, days: int, buyers: int, seed: int) -> World:
    from assets.feast_store import joiner

    of = workspace(root, days=days, buyers=buyers, seed=seed)
    plant(of.source_root, day=of.days()[PLANTED])
    bring_up_to_date(of)
    deliver_again(of.source_root, day=of.days()[DELIVERED_AGAIN])
    bring_up_to_date(of)
    as_of, join = of.days()[-1] + A_DAY, joiner(of)
    sets = {
        name: training_set.build(of.lake, model, of.views, as_of=as_of, join=join)
        for name, model in of.models.present.items()
    }
    return World(of, as_of, sets, Oracle.of(of.lake.root))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("small"), days=88, buyers=1_000, seed=5)


def test_the_oracle_knows_nothing_of_the_project_but_its_constants_of_time() -> None:
    folder = Path(__file__).parent.parent / "oracle"
    imported = {
        node.module
        for path in folder.glob("plain_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("plain_")
    }
    assert {name for name in imported if name.split(".")[0] in ROOTS} == {"governance.contracts.calendar"}


@pytest.mark.parametrize("model", MODELS)
def test_every_training_row_equals_the_oracle(small: World, model: str) -> None:
    frame = small.sets[model].frame
    assert set(frame["row_id"]) == small.oracle.row_ids(model, small.as_of)
    assert frame.height >= 100
    assert small.differences(model, frame) == []


def test_late_redelivered_and_tied_rows_are_among_those_compared(small: World) -> None:
    claims, sellers = small.sets["claim"].frame, small.sets["merchant_fraud"].frame
    days = small.of.days()
    late = (pl.col("known_at").dt.date() - pl.col("occurred_at").dt.date()).dt.total_days()
    for table in ("orders", "shipments", "reviews", "cases"):
        rows = small.of.lake.read(f"raw/{table}", days).filter(late > 1)
        assert rows.filter(late > 90).height >= 1
        assert sellers.join(rows, left_on="group_id", right_on="seller_id", how="semi").height >= 5
    assert claims.filter(pl.col("row_id").str.starts_with("tie-")).height == 7
    again = pl.col("decided_at") > midnight(days[DELIVERED_AGAIN])
    assert min(claims.filter(again).height, sellers.filter(again).height) >= 20
    assert claims.filter(pl.col("decided_at").is_in(sellers["decided_at"].unique().implode())).height >= 2


@pytest.mark.parametrize("model", MODELS)
def test_statements_at_the_edges_of_the_maturity_window_are_among_those_compared(small: World, model: str) -> None:
    days = small.of.days()
    said = small.of.ledger.between(model, start=midnight(days[0]), end=midnight(days[-1] + A_DAY))
    edges = {"decision": pl.col("decided_at"), "maturity": pl.col("matured_at"), "just after": _just_after_maturity()}
    found = {
        name: small.sets[model].frame.with_columns(edge.alias("known_at")).join(said, on=["entity_id", "known_at"])
        for name, edge in edges.items()
    }
    assert all(rows.height == 1 for rows in found.values()), found
    assert {name: rows["label"].item() for name, rows in found.items()} == {
        "decision": 0,
        "maturity": 1,
        "just after": 0,
    }


def _just_after_maturity() -> pl.Expr:
    return pl.col("matured_at") + MICROSECOND


@pytest.mark.long
@pytest.mark.parametrize("seed", [11])
def test_a_thousand_training_rows_of_each_model_equal_the_oracle(tmp_path: Path, seed: int) -> None:
    world = make_world(tmp_path, days=220, buyers=1_600, seed=seed)
    chance = np.random.default_rng(seed)
    for model in MODELS:
        frame = world.sets[model].frame
        assert set(frame["row_id"]) == world.oracle.row_ids(model, world.as_of)
        # Positive rows are rare, and those in which a label can be wrong in both ways.
        positive, negative = (frame.filter(pl.col("label") == value).sort("row_id") for value in (1, 0))
        positive = positive.head(300)
        rows = pl.concat([positive, negative[chance.choice(negative.height, 1_000 - positive.height, replace=False)]])
        assert rows.height == 1_000
        assert world.differences(model, rows) == []


@pytest.mark.parametrize("model", MODELS)
def test_a_sound_join_of_the_same_rows_without_feast_differs_in_nothing(small: World, model: str) -> None:
    frame = small.rebuilt(model, history_join(small.of.lake))
    assert frame.select(sorted(frame.columns)).equals(
        small.sets[model].frame.select(sorted(frame.columns)), null_equal=True
    )


@pytest.mark.parametrize(
    ("model", "shown_early"),
    [("merchant_fraud", A_DAY), ("claim", A_DAY), ("claim", LANDING_DELAY), ("claim", MICROSECOND)],
    ids=["a day, sellers", "a day, checkouts", "before the day has landed", "one microsecond"],
)
def test_features_shown_too_early_are_caught(small: World, model: str, shown_early: timedelta) -> None:
    leaking = small.rebuilt(model, history_join(small.of.lake, shown_early=shown_early))
    found = {name for name in leaking.columns if name.endswith(("_1d", "_7d"))}
    assert any(f": {name} is " in sentence for sentence in small.differences(model, leaking) for name in found)


@pytest.fixture
def feature_lake(small: World, tmp_path: Path) -> Iterator[Lake]:
    """A lake with the raw rows and labels of the small world and no features; translations are not kept."""
    engine._sql.cache_clear()
    for dataset in ("raw", "labels"):
        (tmp_path / dataset).symlink_to(small.of.lake.root / dataset)
    yield Lake(tmp_path)
    engine._sql.cache_clear()


def sellers_through(small: World, lake: Lake) -> pl.DataFrame:
    """The training set of sellers over features that are computed anew, by whatever code is in place."""
    days = small.of.days()
    last = days[NEWEST_SELLER_DECISION]
    features.build(lake, small.of.views["seller"], first_day=days[0], first=days[0], last=last)
    return small.rebuilt("merchant_fraud", history_join(lake), lake=lake)


def _ignoring_known_at(sound: Callable[..., Any]) -> Callable[..., Any]:
    return lambda table, **more: sound(table.mutate(known_at=table.occurred_at), **more)


def _leaving_a_day_late(sound: Callable[..., Any]) -> Callable[..., Any]:
    return lambda view, rows, *more: sound(view, rows.mutate(occurred_day=rows.occurred_day + 1), *more)


def _never_too_late_to_enter(sound: Callable[..., Any]) -> Callable[..., Any]:
    return lambda view, rows, *more: sound(view, rows.mutate(occurred_day=rows.known_day), *more)


def _a_day_too_early(sound: Callable[[date], datetime]) -> Callable[[date], datetime]:
    return lambda day: sound(day) - A_DAY


@pytest.mark.parametrize(
    ("module", "name", "spoil"),
    [
        (expressions, "events", _ignoring_known_at),
        (windows, "_leaving", _leaving_a_day_late),
        (windows, "_entering", _never_too_late_to_enter),
        (features, "valid_at", _a_day_too_early),
    ],
    ids=["known_at ignored", "windows a day too long", "windows entered after they passed", "stamped a day early"],
)
def test_features_computed_by_a_wrong_rule_are_caught(
    small: World, feature_lake: Lake, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, spoil: Any
) -> None:
    monkeypatch.setattr(module, name, spoil(getattr(module, name)))
    assert small.differences("merchant_fraud", sellers_through(small, feature_lake)) != []


@pytest.mark.parametrize(
    ("model", "maturity", "later"),
    [
        ("merchant_fraud", timedelta(days=1_000), timedelta(0)),
        ("claim", timedelta(days=1_000), timedelta(0)),
        ("claim", None, MICROSECOND),
        ("claim", None, -MICROSECOND),
        ("merchant_fraud", None, MICROSECOND),
        ("merchant_fraud", None, -MICROSECOND),
    ],
    ids=[
        "fraud found after maturity",
        "cases after maturity",
        "cases at the decision itself, none at maturity",
        "cases just after maturity",
        "fraud known at the decision",
        "fraud just after maturity",
    ],
)
def test_labels_that_ignore_the_maturity_window_are_caught(
    small: World, model: str, maturity: timedelta | None, later: timedelta
) -> None:
    definition = small.of.models.present[model].label
    days = small.of.days()
    said = small.of.ledger.between(definition.name, start=midnight(days[0]), end=midnight(days[-1] + A_DAY))
    decisions = small.of.lake.read(definition.dataset, days).drop("matured_at", "label", "label_reason")
    if maturity:
        definition = definition.with_maturity(maturity.days)
    known = pl.col("known_at") + later
    labelled = resolve(decisions.unique("row_id", keep="first"), said.with_columns(known), definition)
    right = small.sets[model].frame
    leaking = right.drop("label", "label_reason").join(
        labelled.select("row_id", "label", "label_reason"), on="row_id", how="left"
    )
    found = small.differences(model, leaking)
    assert any(": label is " in sentence for sentence in found)
    assert all(": label" in sentence for sentence in found)


def test_the_gate_counts_rows_whose_features_are_from_after_their_decision(small: World) -> None:
    """A join that answers with the state of some days later says so in its feature times."""

    def from_later(rows: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
        asked = rows.with_columns(pl.col("decided_at") + timedelta(days=5))
        return history_join(small.of.lake)(asked, views).with_columns(rows["decided_at"])

    gate = next(gate for gate in GATES if gate.name == "future_features")
    counted = {
        "sound": rows_from_the_future(small.sets["claim"].frame),
        "leaking": rows_from_the_future(small.rebuilt("claim", from_later)),
    }
    assert counted["sound"] == 0 < counted["leaking"]
    judged = {
        name: gate.judge(SimpleNamespace(rows_from_the_future=rows), GateBounds())  # type: ignore[arg-type]
        for name, rows in counted.items()
    }
    assert {name: result.passed for name, result in judged.items()} == {"sound": True, "leaking": False}
    assert gate.kind == "safety"


def test_a_label_or_money_that_is_off_by_one_is_caught(small: World) -> None:
    """The comparison itself is sharp: one minor unit, one count, one part in a hundred million."""
    frame = small.sets["claim"].frame.head(1)
    changes = {
        "amount_minor": pl.col("amount_minor") + 1,
        "label": 1 - pl.col("label"),
        "order_price": pl.col("order_price") + 1,
        "order_distance_km": pl.col("order_distance_km") * (1 + 1e-8),
        "decided_at": pl.col("decided_at") + MICROSECOND,
        "weight": pl.lit(None, pl.Float64),
    }
    for name, change in changes.items():
        assert small.differences("claim", frame.with_columns(change.alias(name)))[0].count(name) == 1


def test_building_the_workspace_again_writes_nothing(small: World) -> None:
    def files() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in small.of.lake.root.rglob("*.parquet")}

    before = files()
    bring_up_to_date(small.of)
    assert files() == before


def test_a_model_without_matured_labels_is_not_ready(small: World) -> None:
    from governance.errors import NotReady

    model = small.of.models.present["claim"]
    shorter = replace(small, as_of=small.of.days()[5])
    with pytest.raises(NotReady, match="no decision has a label of 21 days"):
        training_set.build(small.of.lake, model, small.of.views, as_of=shorter.as_of, join=history_join(small.of.lake))
