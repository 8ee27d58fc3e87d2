"""Three times more requests than the service can answer: how long those wait that it accepts, beside a usual hour."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.load import Load, can_load, load
from benchmarks.measure import Measurement, Say
from benchmarks.scoring_requests import CONNECTIONS, ROUNDS, decision_body, key, service
from benchmarks.scoring_servers import DECISIONS
from benchmarks.servers import RedisServer

TIMES = 3
PAUSE_MS = 100
SETTINGS = (
    f"wrk offers {TIMES} times the peak, on connections that pause {PAUSE_MS} ms on average; one caller beside it asks "
    "again and again and keeps the time of each answer. ours: p99 of what it was answered with 200; limit: the same at "
    "half of the peak. Everybody else gets 503 with Retry-After at once"
)


@dataclass
class Probe:
    """A caller that keeps how long each answer took, by status."""

    port: int
    token: str
    body: str
    milliseconds: dict[int, list[float]] = field(default_factory=dict)

    @contextmanager
    def asking(self) -> Iterator["Probe"]:
        """Ask for as long as the block lasts."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,))
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def p99(self, status: int = 200) -> float:
        """Of the answers with a status."""
        return float(np.quantile(self.milliseconds[status], 0.99))

    def _run(self, stop: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        number = 0
        while not stop.is_set():
            number += 1
            began = time.perf_counter()
            connection.request("POST", DECISIONS, self.body.replace("NUMBER", f"{number % 400:09d}"), headers)
            answer = connection.getresponse()
            answer.read()
            self.milliseconds.setdefault(answer.status, []).append((time.perf_counter() - began) * 1_000)
        connection.close()


def measure_overload(
    root: Path, redis: RedisServer, *, entities: int, seconds: float, say: Say
) -> list[dict[str, Any]]:
    """One row; none without wrk."""
    if not can_load():
        return []
    token, body = key(root, redis), decision_body()
    asked = {"entities": entities, "token": token, "seconds": seconds}
    with service("ours", root, redis) as (url, _):
        port = int(url.rsplit(":", 1)[1])
        load(url + DECISIONS, body, connections=CONNECTIONS, **(asked | {"seconds": max(1, seconds / 5)}))
        peak = load(url + DECISIONS, body, connections=CONNECTIONS, **asked)
        say("requests: half of the peak and three times the peak, in turns")
        usual, flooded = Probe(port, token, body), Probe(port, token, body)
        shorter, floods = asked | {"seconds": max(1, seconds / ROUNDS)}, []
        for _ in range(ROUNDS):
            _beside(usual, url, shorter, offered=peak.per_second / 2)
            floods.append(_beside(flooded, url, shorter, offered=TIMES * peak.per_second))
    accepted, refused = len(flooded.milliseconds[200]), len(flooded.milliseconds.get(503, []))
    beside = {
        "requests_per_second": {
            "peak": round(peak.per_second),
            "offered and answered": round(mean(flood.per_second for flood in floods)),
        },
        "answers_of_the_flood": {
            "all": sum(flood.answered for flood in floods),
            "refused": sum(flood.refused for flood in floods),
            "none": sum(flood.broken for flood in floods),
        },
        "answers_of_the_caller": {"accepted": accepted, "refused": refused},
        "p99_ms_of_refusals": round(flooded.p99(503), 2) if refused else None,
    }
    row = Measurement(
        work=f"scoring requests: p99 of those accepted at {TIMES} times the peak",
        unit="milliseconds",
        ours=flooded.p99(),
        limit=usual.p99(),
        settings=SETTINGS,
        beside=beside,
    )
    return [row.as_row()]


def _beside(probe: Probe, url: str, asked: dict[str, Any], *, offered: float) -> Load:
    """Let the caller ask while wrk offers so many requests a second."""
    connections = max(1, round(offered * PAUSE_MS / 1_000))
    with probe.asking():
        return load(url + DECISIONS, probe.body, connections=connections, pause_ms=PAUSE_MS, **asked)
