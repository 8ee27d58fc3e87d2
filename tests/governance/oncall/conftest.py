"""What tests of alerts share: a finding to vary, an hour to begin at, and channels that keep what they are sent."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from governance.oncall.channels import ChannelError
from governance.oncall.finding import Finding, Severity
from governance.oncall.kinds import Kind
from governance.oncall.ledger import AlertLedger, Message
from governance.oncall.routing import Routing, load_routing

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
