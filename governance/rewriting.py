"""Features and labels brought to what the raw partitions say, in one go: what repairs do by themselves."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from governance.features import build as features
from governance.labels import matured, statements
from governance.labels.definition import LabelDefinition
from governance.labels.ledger import LabelLedger
from governance.storage.lake import Lake, Manifest
from governance.workspace import Workspace

OnDay = Callable[[tuple[str, str], date, Manifest], None]
"""Told of each day that has been committed: the asset's key, the day, the manifest."""


def stale(workspace: Workspace, lake: Lake, days: Sequence[date]) -> dict[tuple[str, ...], list[date]]:
    """Which of `days` are missing from features and labels, or were not made from the raw partitions of `lake`."""
    labels = workspace.models.labels
    found: dict[tuple[str, ...], list[date]]
    found = {("features", view.name): features.stale_days(lake, view, days) for view in workspace.views.values()}
    if labels:
        found["labels", "statements"] = statements.stale_days(lake, labels, days)
    found |= {("labels", label.name): matured.stale_days(lake, label, days) for label in labels}
    return {key: wanted for key, wanted in found.items() if wanted}


def rewrite(workspace: Workspace, wanted: Mapping[tuple[str, ...], Sequence[date]], *, on_day: OnDay) -> None:
    """Build what `stale` names, up to the newest day, each day committed by itself."""
    lake, days, labels = workspace.lake, workspace.days(), workspace.models.labels
    for view in workspace.views.values():
        if since := wanted.get(key := ("features", view.name)):
            told = _told(on_day, key)
            features.build(lake, view, first_day=days[0], first=since[0], last=days[-1], on_day=told)
    if since := wanted.get(key := ("labels", "statements")):
        statements.record_days(lake, workspace.ledger, labels, since, on_day=_told(on_day, key))
    for label in labels:
        if since := wanted.get(("labels", label.name)):
            rewrite_labels(lake, workspace.ledger, label, since, on_day=on_day)


def rewrite_labels(
    lake: Lake, ledger: LabelLedger, label: LabelDefinition, days: Sequence[date], *, on_day: OnDay
) -> None:
    """Build the matured labels of some days from a ledger."""
    matured.build(lake, ledger, label, days, on_day=_told(on_day, ("labels", label.name)))


def _told(on_day: OnDay, key: tuple[str, str]) -> Callable[[date, Manifest], None]:
    return lambda day, manifest: on_day(key, day, manifest)
