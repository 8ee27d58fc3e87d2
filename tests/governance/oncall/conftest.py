"""What tests of alerts share: a finding to vary, an hour to begin at, and channels that keep what they are sent."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from governance.contracts.calendar import midnight
from governance.contracts.personal import PUBLISHED
from governance.marketplaces.marketplace import load_marketplace
from governance.oncall.channels import ChannelError
from governance.oncall.finding import Finding, Severity
from governance.oncall.kinds import Kind
from governance.oncall.ledger import AlertLedger, Message
from governance.oncall.look import Look
from governance.oncall.routing import Routing, load_routing
from governance.release.evidence import GateResult, Verdict
from governance.release.records import sha256
from governance.workspace import Workspace

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def noon() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def finding() -> Callable[..., Finding]:
    def make(kind: Kind = Kind.LATE_DATA, subject: str = "claim", **other: Any) -> Finding:
        fields = {"severity": Severity.SEV3, "owner": "risk-control", "what": "late", "why": "because"}
        return Finding(kind=kind, subject=subject, first_action="govern run", **{**fields, **other})

    return make


@pytest.fixture
def ledger(tmp_path: Path) -> AlertLedger:
    return AlertLedger(tmp_path / "ledgers" / "alerts.sqlite")


@pytest.fixture(scope="session")
def routing(tmp_path_factory: pytest.TempPathFactory) -> Routing:
    return load_routing(tmp_path_factory.mktemp("a marketplace without a routing of its own"))


class Postbox:
    """A channel in memory, which fails while it is `broken`."""

    def __init__(self, *, route: str | None = None, at_once: bool = False) -> None:
        self.name = f"postbox-{route}"
        self.route = route
        self.at_once = at_once
        self.broken = False
        self.got: list[Message] = []

    def send(self, messages: Sequence[Message]) -> None:
        if self.broken:
            raise ChannelError("the postbox is broken")
        self.got += messages

    @property
    def said(self) -> list[tuple[str, str]]:
        """What happened to which subject, in order."""
        return [(message.event.what.value, message.event.key.subject) for message in self.got]


@pytest.fixture
def postbox() -> Callable[..., Postbox]:
    return Postbox


_TOML = """
name = "fair"
currency = "EUR"
time_zone = "UTC"
first_day = 2024-01-01
quarantine_share_at_most = 0.02
clock = "{clock}"
synthetic = true
dated = true
[files]
orders = "orders/dt={{day}}/rows.parquet"
[models.merchant_fraud]
[models.claim]
"""

DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(60)]
"""From the first of January to the 29th of February."""


class Fair:
    """A marketplace of five tables whose partitions a test writes by hand; the last of `DAYS` has been delivered."""

    tables = ("orders", "cases", "enforcements", "payouts", "labels")

    def __init__(self, root: Path, *, clock: str = "delivered") -> None:
        folder = root / "fair"
        folder.mkdir(parents=True)
        (folder / "marketplace.toml").write_text(_TOML.format(clock=clock))
        for table in self.tables:
            (folder / f"{table}.sql").write_text("FROM source.orders")
        (root / "source" / "orders" / f"dt={DAYS[-1]}").mkdir(parents=True)
        self.workspace = Workspace(
            root=root / "var",
            marketplace=load_marketplace(folder),
            source_root=root / "source",
            keyed_hash=PUBLISHED,
            objects_url=str(root / "objects"),
        )
        self.wall = NOON

    def land(
        self, table: str, days: Sequence[date], rows: Callable[[date], list[dict[str, Any]]] | None = None
    ) -> None:
        """Land a day's rows; without rows a partition that was delivered empty."""
        for day in days:
            known = midnight(day) + timedelta(hours=20)
            made = [{"known_at": known, **row} for row in (rows(day) if rows else [])]
            frame = pl.DataFrame(made or {"known_at": []}, schema_overrides={"known_at": pl.Datetime("us", "UTC")})
            facts = {"delivered": len(made), "newest_known_at": known.isoformat() if made else None}
            self.workspace.lake.write(f"raw/{table}", day, frame, key=["known_at"], fingerprint="", facts=facts)

    def land_all(self, days: Sequence[date] = DAYS, *, but: Sequence[str] = ()) -> None:
        """Land days of every table, a row a day."""
        for table in self.tables:
            if table not in but:
                self.land(table, days, lambda _: [{"a": 1}])

    def week(self, model: str, as_of: date, status: str, *, gate: str = "above_rules") -> None:
        """Remember what became of a model's week."""
        kind = "safety" if status == "failed" else "merit"
        failing = {"name": gate, "kind": kind, "value": 0.0, "bound": 1.0, "passed": False, "reason": "Too little."}
        gates = [failing] if status in ("kept", "failed") else []
        facts = {"status": status, "digest": "d", "reason": "no label", "verdict": {"gates": gates}}
        frame = pl.DataFrame({"as_of": [midnight(as_of)]})
        self.workspace.lake.write(f"candidates/{model}", as_of, frame, key=["as_of"], fingerprint="", facts=facts)

    def candidate(self, model: str, as_of: date) -> str:
        """Record a candidate that passed."""
        registry, digest = self.workspace.registry, sha256(f"{model} {as_of}".encode())
        registry.record(model, digest, {"model.txt": b"x"}, {"as_of": as_of})
        gate = GateResult(name="latency", kind="safety", value=1.0, bound=50.0, passed=True, reason="It is fast.")
        registry.attach(Verdict(model=model, digest=digest, status="passed", gates=(gate,)))
        return digest

    def promote(self, model: str, as_of: date, *, at: datetime = NOON) -> str:
        """Record a candidate that passed, and make it the champion."""
        digest = self.candidate(model, as_of)
        self.workspace.registry.promote(model, digest, who="promotion", reason="newest passing", at=at)
        return digest

    def look(self) -> Look:
        """The workspace as of now, with the usual bounds."""
        now = self.workspace.time_there(self.wall)
        assert now is not None
        return Look(self.workspace, now, self.wall, load_routing(self.workspace.marketplace.folder).bounds)


@pytest.fixture
def fair(tmp_path: Path) -> Fair:
    return Fair(tmp_path / "fair_grounds")


@pytest.fixture
def days() -> list[date]:
    return DAYS
