"""Repairs as jobs, for the launchpad and `govern repair`: each says what it would change, and twice changes nothing.

A job begins with an op that takes the person's words. In a dry run it ends there; otherwise the ops behind it bring
features, labels and the online store up to date. The newest week's candidates follow by the sensor `changed_week`, or
with `govern run`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from assets.failures import as_failures
from assets.online_repair import bring_online, differences, served
from governance import rewriting
from governance.errors import ConfigurationError, PartialFailure
from governance.labels.ledger import LabelLedger
from governance.labels.reload import Reload, reload_ledger
from governance.marketplaces import landing
from governance.marketplaces.withdrawals import Withdrawals
from governance.storage.lake import Manifest
from governance.storage.supposed import SupposedLake
from governance.workspace import Workspace
from orchestration import repair_words as words
from orchestration.jobs import RELEASE
from orchestration.plan import fall_back_run

DAYS_POOL, ONLINE_POOL = "days", "online"
_GO_ON = {"go_on": dg.Out(dg.Nothing, is_required=False)}
_AFTER = {"go_on": dg.In(dg.Nothing)}
_DRY = "Dry run: nothing was changed."

Space = dg.ResourceParam[Workspace]
Going = Iterator[dg.Output[None]]


class DryRun(dg.Config):
    """Whether only to say what would change."""

    dry_run: bool = Field(default=False, description="Say what would change, and stop.")


class Rebuild(DryRun):
    """What to rebuild online."""

    view: str | None = Field(default=None, description="One view, such as seller; without it all of them.")


class Day(DryRun):
    """A day to repair."""

    day: str = Field(description="A UTC day, such as 2024-01-31.")


class SignedDay(Day):
    """A day, and who acts on it and why."""

    reason: str = Field(description="Why; it is kept for ever.")
    who: str = Field(description="Who signs.")


def build_repair_jobs(workspace: Workspace) -> list[dg.JobDefinition]:
    """Every repair as a job."""
    jobs = [repair_online, repair_online_day, drop_day, restore_day]
    return [*jobs, reload_labels] if workspace.models.present else jobs


def build_override_sensor(workspace: Workspace) -> dg.SensorDefinition:
    """Asks for the release run that ends overrides as soon as they have expired."""

    @dg.sensor(
        name="override_expiry",
        job_name=RELEASE,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends overrides whose time is over: the champion before them serves again.",
    )
    def override_expiry() -> dg.RunRequest | dg.SkipReason:
        now = datetime.now(UTC)
        planned = fall_back_run(workspace, at=now)
        if planned is None:
            return dg.SkipReason("No override has expired.")
        # A pointer that has moved needs another run; one that could not be moved is tried again each hour.
        names = [(key[1], workspace.registry.generation(key[1])) for key in planned.assets]
        return dg.RunRequest(
            run_key=f"{names} {now:%Y-%m-%d %H}",
            asset_selection=[dg.AssetKey(key) for key in planned.assets],
            tags={"governance/why": planned.why},
        )

    return override_expiry


@dg.op(pool=ONLINE_POOL)
def rebuild_online(context: dg.OpExecutionContext, config: Rebuild, workspace: Space) -> None:
    """Write every key of the online views again from the offline partitions."""
    with as_failures():
        tables = served(workspace, config.view)
        for found in differences(workspace, tables):
            context.log.info(words.difference(found))
        if config.dry_run:
            context.log.info(_DRY)
            return
        for report in bring_online(workspace, tables, rebuild=True):
            context.log.info(words.online(report))


@dg.op(out=_GO_ON, pool=DAYS_POOL)
def land_day(context: dg.OpExecutionContext, config: Day, workspace: Space) -> Going:
    """Land what a day's owner has delivered again."""
    with as_failures():
        day = _day(workspace, config.day)
        with workspace.source() as source:
            key_id = workspace.keyed_hash.key_id
            waiting = landing.plan(workspace.lake, workspace.marketplace, source, [day], key_id=key_id)
            context.log.info(words.landing(day, waiting))
        if config.dry_run:
            anew = {(f"raw/{table}", day): Manifest("delivered anew", 0, "") for table in waiting}
            _say_what_follows(context, rewriting.stale(workspace, SupposedLake(workspace.lake, anew), workspace.days()))
            return
        _land(context, workspace, day, waiting)
    yield dg.Output(None, "go_on")


@dg.op(out=_GO_ON, pool=DAYS_POOL)
def withdraw_day(context: dg.OpExecutionContext, config: SignedDay, workspace: Space) -> Going:
    """Put a day's raw partitions aside; the same delivery does not land again."""
    lake, withdrawals = workspace.lake, Withdrawals(workspace.lake)
    with as_failures(), workspace.source() as source:
        day, tables = _day(workspace, config.day), list(workspace.marketplace.tables)
        if config.dry_run:
            leaving = withdrawals.manifests_leaving(day, tables, source)
            context.log.info(words.withdrawal(day, {table: one.rows for table, one in leaving.items()}))
            gone = {(f"raw/{table}", day): None for table in leaving}
            _say_what_follows(context, rewriting.stale(workspace, SupposedLake(lake, gone), workspace.days()))
            return
        now = datetime.now(UTC)
        left = withdrawals.withdraw(day, tables, source, who=config.who, reason=config.reason, at=now)
        context.log.info(words.withdrawal(day, left))
    yield dg.Output(None, "go_on")


@dg.op(out=_GO_ON, pool=DAYS_POOL)
def restore_withdrawn(context: dg.OpExecutionContext, config: SignedDay, workspace: Space) -> Going:
    """Bring back the raw partitions of a day that was withdrawn."""
    withdrawals = Withdrawals(workspace.lake)
    with as_failures():
        day = _day(workspace, config.day)
        if config.dry_run:
            back = withdrawals.manifests_aside(day)
            context.log.info(words.restoration(day, {table: one.rows for table, one in back.items()}))
            supposed = {(f"raw/{table}", day): manifest for table, manifest in back.items()}
            _say_what_follows(
                context, rewriting.stale(workspace, SupposedLake(workspace.lake, supposed), workspace.days())
            )
            return
        returned = withdrawals.restore(day, who=config.who, reason=config.reason, at=datetime.now(UTC))
        context.log.info(words.restoration(day, returned))
    yield dg.Output(None, "go_on")


@dg.op(ins=_AFTER, out=_GO_ON, pool=DAYS_POOL)
def rewrite_offline(context: dg.OpExecutionContext, workspace: Space) -> Going:
    """Build the features and labels that are stale."""
    with as_failures():
        stale = rewriting.stale(workspace, workspace.lake, workspace.days())
        context.log.info(words.following(stale))
        rewriting.rewrite(workspace, stale, on_day=_recorder(context))
    yield dg.Output(None, "go_on")


@dg.op(ins=_AFTER, pool=ONLINE_POOL)
def correct_online(context: dg.OpExecutionContext, workspace: Space) -> None:
    """Write the keys online that differ from offline, and remove those that are no longer there."""
    with as_failures():
        for report in bring_online(workspace, served(workspace), rebuild=False):
            context.log.info(words.online(report))


@dg.op(pool=DAYS_POOL)
def reload_ledger_of_labels(context: dg.OpExecutionContext, config: DryRun, workspace: Space) -> None:
    """Read the label ledger anew from the raw partitions, and build again the labels that it was wrong about."""
    path = workspace.root / "ledgers" / "labels.sqlite"
    labels, days = workspace.models.labels, workspace.days()

    def build_labels(ledger: LabelLedger, found: Reload) -> None:
        for label, one in zip(labels, found.labels, strict=True):
            since = [day for day in days if one.first_day and day >= one.first_day]
            if since:
                rewriting.rewrite_labels(workspace.lake, ledger, label, since, on_day=_recorder(context))

    with as_failures():
        found = reload_ledger(workspace.lake, path, labels, days, before_swap=build_labels, dry_run=config.dry_run)
        for sentence in words.reload(found):
            context.log.info(sentence)
    if config.dry_run:
        context.log.info(_DRY)


@dg.job(description="Write the online views again from the offline partitions; readers find every key at any moment.")
def repair_online() -> None:
    """Rebuild the online store."""
    rebuild_online()


@dg.job(description="Land a day that was delivered again, rewrite what is made of it, and correct those keys online.")
def repair_online_day() -> None:
    """Correct a day online."""
    correct_online(rewrite_offline(land_day()))


@dg.job(description="Withdraw a poisoned day from raw rows, features, labels and the online store; it is kept aside.")
def drop_day() -> None:
    """Drop a day everywhere."""
    correct_online(rewrite_offline(withdraw_day()))


@dg.job(description="Bring back a day that was withdrawn, everywhere.")
def restore_day() -> None:
    """Restore a day everywhere."""
    correct_online(rewrite_offline(restore_withdrawn()))


@dg.job(description="Read the label ledger anew from the raw partitions, say what differed, and put it in place.")
def reload_labels() -> None:
    """Reload the label ledger."""
    reload_ledger_of_labels()


def _day(workspace: Workspace, text: str) -> date:
    days = workspace.days()
    try:
        day = date.fromisoformat(text)
    except ValueError as problem:
        raise ConfigurationError(f"{text!r} is no day, such as {days[-1]}") from problem
    if not days[0] <= day <= days[-1]:
        raise ConfigurationError(f"{day} is not among the delivered days, {days[0]}..{days[-1]}")
    return day


def _land(context: dg.OpExecutionContext, workspace: Workspace, day: date, tables: Iterable[str]) -> None:
    failures: dict[str, str] = {}
    with workspace.source() as source:
        for table in tables:
            hashed, now = workspace.keyed_hash, datetime.now(UTC)
            report = landing.land(
                workspace.lake, workspace.marketplace, source, table, [day], now=now, keyed_hash=hashed
            )
            failures |= {f"raw/{table} {failed}": why for failed, why in report.failures.items()}
            if manifest := workspace.lake.manifest(f"raw/{table}", day):
                _record(context, ("raw", table), day, manifest)
    if failures:
        raise PartialFailure(f"raw/* of {day}", failures)


def _say_what_follows(context: dg.OpExecutionContext, stale: Mapping[tuple[str, ...], Sequence[date]]) -> None:
    context.log.info(words.following(stale))
    context.log.info(_DRY)


def _recorder(context: dg.OpExecutionContext) -> rewriting.OnDay:
    """Stamps each day on its asset's partition, so that the catalogue shows what a repair wrote."""
    return lambda key, day, manifest: _record(context, key, day, manifest)


def _record(context: dg.OpExecutionContext, key: tuple[str, str], day: date, manifest: Manifest) -> None:
    facts: dict[str, Any] = {"rows": manifest.rows, "digest": manifest.digest}
    context.log_event(dg.AssetMaterialization(dg.AssetKey(key), partition=day.isoformat(), metadata=facts))
