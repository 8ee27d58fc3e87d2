"""What the service tells Prometheus. Labels are words of the configuration, never of a request's body."""

from collections import Counter as CountedPoints
from collections.abc import Iterable
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)

_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST
_IN_FILES = values.ValueClass is not values.MutexValue
"""Whether figures lie in files that processes share. The library decides so when it is first imported: where our
`govern serve` has several workers, and where Feast, which sets the same variable, came first."""


class Metrics:
    """The figures of one worker; where several share a folder, any of them tells the sum."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own = self._registry
        self._requests = Counter(
            "governance_requests", "Requests by route and HTTP status", ["route", "status"], registry=own
        )
        self._seconds = Histogram(
            "governance_request_seconds",
            "From reading a request to answering it",
            ["route"],
            buckets=_SECONDS,
            registry=own,
        )
        self._decisions = Counter(
            "governance_decisions", "Decisions by point and action", ["point", "action"], registry=own
        )
        self._scores = Counter("governance_scores", "Scores by model and role", ["model", "role"], registry=own)
        self._degraded = Counter(
            "governance_degraded", "Decisions made without a part that should have been asked", ["part"], registry=own
        )
        self._in_flight = Gauge(
            "governance_in_flight", "Requests being worked on", multiprocess_mode="livesum", registry=own
        )
        self._breakers = Gauge(
            "governance_breakers_open",
            "Markets in which a point's breaker is open or on trial",
            ["point"],
            multiprocess_mode="livesum",
            registry=own,
        )
        self._stopped: set[str] = set()
        # Finding a child by its labels takes longer than counting it.
        self._request, self._second = cache(self._requests.labels), cache(self._seconds.labels)
        self._decision, self._score = cache(self._decisions.labels), cache(self._scores.labels)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._request(route, str(status)).inc()
        self._second(route).observe(seconds)

    def decided(self, point: str, action: str, degraded: tuple[str, ...]) -> None:
        """Count a decision, and what was missing when it was made."""
        self._decision(point, action).inc()
        for part in degraded:
            self._degraded.labels(part).inc()

    def scored(self, model: str, role: str, rows: int = 1) -> None:
        """Count scores."""
        self._score(model, role).inc(rows)

    def working(self, count: int) -> None:
        """Say how many requests are being worked on."""
        self._in_flight.set(count)

    def stopped(self, points: Iterable[str]) -> None:
        """Say in how many markets the breaker of each point is open."""
        found = CountedPoints(points)
        for point in self._stopped | found.keys():
            self._breakers.labels(point).set(found[point])
        self._stopped = set(found)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        if not _IN_FILES:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
