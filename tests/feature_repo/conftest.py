"""A small marketplace of views in a temporary workspace."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.servers import RedisServer
from governance.features.view import Measure, View
from governance.models.spec import Costs, ModelSpec
from governance.storage.lake import Lake

DAY = date(2024, 5, 1)


def make_view(name: str, *, measures: int = 1, code_version: str = "1") -> View:
    return View(
        name=name,
        key=f"{name}_id",
        meaning=f"What a {name} did",
        measures=tuple(Measure(name=f"count{number}", table="orders", meaning="Orders") for number in range(measures)),
        rates=(),
        code_version=code_version,
    )


def make_spec(name: str, views: Sequence[str], **changes: Any) -> ModelSpec:
    facts = {
        "name": name,
        "family": "risk",
        "meaning": f"Model {name}",
        "owner": "risk",
        "decision_point": "daily",
        "entity": "seller",
        "group": "seller_id",
        "label": name,
        "views": tuple(views),
        "order_context": False,
        "costs": Costs(false_alarm_minor=1.0, miss_minor=1.0),
        "slices": (),
        "action": "hold",
        "runbook": "docs/runbook.md",
    }
    return ModelSpec(**(facts | changes))


@dataclass(frozen=True)
class Workspace:
    """A root folder with a lake, and ways to fill it."""

    root: Path
    environment: str = "embedded"
    connections: Mapping[str, str] = field(default_factory=dict)

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake")

    def open(self) -> Any:
        from feature_repo.store import open_store

        return open_store(self.root, environment=self.environment, connections=self.connections)

    def apply(self, store: Any, views: Sequence[View], specs: Sequence[ModelSpec] = (), **options: Any) -> list[str]:
        from feature_repo.store import apply

        return apply(store, views, specs, lake_root=self.lake.root, **options)

    def land(self, view: View, number: int, values: dict[str, int | None], *, created_hours: float = 0.0) -> None:
        """Rows of the `number`th day: every feature of a key has the value given for it."""
        valid_at = valid(number)
        rows = [
            {view.key: key, "event_timestamp": valid_at, "created": valid_at + timedelta(hours=created_hours)}
            | dict.fromkeys(view.feature_names, value)
            for key, value in values.items()
        ]
        schema = {
            view.key: pl.String(),
            "event_timestamp": pl.Datetime("us", "UTC"),
            "created": pl.Datetime("us", "UTC"),
        } | {feature: pl.Int64() for feature in view.feature_names}
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        day = DAY + timedelta(days=number)
        self.lake.write(view.dataset, day, frame, key=[view.key, "event_timestamp"], fingerprint="test")


def valid(number: int) -> datetime:
    """When the values of the `number`th day became valid: the midnight after it and a landing delay."""
    return datetime(DAY.year, DAY.month, DAY.day, 0, 30, tzinfo=UTC) + timedelta(days=number + 1)


@pytest.fixture(scope="session")
def workspace_at() -> Callable[[Path], Workspace]:
    return Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def production(tmp_path: Path, redis_process: RedisServer, redis_client: Any) -> Workspace:  # noqa: ARG001
    """The production environment on an empty Redis; its catalogue is in SQLite here."""
    connections = {
        "GOVERNANCE_REGISTRY": f"sqlite:///{tmp_path}/registry.db",
        "GOVERNANCE_REDIS": redis_process.connection_string,
    }
    return Workspace(tmp_path, "production", connections)


@pytest.fixture(params=["embedded", "production"])
def anywhere(request: pytest.FixtureRequest) -> Workspace:
    """Each environment in turn."""
    found: Workspace = request.getfixturevalue({"embedded": "workspace"}.get(request.param, "production"))
    return found


@pytest.fixture
def seller() -> View:
    """A view of one measure."""
    return make_view("seller")


@pytest.fixture
def store(anywhere: Workspace, seller: View) -> Any:
    """The feature store of each environment in turn, which knows the sellers."""
    opened = anywhere.open()
    anywhere.apply(opened, [seller])
    return opened


@pytest.fixture(scope="session")
def view_of() -> Callable[..., View]:
    return make_view


@pytest.fixture(scope="session")
def spec_of() -> Callable[..., ModelSpec]:
    return make_spec


@pytest.fixture(scope="session")
def valid_at() -> Callable[[int], datetime]:
    return valid
