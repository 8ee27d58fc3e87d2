"""What a daily asset does with a range of days: those that are stale are done, those that are fresh stand.

Doing it twice is therefore doing it once, and a run that was killed or cancelled half-way is gone on with by any
later run over the same days.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from governance.contracts.calendar import days_between
from governance.features import build as features
from governance.features.view import View
from governance.labels import matured, statements
from governance.labels.definition import LabelDefinition
from governance.marketplaces.landing import land
from governance.storage.lake import Manifest
from governance.workspace import Workspace

Key = tuple[str, ...]
OnDay = Callable[[date, Manifest], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A daily asset that is made from landed rows.

    `stale` gives, of days that follow one another, those to do; `do` does days and tells of each when it is committed.
    """

    key: Key
    dataset: str
    stale: Callable[[Sequence[date]], list[date]]
    do: Callable[[Sequence[date], OnDay], None]

    def to_do(self, days: Sequence[date], *, again: bool) -> list[date]:
        """The days to do: the stale ones, or `again` all of them."""
        return list(days) if again else self.stale(days)


def features_of(workspace: Workspace, view: View) -> Daily:
    """A view's partitions.

    A raw day that did not land is built over as if nothing had happened on it; once it lands, it and every later day
    are stale.
    """
    lake, first_day = workspace.lake, workspace.marketplace.first_day

    def stale(days: Sequence[date]) -> list[date]:
        found = [day for day in features.stale_days(lake, view, days_between(first_day, days[-1])) if day >= days[0]]
        # A day is built upon the one before, so that what lies between two stale days is built as well.
        return days_between(found[0], found[-1]) if found else []

    def do(days: Sequence[date], on_day: OnDay) -> None:
        features.build(lake, view, first_day=first_day, first=days[0], last=days[-1], on_day=on_day)

    return Daily(key=("features", view.name), dataset=view.dataset, stale=stale, do=do)


def statements_of(workspace: Workspace, definitions: Sequence[LabelDefinition]) -> Daily:
    """What the ledger says, and from which raw rows it was last read."""
    return Daily(
        key=("labels", "statements"),
        dataset=statements.DATASET,
        stale=lambda days: statements.stale_days(workspace.lake, definitions, days),
        do=lambda days, on_day: statements.record_days(
            workspace.lake, workspace.ledger, definitions, days, on_day=on_day
        ),
    )


def labels_of(workspace: Workspace, definition: LabelDefinition) -> Daily:
    """The labels that matured day by day."""

    def do(days: Sequence[date], on_day: OnDay) -> None:
        matured.build(workspace.lake, workspace.ledger, definition, days, on_day=on_day)

    return Daily(
        key=("labels", definition.name),
        dataset=definition.dataset,
        stale=lambda days: matured.stale_days(workspace.lake, definition, days),
        do=do,
    )


def perform(
    workspace: Workspace, assets: Sequence[Key], days: Sequence[date], *, now: datetime, again: bool = False
) -> Mapping[Key, Mapping[date, str]]:
    """Do the named daily assets in order, as a Dagster run over these days does; return what did not land, and why.

    Raises
    ------
    NotReady
        Features before the first of the days are missing or stale.
    """
    failures = _land(workspace, [key[1] for key in assets if key[0] == "raw"], days, now=now)
    for work in _made_from_raw(workspace):
        todo = work.to_do(days, again=again) if work.key in assets else []
        if todo:
            work.do(todo, _nobody)
    return failures


def _made_from_raw(workspace: Workspace) -> list[Daily]:
    """In an order in which each finds what it needs."""
    labels = workspace.models.labels
    return [
        *(features_of(workspace, view) for view in workspace.views.values()),
        statements_of(workspace, labels),
        *(labels_of(workspace, label) for label in labels),
    ]


def _nobody(day: date, manifest: Manifest) -> None:
    """Nobody asks to be told."""


def _land(
    workspace: Workspace, tables: Sequence[str], days: Sequence[date], *, now: datetime
) -> dict[Key, Mapping[date, str]]:
    if not tables:
        return {}
    lake, marketplace = workspace.lake, workspace.marketplace
    with workspace.source() as source:
        reports = [
            land(lake, marketplace, source, table, days, now=now, keyed_hash=workspace.keyed_hash) for table in tables
        ]
    return {("raw", report.table): report.failures for report in reports if report.failures}
