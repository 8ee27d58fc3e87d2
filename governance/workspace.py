"""One marketplace on one machine: where its rows, ledgers and models lie, and what it can have."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from governance.automation.held import HeldChanges
from governance.backfill.durations import Durations
from governance.contracts.calendar import days_between, valid_at
from governance.contracts.personal import KeyedHash
from governance.decisions.ledger import DecisionLedger, open_ledger
from governance.errors import ConfigurationError, SourceError
from governance.features.catalogue import views_over
from governance.features.view import View
from governance.labels.ledger import LabelLedger
from governance.marketplaces.marketplace import Marketplace
from governance.marketplaces.source import Source
from governance.models.catalogue import Models, models_for
from governance.models.scores import ScoreTable, score_table
from governance.release.registry import Registry
from governance.storage.lake import Lake
from governance.storage.objects import open_objects


@dataclass(frozen=True)
class Workspace:
    """Everything that belongs to one marketplace, opened when it is first used.

    Parameters
    ----------
    root : folder that holds the lake, ledgers, feature store, reports and, by default, the models.
    source_root : folder of the owner's files.
    objects_url : where model files lie: a folder or `s3://bucket/prefix`.
    environment : name of the feature store's environment.
    connections : what that environment needs to know of servers: addresses and how to log in.
    commit, machine : what stands beside a model's digest in its record.
    docs_url : where people read the folder that holds `docs/`.
    """

    root: Path
    marketplace: Marketplace
    source_root: Path
    keyed_hash: KeyedHash
    objects_url: str
    environment: str = "embedded"
    # Passwords: never printed with the workspace.
    connections: Mapping[str, str] = field(default_factory=dict, repr=False)
    commit: str | None = None
    machine: str = ""
    docs_url: str = ""

    @cached_property
    def lake(self) -> Lake:
        """Raw rows, features, labels and training sets."""
        return Lake(self.root / "lake")

    @cached_property
    def ledger(self) -> LabelLedger:
        """What labelers said."""
        return LabelLedger(self.root / "ledgers" / "labels.sqlite")

    @cached_property
    def decisions(self) -> DecisionLedger:
        """What the scoring service decided."""
        return open_ledger(self.connections.get("GOVERNANCE_LEDGER") or self.root / "ledgers" / "decisions.sqlite")

    @cached_property
    def durations(self) -> Durations:
        """How long assets took."""
        return Durations(self.root / "ledgers" / "durations.sqlite")

    @cached_property
    def held(self) -> HeldChanges:
        """Changes of history that wait for a person."""
        return HeldChanges(self.root / "held")

    @cached_property
    def registry(self) -> Registry:
        """Candidates, verdicts and champions."""
        return Registry(open_objects(self.objects_url))

    @cached_property
    def views(self) -> Mapping[str, View]:
        """The feature views that the delivered tables allow."""
        return views_over(self.marketplace.tables)

    @cached_property
    def models(self) -> Models:
        """The models that make sense here, and why the others are skipped."""
        return models_for(self.marketplace.name, self.marketplace.models, self.marketplace.tables)

    @cached_property
    def score_tables(self) -> Mapping[str, ScoreTable]:
        """For each model whose entities persist, the table of its champion's scores."""
        tables = {name: score_table(model, self.views) for name, model in self.models.present.items()}
        return {name: table for name, table in tables.items() if table}

    @property
    def reports(self) -> Path:
        """Folder of the pages that people read."""
        return self.root / "reports"

    def link_to(self, page: str) -> str:
        """Where people read a page of the project, such as `docs/models.md#claim`."""
        return f"{self.docs_url.rstrip('/')}/{page}"

    def source(self) -> Source:
        """The owner's files, as rows of contract tables; to be closed after use."""
        if not self.source_root.is_dir():
            raise SourceError(
                f"{self.marketplace.name}: there is no folder {self.source_root}; "
                "name the owner's files with --source (or make run SOURCE=...)"
            )
        return Source(self.marketplace, self.source_root)

    def generator(self) -> str:
        """What generated synthetic files, with its seed where the generator left word of it."""
        path = self.source_root / "world.json"
        facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return f"the simulator of this project, seed {facts.get('seed', 'unknown')}"

    def last_delivered_day(self) -> date | None:
        """The newest day that the owner has delivered, None where nothing is there yet."""
        if self.marketplace.last_day:
            return self.marketplace.last_day
        days = [day for pattern in self.marketplace.files.values() for day in _dated(self.source_root, pattern)]
        return max(days, default=None)

    def last_landed_day(self) -> date | None:
        """The newest day of which any table has landed, None before the first has."""
        landed = [days[-1] for table in self.marketplace.tables if (days := self.lake.days(f"raw/{table}"))]
        return max(landed, default=None)

    def time_there(self, wall: datetime) -> datetime | None:
        """What time it is in the marketplace when it is `wall` here; None before its first day has been delivered.

        Where history is replayed or simulated it is the moment at which the newest day should have landed.
        """
        if self.marketplace.clock == "wall":
            return wall
        last = self.last_delivered_day() or self.last_landed_day()
        return valid_at(last) if last else None

    def days(self) -> list[date]:
        """Every day from the marketplace's first to the newest delivered one."""
        last = self.last_delivered_day()
        if last is None:
            raise SourceError(
                f"{self.marketplace.name}: nothing has been delivered into {self.source_root}; "
                "simulate a marketplace (govern simulate) or name the owner's files with --source"
            )
        return days_between(self.marketplace.first_day, last)

    def weeks(self) -> list[date]:
        """The `as_of` of every whole week: the Mondays up to which all days have been delivered."""
        last = self.days()[-1] + timedelta(days=1)
        first = self.marketplace.first_day + timedelta(days=(7 - self.marketplace.first_day.weekday()) % 7)
        return [first + timedelta(weeks=week) for week in range(1, (last - first).days // 7 + 1)]


def _dated(root: Path, pattern: str) -> list[date]:
    before, after = pattern.split("{day}", 1)
    folder = root / Path(before).parent
    prefix = Path(before).name if not before.endswith("/") else ""
    head = after.split("/", 1)[0]
    names = [entry.name for entry in folder.glob(f"{prefix}*{head}")] if folder.is_dir() else []
    days = []
    for name in names:
        stem = name[len(prefix) : len(name) - len(head)] if head else name[len(prefix) :]
        try:
            days.append(date.fromisoformat(stem))
        except ValueError as problem:
            raise ConfigurationError(f"{folder / name} should carry a day such as 2026-01-31") from problem
    return days
