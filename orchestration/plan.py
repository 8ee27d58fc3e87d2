"""What is stale, and which Dagster run makes it fresh: pure comparisons of fingerprints, without a heavy import."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from feature_repo.online_state import last_online, online_fingerprint, scores_fingerprint
from governance import rewriting
from governance.errors import ConfigurationError
from governance.labels import statements
from governance.marketplaces.landing import plan as landing_plan
from governance.models import training_set
from governance.models.catalogue import Model
from governance.retraining import (
    candidate_fingerprint,
    dataset,
    skipped_fingerprint,
    training_fingerprint,
)
from governance.workspace import Workspace
from monitoring.weekly import drift_dataset, drift_fingerprint

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One Dagster run: a job, the assets of it that are stale, and their days or week (its `as_of`)."""

    job: str
    assets: tuple[Key, ...]
    why: str
    first: date | None = None
    last: date | None = None
    as_of: date | None = None
    again: bool = False
    """Do every day of the range, also those that are fresh."""


def next_run(workspace: Workspace, *, weeks: int, done: Sequence[PlannedRun]) -> PlannedRun | None:
    """The next run that is needed, in the order days, weeks with their champions, online; None where all is fresh.

    A run that was done already is not planned again: what it could not make fresh is a failure that its
    own message explains, and the stages behind it go on with what stands.
    """
    stages: Sequence[Callable[[], PlannedRun | None]] = (
        lambda: _daily(workspace, done),
        # Before the next week, so that its candidate is compared with the champion of the week before.
        lambda: release_run(workspace),
        lambda: _weekly(workspace, weeks, done),
        lambda: online_run(workspace),
    )
    return next((run for stage in stages if (run := stage()) is not None and run not in done), None)


def stale_days(workspace: Workspace) -> dict[Key, list[date]]:
    """The days of each daily asset that are missing or were made from something else."""
    days = workspace.days()
    with workspace.source() as source:
        landing = landing_plan(workspace.lake, workspace.marketplace, source, days, key_id=workspace.keyed_hash.key_id)
    found: dict[Key, list[date]] = {("raw", table): stale for table, stale in landing.items()}
    return found | rewriting.stale(workspace, workspace.lake, days)


def downstream(workspace: Workspace, table: str) -> list[Key]:
    """The daily assets that are made from a raw table."""
    views = [("features", view.name) for view in workspace.views.values() if table in view.tables]
    labels = [model.label for model in workspace.models.present.values()]
    stating = [label for label in labels if table in (statements.source_table(label), "orders")]
    enforced = [label for label in labels if table == "enforcements" and label.decisions == "active_sellers"]
    named = {("labels", label.name): None for label in (*stating, *enforced)}
    says = [("labels", "statements")] if any(table == statements.source_table(label) for label in labels) else []
    return [*views, *says, *named]


def landing_run(workspace: Workspace) -> PlannedRun | None:
    """The run that lands what is new or changed, and nothing else; None where nothing is."""
    stale = {key: days for key, days in stale_days(workspace).items() if key[0] == "raw"}
    if not stale:
        return None
    first, last = min(days[0] for days in stale.values()), max(days[-1] for days in stale.values())
    count = len({day for days in stale.values() for day in days})
    why = f"{count} delivered day(s) are new or changed"
    return PlannedRun(job="daily", assets=tuple(sorted(stale)), first=first, last=last, why=why)


def backfill_run(workspace: Workspace, first: date, last: date, *, again: bool = False) -> PlannedRun:
    """One run over every daily asset for a range of days: what is stale among them, or `again` all of them.

    Raises
    ------
    ConfigurationError
        The range leaves the days that have been delivered.
    """
    days = workspace.days()
    if first < days[0] or last > days[-1]:
        raise ConfigurationError(f"{first}..{last} leaves what has been delivered, {days[0]}..{days[-1]}")
    raw: list[Key] = [("raw", table) for table in workspace.marketplace.tables]
    built = {key for _, table in raw for key in downstream(workspace, table)}
    assets = (*raw, *sorted(built))
    return PlannedRun(job="daily", assets=assets, first=first, last=last, why=f"backfill {first}..{last}", again=again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Days that somebody wants landed and built again: what is stale among them, or `again` all of them."""

    first: date
    last: date
    again: bool = False

    @property
    def why(self) -> str:
        """What the runs of it say of themselves."""
        return f"backfill {self.first}..{self.last}" + (" again" if self.again else "")


def next_backfill_run(workspace: Workspace, wanted: Backfill, *, done: Sequence[PlannedRun]) -> PlannedRun | None:
    """The next run of a backfill: its days, then what follows from them up to today, then the online store.

    Mostly the first run does all of the daily work: it begins at the first day that is stale and ends today, because a
    day that lands otherwise makes features of every later day stale. Two cases need a second one: a raw day that could
    not land stops what is made of its table within that run, and a later day of the same table that was delivered anew
    but not asked for must not land with it.

    Raises
    ------
    ConfigurationError
        The range leaves the days that have been delivered.
    """
    whole = backfill_run(workspace, wanted.first, wanted.last, again=wanted.again)
    if wanted.again and not done:
        return whole
    landing = {any(key[0] == "raw" for key in run.assets) for run in done if run.job == "daily"}
    stages: Sequence[Callable[[], PlannedRun | None]] = (
        lambda: None if True in landing else _landing_of(workspace, wanted),
        lambda: None if False in landing else _following(workspace, wanted),
        lambda: None if any(run.job == "online" for run in done) else online_run(workspace),
    )
    return next((run for stage in stages if (run := stage()) is not None), None)


def _landing_of(workspace: Workspace, wanted: Backfill) -> PlannedRun | None:
    """Land the stale raw days of the range, with all that follows from them where nothing else would land as well."""
    stale = {key: [day for day in days if day >= wanted.first] for key, days in stale_days(workspace).items()}
    raw = {key for key, days in stale.items() if key[0] == "raw" and days and days[0] <= wanted.last}
    if not raw:
        return None
    behind = {key for key, days in stale.items() if key[0] != "raw" and days}
    follow = {key for _, table in raw for key in downstream(workspace, table)}
    unasked = any(stale[key][-1] > wanted.last for key in raw)
    return PlannedRun(
        job="daily",
        assets=tuple(sorted({*raw, *follow, *behind})),
        first=min(stale[key][0] for key in {*raw, *behind}),
        last=wanted.last if unasked else workspace.days()[-1],
        why=wanted.why,
    )


def _following(workspace: Workspace, wanted: Backfill) -> PlannedRun | None:
    """Build what is stale from the range's first day up to the newest day that has landed."""
    raw = [workspace.lake.days(f"raw/{table}") for table in workspace.marketplace.tables]
    newest = max((days[-1] for days in raw if days), default=wanted.last)
    stale = {
        key: since
        for key, days in stale_days(workspace).items()
        if key[0] != "raw" and (since := [day for day in days if wanted.first <= day <= newest])
    }
    if not stale:
        return None
    return PlannedRun(
        job="daily",
        assets=tuple(sorted(stale)),
        first=min(days[0] for days in stale.values()),
        last=max(days[-1] for days in stale.values()),
        why=f"{wanted.why}: what follows",
    )


def retraining_run(workspace: Workspace, as_of: date, *, model: str | None = None) -> PlannedRun:
    """The run that trains and judges the candidates of one week, or of one model, whether or not they are stale.

    Raises
    ------
    ConfigurationError
        No whole week that has been delivered ends before `as_of`.
    """
    weeks = workspace.weeks()
    if as_of not in weeks:
        known = f"one of the Mondays {weeks[0]}..{weeks[-1]}" if weeks else "a later day: no week is whole yet"
        raise ConfigurationError(f"no week ends before {as_of}; give {known}")
    names = [model] if model else list(workspace.models.present)
    parts = (("models", "training_set"), ("models", "candidate"), ("monitoring", "drift"))
    assets = tuple((layer, name, part) for name in names for layer, part in parts)
    return PlannedRun(job="weekly", assets=assets, as_of=as_of, why=f"trained again as of {as_of}")


def _daily(workspace: Workspace, done: Sequence[PlannedRun]) -> PlannedRun | None:
    stale = stale_days(workspace)
    tried = {key for run in done for key in run.assets if key[0] == "raw"}
    # Days that could not land have been named once; what stands behind them goes on without them.
    stale = {key: days for key, days in stale.items() if key not in tried}
    if not stale:
        return None
    follow = {key for name in stale if name[0] == "raw" for key in downstream(workspace, name[1])}
    first = min(days[0] for days in stale.values())
    count = len({day for days in stale.values() for day in days})
    return PlannedRun(
        job="daily",
        assets=tuple(sorted({*stale, *follow})),
        first=first,
        last=workspace.days()[-1],
        why=f"{count} day(s) are new or changed",
    )


def _weekly(workspace: Workspace, weeks: int, done: Sequence[PlannedRun]) -> PlannedRun | None:
    runs = (weekly_run(workspace, as_of) for as_of in workspace.weeks()[-weeks:])
    return next((run for run in runs if run is not None and run not in done), None)


def weekly_run(workspace: Workspace, as_of: date) -> PlannedRun | None:
    """The run that makes the candidates of a week and their drift reports true; None where they are."""
    models = workspace.models.present.values()
    assets = tuple(key for model in models for key in _stale_of_week(workspace, model, as_of))
    why = f"models as of {as_of} are new or changed"
    return PlannedRun(job="weekly", assets=assets, as_of=as_of, why=why) if assets else None


def _stale_of_week(workspace: Workspace, model: Model, as_of: date) -> list[Key]:
    lake = workspace.lake
    training = lake.manifest(training_set.dataset(model.name), as_of)
    candidate = lake.manifest(dataset(model.name), as_of)
    drift = lake.manifest(drift_dataset(model.name), as_of)
    keys: list[Key] = [("models", model.name, "training_set"), ("models", model.name, "candidate")]
    keys.append(("monitoring", model.name, "drift"))
    if training is None:
        done = candidate is not None and candidate.fingerprint == skipped_fingerprint(workspace, model, as_of)
        return [] if done else keys
    if training.fingerprint != training_fingerprint(workspace, model, as_of):
        return keys
    if candidate is None or candidate.fingerprint != candidate_fingerprint(model, training):
        return keys[1:]
    if drift is None or drift.fingerprint != drift_fingerprint(workspace, model, as_of):
        return keys[2:]
    return []


def release_run(workspace: Workspace) -> PlannedRun | None:
    """The run that promotes the candidates that passed and are newer than their champions; None where none is."""
    best = {name: workspace.registry.next_champion(name) for name in workspace.models.present}
    waiting = {name: found for name, found in best.items() if found is not None}
    if not waiting:
        return None
    assets = tuple(("models", name, "champion") for name in waiting)
    named = " and ".join(f"{name} {found.digest[:12]}" for name, found in waiting.items())
    return PlannedRun(job="release", assets=assets, why=f"newer candidates passed: {named}")


def fall_back_run(workspace: Workspace, *, at: datetime) -> PlannedRun | None:
    """The run that ends the overrides that have expired by `at`; None where none has."""
    standing = {name: workspace.registry.standing_override(name) for name in workspace.models.present}
    expired = [name for name, override in standing.items() if override and override.expired(at)]
    if not expired:
        return None
    assets = tuple(("models", name, "champion") for name in expired)
    return PlannedRun(job="release", assets=assets, why=f"overrides expired: {', '.join(expired)}")


def online_run(workspace: Workspace) -> PlannedRun | None:
    """The run that puts online what is newer offline; None where nothing is."""
    read = {name for model in workspace.models.present.values() for name in model.spec.views}
    stale: list[Key] = []
    for view in workspace.views.values():
        last, wanted = last_online(workspace, view), online_fingerprint(workspace, view)
        if view.name in read and wanted and (last is None or last.fingerprint != wanted):
            stale.append(("online", view.name))
    for name, table in workspace.score_tables.items():
        last, wanted = last_online(workspace, table), scores_fingerprint(workspace, table)
        if wanted and (last is None or last.fingerprint != wanted):
            stale.append(("models", name, "scores"))
    if not stale:
        return None
    return PlannedRun(job="online", assets=tuple(stale), why=f"{len(stale)} table(s) have newer rows offline")


def should_be_online(workspace: Workspace, key: Key) -> str | None:
    """The fingerprint of what an asset of the online store should hold; None where there is nothing to hold yet."""
    if key[0] == "online":
        return online_fingerprint(workspace, workspace.views[key[1]])
    return scores_fingerprint(workspace, workspace.score_tables[key[1]])
