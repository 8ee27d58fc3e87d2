"""What the engine asks of its parts, so that each of them can be another one: stores, models, traffic, ledger."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from governance.decisions.record import Decision, Role, RuleHit, Value
from governance.models.explain import Reason
from governance.release.traffic import Traffic
from serving.counters.store import Asked, Counting


class Known(Protocol):
    """Online features of one request: values by name, and when each view's became valid (None: nothing is known)."""

    @property
    def values(self) -> Mapping[str, Value]:
        """By feature."""

    @property
    def times(self) -> Mapping[str, datetime | None]:
        """By view."""


class Features(Protocol):
    """Reads online features."""

    async def read(self, requests: Sequence[Mapping[str, str]], *, deadline_seconds: float) -> Sequence[Known]:
        """For each request, which maps join keys to values, what is known; StoreError where the store fails."""


class Counters(Protocol):
    """Reads real-time counters."""

    async def behind(self, token: str, *, deadline_seconds: float) -> bool:
        """Whether events of this token are not counted yet; StoreError where the store fails."""

    def read(self, asked: Sequence[Asked], *, deadline_seconds: float) -> Counting:
        """For each, what the windows hold; StoreError where the store fails. Asked for at once where that is possible,
        so that what is asked beside it travels with it."""


class Version(Protocol):
    """One loaded version of a model."""

    @property
    def digest(self) -> str:
        """Which one."""

    @property
    def threshold(self) -> float:
        """Act from this probability on."""

    def inputs(
        self, values: Mapping[str, Value], context: Mapping[str, Any], decided_at: datetime
    ) -> Mapping[str, float]:
        """What the model reads, made of features and the request."""

    def score(self, inputs: Mapping[str, float]) -> float:
        """Calibrated probability."""

    def reasons(self, inputs: Mapping[str, float]) -> tuple[Reason, ...]:
        """The reason codes that raise the score most; milliseconds, so for decisions that hurt."""


class Served(Protocol):
    """What of one model is loaded."""

    @property
    def champion(self) -> Version | None:
        """Answers for everybody else."""

    @property
    def canary(self) -> Version | None:
        """Answers for its share."""

    @property
    def shadows(self) -> Sequence[Version]:
        """Scored, remembered, never acted on."""

    @property
    def traffic(self) -> Traffic:
        """Who gets which."""

    @property
    def problem(self) -> str | None:
        """Why this is not what the registry names, or may not be."""


class Models(Protocol):
    """Loaded models."""

    def current(self) -> Mapping[str, Served]:
        """By name, as one unchanging snapshot: a request works with one from beginning to end."""


class Rules(Protocol):
    """The rules in force."""

    @property
    def version(self) -> str:
        """Which ones."""

    @property
    def texts(self) -> Mapping[str, str]:
        """What a person is told of each."""

    def reads(self, point: str) -> Collection[str]:
        """Names of the values that they look at."""

    def hits(self, point: str, values: Mapping[str, Value], at: datetime) -> tuple[RuleHit, ...]:
        """Those that are met."""


class Ledger(Protocol):
    """Where decisions are remembered."""

    async def find(self, caller: str, request_id: str) -> Decision | None:
        """The decision that was given to this request before."""

    async def keep(self, decision: Decision, *, durable: bool) -> Decision:
        """Remember a decision; with `durable`, once it is on disk. What stands under the same request id comes back."""


class TrafficMonitor(Protocol):
    """Watches what each role of a model does in traffic."""

    def observe(self, model: str, digest: str, role: Role, acted: bool, latency_us: int, error: bool) -> None:
        """One score of this digest, or one that failed."""


class Breaker(Protocol):
    """Stops blocking where too much is blocked."""

    def allows(self, point: str, segment: str, at: datetime) -> bool:
        """Whether what hurts may be answered."""

    def observe(self, point: str, segment: str, blocked: bool, at: datetime) -> None:
        """What was asked for."""
