"""The service of one workspace: its parts put together, opened, kept fresh, and closed without losing a row."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from feature_repo.online_reader import OnlineReader, open_reader
from feature_repo.store import open_store
from governance.decisions.points import DecisionPoint, load_points
from governance.decisions.rules import RuleSet, load_rules
from governance.errors import InputError, NotReady, StoreError
from governance.storage.objects import open_objects
from governance.workspace import Workspace
from serving.access import Access
from serving.asking import event_time, played_time
from serving.breaker import Breaker, BreakerBounds
from serving.counters.intake import Intake
from serving.counters.opening import counters_of, open_connection, open_counters
from serving.counters.store import CounterStore
from serving.engine import Engine
from serving.keys import keys_of
from serving.ledger_writer import LedgerWriter
from serving.limits import Backlog, InFlight, RateLimit
from serving.lineup import Scoring
from serving.metrics import Metrics
from serving.models import ModelStore
from serving.settings import Settings
from serving.traffic import TrafficMonitor
from serving.witness import Witnessed

if TYPE_CHECKING:
    from litestar import Litestar

_BESIDE = 2
"""Threads beside the event loop, for contributions and batches, which take milliseconds."""

_CONNECT_SECONDS = 5.0
_DAYS_COME_EVERY = timedelta(seconds=5)
"""How often the newest delivered day is looked up where it is what time it is."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Service:
    """Everything that answers a workspace's requests in one process; opened and closed on one event loop."""

    features: Witnessed
    models: ModelStore
    ledger: LedgerWriter
    traffic: TrafficMonitor
    counters: CounterStore
    counted: frozenset[str]
    beside: ThreadPoolExecutor
    backlog: Backlog
    engine: Engine

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self.workspace, self.settings = workspace, settings
        self.log = logging.getLogger(__name__)
        self.metrics = Metrics()
        self.broken: list[str] = []
        self._there: tuple[datetime, datetime | None] = (utc_now(), None)
        self.in_flight = InFlight(settings.in_flight_at_most, lasting=settings.lasting_in_flight_at_most)
        self.points: Mapping[str, DecisionPoint] = load_points()
        self.rules: RuleSet = load_rules()
        self.breaker = Breaker(BreakerBounds(shares={name: one.breaker_share for name, one in self.points.items()}))
        limit = RateLimit(per_second=settings.requests_per_second_per_key, burst=settings.burst_per_key)
        self.access = Access(keys_of(workspace.root), limit, now=utc_now, monotonic=time.monotonic)

    @asynccontextmanager
    async def running(self, _: "Litestar") -> AsyncIterator[None]:
        """Open everything, keep it fresh while requests are answered, and close it in the opposite order."""
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self.backlog = Backlog(asyncio.get_running_loop(), seconds_at_most=self.settings.behind_seconds_at_most)
            stack.callback(self.backlog.close)
            for watch in self._watches():
                stack.push_async_callback(_ended, self._watching(watch))
            yield

    def event_time(self, occurred_at: datetime | None) -> datetime:
        """The time that holds for an event: what the request says, near now where the marketplace's clock is ours."""
        now = utc_now()
        if self.workspace.marketplace.clock == "wall":
            tolerance = timedelta(seconds=self.settings.clock_tolerance_seconds)
            return event_time(occurred_at, now=now, tolerance=tolerance)
        return played_time(occurred_at) if occurred_at else self._time_there(now)

    def counting_time(self, latest: datetime) -> datetime:
        """The time as of which events count whose latest happened at `latest`: that of our clock, or where history is
        played, that of the events.

        Raises
        ------
        InputError
            It lies in our future.
        """
        if self.workspace.marketplace.clock != "wall":
            return latest
        now = utc_now()
        if latest > now + timedelta(seconds=self.settings.clock_tolerance_seconds):
            raise InputError(f"an event of {latest.isoformat()} lies in the future; set the sender's clock")
        return now

    def _time_there(self, now: datetime) -> datetime:
        looked_at, there = self._there
        if there is None or now - looked_at > _DAYS_COME_EVERY:
            # It lists the folder of the delivered days.
            there = self.workspace.time_there(now)
            self._there = now, there
        if there is None:
            raise NotReady(f"{self.workspace.marketplace.name} has no day yet; name occurred_at, or run the main job")
        return there

    async def _open(self, stack: AsyncExitStack) -> None:
        workspace = self.workspace
        store = open_store(workspace.root, environment=workspace.environment, connections=workspace.connections)
        read = {view for model in workspace.models.present.values() for view in model.spec.views}
        views = [view for name, view in workspace.views.items() if name in read]
        # What a decision asks of features and of counters travels together.
        redis = open_connection(workspace)
        reader = open_reader(store, views, connection=redis)
        stack.push_async_callback(reader.close)
        await self._warm(reader, [view.key for view in views])
        self.features = Witnessed(reader)
        self.models = ModelStore(open_objects(workspace.objects_url), [*workspace.models.present], workspace.views)
        stack.callback(self.models.close)
        await self.models.refresh()
        self.traffic = TrafficMonitor(workspace.registry, [*workspace.models.present], now=utc_now)
        stack.callback(self.traffic.close)
        self.counters = open_counters(workspace, redis)
        self.counted = frozenset(name for counter in counters_of(workspace) for name in counter.features)
        self.intake = Intake(counters_of(workspace), workspace.keyed_hash)
        stack.push_async_callback(self.counters.close)
        self.ledger = LedgerWriter(workspace.decisions, aside=workspace.root / "ledgers" / "put_aside")
        stack.push_async_callback(self.ledger.close)
        self.beside = ThreadPoolExecutor(_BESIDE, thread_name_prefix="beside")
        stack.callback(self.beside.shutdown, wait=False, cancel_futures=True)
        self.engine = self._engine()

    async def _warm(self, reader: OnlineReader, keys: Sequence[str]) -> None:
        """Connect before the first request, whose deadline is shorter than a connection may take."""
        try:
            await reader.read([dict.fromkeys(keys, "nobody")], deadline_seconds=_CONNECT_SECONDS)
        except StoreError as problem:
            self.log.error("%s; decisions go on without features until it answers", problem)

    def _engine(self) -> Engine:
        return Engine(
            points=self.points,
            rules=self.rules,
            scoring=Scoring(self.models, self.traffic, explaining=self.beside, nanoseconds=time.perf_counter_ns),
            features=self.features,
            counters=self.counters,
            ledger=self.ledger,
            breaker=self.breaker,
            event_time=self.event_time,
            now=utc_now,
            nanoseconds=time.perf_counter_ns,
            draw=random.random,
            new_id=lambda: uuid7().hex,
        )

    def _watches(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on beside the requests for as long as the service runs."""
        every = self.settings.refresh_seconds
        return [self.models.watch(every_seconds=every), self.traffic.watch(), self._watch_keys(every)]

    async def _watch_keys(self, every_seconds: float) -> None:
        while True:
            self.access.refresh()
            self.metrics.working(self.in_flight.count)
            self.metrics.stopped(point for point, _, _ in self.breaker.open_ones())
            await asyncio.sleep(every_seconds)

    def _watching(self, watch: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(watch)
        task.add_done_callback(self._say_that_it_ended)
        return task

    def _say_that_it_ended(self, task: "asyncio.Task[None]") -> None:
        """A watch ends only with the service. One that broke is said loudly: what it watched stays as it was."""
        if not task.cancelled() and (error := task.exception()):
            self.broken.append("watch")
            self.log.critical("a watch ended; restart this worker", exc_info=error)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
