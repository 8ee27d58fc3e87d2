"""A service in this process, over parts that a test decides about; and where `serving_process` is found."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from governance.decisions.record import Value
from governance.errors import StoreError
from governance.models.explain import Reason
from governance.release.traffic import NO_TRAFFIC, Traffic
from orchestration.environments import workspace_from
from serving.app import create_app
from serving.counters.intake import Intake
from serving.counters.opening import counters_of, open_counters
from serving.keys import keys_of
from serving.ledger_writer import LedgerWriter
from serving.service import Service
from serving.settings import Settings
from serving.witness import Witnessed

sys.path.append(str(Path(__file__).parent))

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    values: Mapping[str, Value]
    times: Mapping[str, datetime | None]


@dataclass
class Profiles:
    """Online features of buyers and sellers; they fail, or forget everything, when they are told to."""

    known: set[str] = field(default_factory=lambda: {"b_1", "s_1"})
    fails: bool = False

    async def read(self, requests: Sequence[Mapping[str, str]], *, deadline_seconds: float) -> list[Known]:
        assert deadline_seconds > 0
        if self.fails:
            raise StoreError("nobody answers")
        return [self._of(request) for request in requests]

    def _of(self, request: Mapping[str, str]) -> Known:
        views = {"buyer": "buyer_id", "seller": "seller_id"}
        times = {view: AT if request.get(key) in self.known else None for view, key in views.items()}
        return Known({f"{view}_orders_30d": 3.0 if time else None for view, time in times.items()}, times)


@dataclass(frozen=True)
class Scorer:
    """Says of every row the probability that the request's context names as `risk`."""

    def score_many(self, inputs: Sequence[Mapping[str, float]]) -> list[float]:
        return [one["risk"] for one in inputs]

    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """A version whose probability is what the request says."""

    digest: str = "a" * 64
    threshold: float = 0.5
    as_of: date = date(2024, 2, 26)
    scorer: Scorer = Scorer()

    def inputs(self, values: Mapping[str, Value], context: Mapping[str, Any], decided_at: datetime) -> dict[str, float]:
        del values, decided_at
        return {"risk": float(context.get("risk", 0.1))}

    def score(self, inputs: Mapping[str, float]) -> float:
        if inputs["risk"] > 1:
            raise StoreError("no such probability")
        return inputs["risk"]

    def reasons(self, inputs: Mapping[str, float]) -> tuple[Reason, ...]:
        return (Reason("seller_late_delivery_rate", inputs["risk"]),)


@dataclass(frozen=True)
class Served:
    name: str
    champion: Model | None = Model()
    canary: Model | None = None
    shadows: tuple[Model, ...] = ()
    traffic: Traffic = NO_TRAFFIC
    problem: str | None = None
    generation: int = 1


@dataclass
class Models:
    """What is loaded."""

    served: dict[str, Served] = field(default_factory=lambda: {"claim": Served("claim")})

    def current(self) -> Mapping[str, Served]:
        return self.served

    @property
    def problems(self) -> Mapping[str, str]:
        return {name: one.problem for name, one in self.served.items() if one.problem}


class Watch:
    """Counts what it is told."""

    problems: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def observe(self, *told: Any) -> None:
        self.told.append(told)


class Staged(Service):
    """The service with features and models that a test decides about; everything else is real."""

    profiles: Profiles

    async def _open(self, stack: AsyncExitStack) -> None:
        self.profiles, self.traffic, self.models = Profiles(), Watch(), Models()  # type: ignore[assignment]
        self.features = Witnessed(self.profiles)
        self.counters, self.counted = open_counters(self.workspace, None), frozenset()
        stack.push_async_callback(self.counters.close)
        self.intake = Intake(counters_of(self.workspace), self.workspace.keyed_hash)
        self.ledger = LedgerWriter(self.workspace.decisions, aside=self.workspace.root / "put_aside")
        stack.push_async_callback(self.ledger.close)
        self.beside = ThreadPoolExecutor(2)
        stack.callback(self.beside.shutdown)
        self.engine = self._engine()

    def _watches(self) -> list[Any]:
        return [self._watch_keys(0.01)]


@dataclass
class Stage:
    """A client of a running service, and the service itself."""

    client: TestClient[Any]
    service: Staged
    token: str

    def ask(self, point: str = "checkout", **changes: Any) -> Any:
        return self.client.post(f"/v1/decisions/{point}", json=question(**changes), headers=self.headers)

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def question(**changes: Any) -> dict[str, Any]:
    keys = {"buyer_id": "b_1", "seller_id": "s_1"}
    return {"entity_id": "line_1", "occurred_at": AT.isoformat(), "keys": keys, "context": {"risk": 0.2}} | changes


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[..., tuple[Staged, str]]:
    """Make a service with some settings, and a key to it."""

    def make(**settings: Any) -> tuple[Staged, str]:
        workspace = workspace_from({"GOVERNANCE_ROOT": str(tmp_path)}, marketplace="simulated")
        signed = {"who": "test", "reason": "a test", "at": AT}
        token = keys_of(workspace.root).add("test", ["score", "read", "events"], **signed)
        return Staged(workspace, Settings(**settings)), token

    return make


@pytest.fixture
def staged(prepared: Callable[..., tuple[Staged, str]]) -> Callable[..., Any]:
    """Run a service with some settings for the length of a block."""

    @contextmanager
    def run(**settings: Any) -> Iterator[Stage]:
        service, token = prepared(**settings)
        with TestClient(create_app(service)) as client:
            yield Stage(client, service, token)

    return run


@pytest.fixture
def stage(staged: Callable[..., Any]) -> Iterator[Stage]:
    with staged() as found:
        yield found
