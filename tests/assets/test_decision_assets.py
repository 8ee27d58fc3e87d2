"""The assets of decisions: an empty ledger blocks nothing, equal features are no skew, wrong ones fail the check."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from msgspec import structs
from some_decision import some_decision

from assets.feast_store import joiner
from governance.contracts.calendar import midnight
from governance.decisions import landed
from governance.decisions.record import Decision, ModelScore, RuleHit
from governance.models.artifact import load_scorer
from governance.models.training_set import order_columns, unlabelled
from governance.workspace import Workspace
from orchestration.decision_sensor import build_decision_sensor

Run = Callable[..., dg.ExecuteInProcessResult]

FIRST = date(2024, 1, 1)
HIT = RuleHit(rule="far_below_the_usual_price", version=1, mode="shadow", action="warn")
KEYS = ("buyer_id", "seller_id", "product_id", "category")


def metadata_of(result: dg.ExecuteInProcessResult, name: str, day: date | None = None) -> dict[str, Any]:
    key = dg.AssetKey(name.split("/"))
    found = [one for one in result.asset_materializations_for_node("__".join(key.path)) if one.asset_key == key]
    chosen = [one for one in found if day is None or one.partition == day.isoformat()]
    return {label: value.value for label, value in chosen[-1].metadata.items()}


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


@pytest.fixture
def bazaar(tmp_path: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    return bazaar_at(tmp_path)


def test_an_empty_ledger_blocks_nothing_and_every_asset_says_so(bazaar: Workspace, materialize: Run) -> None:
    days = [FIRST, FIRST + timedelta(days=1)]
    ledger = materialize(bazaar, "decisions/ledger", days=days)
    skew = materialize(bazaar, "decisions/skew", days=days)
    rules = materialize(bazaar, "decisions/rules")

    assert [one.success for one in (ledger, skew, rules)] == [True] * 3
    assert metadata_of(ledger, "decisions/ledger", days[1])["said"] == "nothing was decided on this day"
    assert metadata_of(skew, "decisions/skew", days[0])["said"].startswith("no decision that read features")
    assert metadata_of(rules, "decisions/rules") == {"decisions": 0, "skipped": "no decision has landed yet"}
    assert {name: (one.passed, one.description) for name, one in checks_of(skew).items()} == {
        "served_as_computed": (True, "not judged: no decision that read features has landed for these days"),
        "served_in_time": (True, "0 of 0 decisions were made before the features were online"),
    }


def test_a_day_lands_with_its_figures_and_again_only_when_something_was_appended(
    bazaar: Workspace, materialize: Run
) -> None:
    noon = midnight(FIRST) + timedelta(hours=12)
    bazaar.decisions.append(
        [some_decision("a", decided_at=noon, rules=(HIT,)), some_decision("b", decided_at=noon, action="warn")]
    )

    first = materialize(bazaar, "decisions/ledger", "decisions/rules", days=[FIRST])
    again = materialize(bazaar, "decisions/ledger", days=[FIRST])
    bazaar.decisions.append([some_decision("late", decided_at=noon)])
    appended = materialize(bazaar, "decisions/ledger", days=[FIRST])

    assert metadata_of(first, "decisions/ledger", FIRST)["acted_share"] == 0.5
    assert metadata_of(first, "decisions/rules")["far_below_the_usual_price_hits"] == 1
    assert "far_below_the_usual_price v1 | shadow | checkout | 2 | 1" in metadata_of(first, "decisions/rules")["rules"]
    assert metadata_of(again, "decisions/ledger", FIRST)["rows"] == 2
    assert metadata_of(appended, "decisions/ledger", FIRST)["rows"] == 3


def test_the_sensor_asks_for_quiet_days_once_and_again_after_an_appendix(bazaar: Workspace, materialize: Run) -> None:
    sensor, cursor = build_decision_sensor(bazaar), ""

    def tick() -> list[dict[str, str]]:
        nonlocal cursor
        with dg.build_sensor_context(cursor=cursor) as context:
            found = sensor.evaluate_tick(context)
        cursor = found.cursor or cursor
        return [
            {name: value for name, value in request.tags.items() if name.startswith("dagster/asset_partition")}
            for request in found.run_requests or ()
        ]

    noon = midnight(FIRST) + timedelta(hours=12)
    before = tick()
    bazaar.decisions.append(
        [some_decision("a", decided_at=noon), some_decision("b", decided_at=noon + timedelta(days=2))]
    )
    still_coming, quiet = tick(), tick()
    materialize(bazaar, "decisions/ledger", days=[FIRST, FIRST + timedelta(days=1), FIRST + timedelta(days=2)])
    done = tick()
    bazaar.decisions.append([some_decision("c", decided_at=noon)])
    appended = [tick(), tick()]

    first_to = {"dagster/asset_partition_range_start": "2024-01-01", "dagster/asset_partition_range_end": "2024-01-03"}
    assert (before, still_coming, quiet, done) == ([], [], [first_to], [])
    assert appended == [[], [first_to | {"dagster/asset_partition_range_end": "2024-01-01"}]]


@pytest.fixture
def served_day(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> tuple[Workspace, date, list[Decision]]:
    """A day's orders as decisions of the champion of `claim`, with the features that history has for their moments."""
    workspace = bazaar_at(own_settled)
    day = workspace.lake.days("raw/orders")[-8]
    join, model = joiner(workspace), workspace.models.present["claim"]
    views = [workspace.views[name] for name in model.spec.views]
    orders = workspace.lake.read("raw/orders", [day]).rename({"order_line_id": "row_id"})
    rows = join(orders.with_columns(decided_at=pl.col("occurred_at")).sort("row_id"), views)
    inputs = unlabelled(workspace.lake, model, workspace.views, days=[day], join=join).sort("row_id")
    pointer = workspace.registry.pointer("claim")
    assert pointer is not None
    scorer = load_scorer(workspace.registry.files("claim", pointer.champion))
    names = [name for view in views for name in view.feature_names]
    counters = [name for name in scorer.features if name in inputs.columns and name not in rows.columns]
    scores = scorer.score(inputs)
    return (
        workspace,
        day,
        [
            some_decision(
                row["row_id"],
                entity_id=row["row_id"],
                decided_at=row["decided_at"],
                keys={key: row[key] for key in KEYS},
                context={name: _plain(row[name]) for name in order_columns()} | {"order_id": row["order_id"]},
                amount_minor=row["price_minor"],
                features={name: row[name] for name in names} | {name: known[name] for name in counters},
                feature_times={view.name: row[f"feature_time:{view.name}"] for view in views},
                scores=(_score(pointer.champion, float(score), scorer.threshold.value),),
                proposed="warn" if score >= scorer.threshold.value else "allow",
            )
            for row, known, score in zip(rows.to_dicts(), inputs.to_dicts(), scores, strict=True)
        ],
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _score(digest: str, probability: float, threshold: float) -> ModelScore:
    told = {"model": "claim", "digest": digest, "role": "champion", "probability": probability, "threshold": threshold}
    return ModelScore(**told, acts=probability >= threshold)


@pytest.mark.long
def test_what_history_says_is_no_skew_what_it_does_not_fails_the_check_and_the_champion_replays_itself(
    served_day: tuple[Workspace, date, list[Decision]], materialize: Run, govern: Callable[..., Any], own_settled: Path
) -> None:
    workspace, day, decisions = served_day
    workspace.decisions.append(decisions)

    sound = materialize(workspace, "decisions/ledger", "decisions/skew", "decisions/rules", days=[day])

    assert sound.success
    figures = metadata_of(sound, "decisions/skew", day)
    assert (figures["compared"], figures["worst_share"], figures["stale_share"]) == (len(decisions), 0.0, 0.0)
    assert len(landed.landed(workspace.lake, [day])) == len(decisions) > 50
    assert checks_of(sound)["served_as_computed"].passed

    said = govern(own_settled, "replay", f"{day}..{day}", "--candidate", f"claim={decisions[0].scores[0].digest[:10]}")
    assert said.status == 0, said.err
    assert f"claim: {len(decisions)} of {len(decisions)} decisions made again" in said.out
    assert "no decision would have ended otherwise" in said.out

    wrong = [
        structs.replace(one, decision_id=f"wrong {one.decision_id}", features=one.features | {"seller_orders_30d": -1})
        for one in decisions[: len(decisions) // 10]
    ]
    workspace.decisions.append(wrong)
    skewed = materialize(workspace, "decisions/ledger", "decisions/skew", days=[day])

    assert not skewed.success
    assert not checks_of(skewed)["served_as_computed"].passed
    assert checks_of(skewed)["served_as_computed"].description.startswith("seller_orders_30d differs from history in 9")
