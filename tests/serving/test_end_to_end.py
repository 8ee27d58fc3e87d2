"""The service on real processes: an order is scored, and a release takes effect under load within two seconds."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from live import in_production, put_online
from needed import require_redis
from serving_process import Callers, Running, served

from benchmarks.servers import redis_server
from governance.contracts.calendar import valid_at
from governance.models.artifact import CALIBRATOR, Scorer, files_digest, load_scorer
from governance.release.evidence import GateResult, Verdict
from governance.workspace import Workspace

AT = datetime(2024, 2, 5, 3, tzinfo=UTC)
"""An hour after the newest features became valid."""
LAST_DAY = date(2024, 2, 4)
SECONDS_TO_TAKE_EFFECT = 2.0

CONTEXT = (
    *("price_minor", "shipping_minor", "discount_minor", "subsidy_minor", "reference_rate"),
    *("line_count", "instalments", "ship_by", "deliver_by", "listing_photos", "listing_description_characters"),
    *("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude", "parcel_weight_grams"),
)
KEYS = ("buyer_id", "seller_id", "product_id", "category")


@dataclass(frozen=True)
class Shop:
    """A workspace with a champion of `claim`, the variables under which it is served, and some of its orders."""

    root: Path
    workspace: Workspace
    environment: Mapping[str, str]
    orders: pl.DataFrame

    @property
    def question(self) -> dict[str, Any]:
        """An order, as a client asks about it."""
        row = self.orders.row(0, named=True)
        context = {name: _as_json(row[name]) for name in CONTEXT}
        return {
            "entity_id": row["order_line_id"],
            "occurred_at": AT.isoformat(),
            "market": row["market"],
            "keys": {name: row[name] for name in KEYS},
            "context": context,
            "amount_minor": row["price_minor"],
        }

    def scorer(self, digest: str) -> Scorer:
        return load_scorer(self.workspace.registry.files("claim", digest))

    def probabilities(self, digests: list[str]) -> dict[str, float]:
        """What the batch path says of the order, by model."""
        from assets.feast_store import joiner
        from governance.models.training_set import assemble

        model, views = self.workspace.models.present["claim"], self.workspace.views
        rows = self.orders.head(1).with_columns(
            row_id=pl.lit("1"), entity_id="order_line_id", decided_at=pl.lit(AT).cast(pl.Datetime("us", "UTC"))
        )
        joined = joiner(self.workspace)(rows, [views[name] for name in model.spec.views])
        # The service has been told of no event, so that every counter stands at zero.
        counted = getattr(model.spec, "counters", ())
        zeros = [pl.lit(0).alias(f"{name}_{window}") for name in counted for window in ("5m", "1h", "24h")]
        frame = assemble(model, views, joined.with_columns(zeros)).frame
        return {digest: float(self.scorer(digest).score(frame)[0]) for digest in digests}


@pytest.fixture(params=["embedded", "redis"])
def shop(request: pytest.FixtureRequest, own_settled: Path, bazaar_at: Callable[..., Workspace]) -> Iterator[Shop]:
    """The settled marketplace with its features in SQLite, then in a real Redis."""
    open_at = _embedded if request.param == "embedded" else _in_redis
    with open_at(own_settled, bazaar_at) as (workspace, environment):
        orders = pl.read_parquet(workspace.lake.path("raw/orders", LAST_DAY), hive_partitioning=False)
        yield Shop(own_settled, workspace, environment, orders.sort("order_line_id"))


@contextmanager
def _embedded(root: Path, open_at: Callable[..., Workspace]) -> Iterator[tuple[Workspace, dict[str, str]]]:
    yield open_at(root), {}


@contextmanager
def _in_redis(root: Path, open_at: Callable[..., Workspace]) -> Iterator[tuple[Workspace, dict[str, str]]]:
    require_redis()
    with redis_server() as server:
        workspace, environment = in_production(root, open_at(root), server.connection_string)
        put_online(workspace, valid_at(LAST_DAY))
        yield workspace, environment


def rival(workspace: Workspace) -> str:
    """Record a candidate that passed its gates and says half of what the champion says."""
    registry = workspace.registry
    champion = registry.pointer("claim")
    assert champion is not None
    record = registry.recorded("claim", champion.champion)
    assert record is not None
    files = registry.files("claim", champion.champion)
    calibrator = json.loads(files[CALIBRATOR])
    halved = [probability / 2 for probability in calibrator["probability"]]
    files |= {CALIBRATOR: json.dumps(calibrator | {"probability": halved}).encode()}
    digest = files_digest(files)
    later = champion.as_of + timedelta(weeks=1)
    registry.record("claim", digest, files, {**record.facts, "as_of": later.isoformat()})
    gate = GateResult(name="gate", kind="merit", value=1.0, bound=0.0, passed=True, reason="It is as it is.")
    registry.attach(Verdict(model="claim", digest=digest, status="passed", gates=(gate,)))
    return digest


@pytest.mark.long
def test_an_order_is_scored_and_releases_take_effect_under_load_without_a_failed_or_mixed_answer(shop: Shop) -> None:
    old = shop.workspace.registry.pointer("claim")
    assert old is not None
    first, second = old.champion, rival(shop.workspace)
    expected = shop.probabilities([first, second])
    assert expected[first] != expected[second]
    with served(shop.root, **shop.environment) as running:
        answer = running.ask("POST", "/v1/decisions/checkout", shop.question)
        assert answer.status == 200, answer.body
        assert _said(answer.body) == (first, expected[first])
        assert answer.body["degraded"] == []
        callers = Callers(running, "/v1/decisions/checkout", shop.question)
        with callers.asking():
            callers.wait_for(lambda each: each.status == 200)
            promoted = _moved(shop, running, "promote", "claim", second)
            callers.wait_for(lambda each: each.at > promoted + SECONDS_TO_TAKE_EFFECT)
            rolled_back = _moved(shop, running, "rollback", "claim")
            callers.wait_for(lambda each: each.at > rolled_back + SECONDS_TO_TAKE_EFFECT)
        assert callers.failures == []
        assert {each.status for each in callers.answers} == {200}
        scored = [each for each in callers.answers if each.body["scores"]]
        assert {_said(each.body) for each in scored} == {(digest, expected[digest]) for digest in expected}
        # Where this machine has no time for us, a read may miss its 30 ms, and the answer then says so.
        others = [each.body["degraded"] for each in callers.answers if not each.body["scores"]]
        assert all(flags == ["features"] for flags in others)
        assert len(others) < len(scored) / 10
        _took_effect(callers, promoted, rolled_back, second)
        _took_effect(callers, rolled_back, math.inf, first)
    kept = shop.workspace.decisions.about(shop.question["entity_id"], at_most=1_000_000)
    told = {each.body["decision_id"] for each in callers.answers} | {answer.body["decision_id"]}
    assert {decision.decision_id for decision in kept} == told
    shop.workspace.decisions.close()


def _moved(shop: Shop, running: Running, *words: str) -> float:
    """Move the pointer by the command line; when it moved."""
    running.govern(*words, "--reason", "a test", "--who", "test")
    pointer = shop.workspace.registry.pointer("claim")
    assert pointer is not None
    return pointer.at.timestamp()


def _took_effect(callers: Callers, moved: float, until: float, digest: str) -> None:
    """From two seconds after a move on, and until the next one, everybody was answered by the same model."""
    scored = [each for each in callers.answers if each.body["scores"]]
    settled = [each for each in scored if moved + SECONDS_TO_TAKE_EFFECT < each.at < until]
    assert settled, "the load ended too early to tell"
    assert {_said(each.body)[0] for each in settled} == {digest}


def _said(body: Mapping[str, Any]) -> tuple[str, float]:
    (score,) = body["scores"]
    return score["digest"], score["probability"]


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
