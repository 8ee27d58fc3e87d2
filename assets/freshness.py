"""Whether data is fresh: policies on when assets were made last, and checks on the newest event time in their data.

A policy is about the asset as a whole, so that the backfill of an old day makes a stale asset look fresh; the check
reads the data. Policies go by the wall clock and therefore only where days are delivered as they pass; checks go by
the clock of the marketplace.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.metadata import figures
from feature_repo.online_state import last_online
from governance.contracts.calendar import midnight, valid_at
from governance.features.view import FeatureTable
from governance.models.catalogue import Model
from governance.oncall import freshness
from governance.oncall.freshness import Age, Level
from governance.oncall.label_delay import delays
from governance.oncall.routing import load_routing
from governance.retraining import dataset
from governance.workspace import Workspace

NEWEST_EVENT, LABEL_DELAY = "newest_event", "label_delay"

_DAILY = dg.FreshnessPolicy.cron(deadline_cron="0 8 * * *", lower_bound_delta=timedelta(hours=8), timezone="UTC")
_WEEKLY = dg.FreshnessPolicy.time_window(fail_window=freshness.WEEKLY_ERROR, warn_window=freshness.WEEKLY_WARN)
_POLICIES = {"raw": _DAILY, "features": _DAILY, "online": _DAILY, "candidate": _WEEKLY}

_SEVERITY = {
    Level.FRESH: dg.AssetCheckSeverity.WARN,
    Level.WARN: dg.AssetCheckSeverity.WARN,
    Level.ERROR: dg.AssetCheckSeverity.ERROR,
}
_AgeOf = Callable[[Workspace, datetime], Age | None]


def with_freshness(workspace: Workspace, assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets with their freshness policies, where days are delivered as they pass."""
    if workspace.marketplace.clock != "wall":
        return list(assets)
    return [asset.map_asset_specs(_with_policy) for asset in assets]


def build_freshness_checks(workspace: Workspace) -> list[dg.AssetChecksDefinition]:
    """A check of the newest event time on every raw, features, online and candidate asset, one step a layer."""
    layers = {
        "landing": {dg.AssetKey(["raw", name]): _raw(name) for name in workspace.marketplace.tables},
        "features": {dg.AssetKey(["features", name]): _features(view) for name, view in workspace.views.items()},
        "online": _online_ages(workspace),
        "candidates": {
            dg.AssetKey(["models", name, "candidate"]): _candidate(model)
            for name, model in workspace.models.present.items()
        },
    }
    checks = [_newest_events(layer, ages) for layer, ages in layers.items() if ages]
    return [*checks, *([_label_delay()] if workspace.models.present else [])]


def _with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
    policy = _POLICIES.get(spec.key.path[0]) or _POLICIES.get(spec.key.path[-1])
    return dg.apply_freshness_policy(spec, policy) if policy else spec


def _newest_events(layer: str, ages: dict[dg.AssetKey, _AgeOf]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            NEWEST_EVENT, asset=key, description="The newest event in the data is young enough, by its own clock."
        )
        for key in ages
    ]

    @dg.multi_asset_check(name=f"{layer}_newest_events", specs=specs, can_subset=True)
    def newest_events(
        context: dg.AssetCheckExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.AssetCheckResult]:
        now = workspace.time_there(datetime.now(UTC))
        for check in sorted(context.selected_asset_check_keys):
            yield _result(check.asset_key, ages[check.asset_key](workspace, now) if now else None)

    return newest_events


def _result(key: dg.AssetKey, age: Age | None) -> dg.AssetCheckResult:
    if age is None:
        return dg.AssetCheckResult(
            asset_key=key,
            check_name=NEWEST_EVENT,
            passed=True,
            severity=dg.AssetCheckSeverity.WARN,
            description="not judged: there is no event yet",
            metadata={"judged": False},
        )
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=NEWEST_EVENT,
        passed=age.level is Level.FRESH,
        severity=_SEVERITY[age.level],
        description=f"the newest event is {age.hours:.1f} hours old; {_hours(age.warn_after):.0f} are usual at most",
        metadata=figures(
            {
                "age_hours": age.hours,
                "warn_after_hours": _hours(age.warn_after),
                "error_after_hours": _hours(age.error_after),
                "newest_event_time": age.newest.isoformat(),
            }
        ),
    )


def _label_delay() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["labels", "statements"],
        name=LABEL_DELAY,
        description="No labeler took longer in the last 28 days to say what happened than in the 84 days before.",
    )
    def label_delay(workspace: dg.ResourceParam[Workspace]) -> dg.AssetCheckResult:
        now = workspace.time_there(datetime.now(UTC))
        bounds = load_routing(workspace.marketplace.folder).bounds
        models = workspace.models.present.items() if now else ()
        found = {name: delays(workspace, model.label, now) for name, model in models if now}
        grown = [name for name, delayed in found.items() if any(one.grown(bounds) for one in delayed)]
        days = {
            f"{name}_{one.labeler}_{one.value}_{window}_{figure}_days": getattr(delay, figure)
            for name, delayed in found.items()
            for one in delayed
            for window, delay in (("recent", one.recent), ("before", one.before))
            if delay
            for figure in ("median", "p90")
        }
        said = f"labels come later than before: {', '.join(grown)}" if grown else "labels come as fast as before"
        return dg.AssetCheckResult(
            passed=not grown, severity=dg.AssetCheckSeverity.WARN, description=said, metadata=figures(days)
        )

    return label_delay


def _raw(table: str) -> _AgeOf:
    return lambda workspace, now: freshness.raw_age(workspace.lake, table, now)


def _features(view: FeatureTable) -> _AgeOf:
    def age(workspace: Workspace, now: datetime) -> Age | None:
        days = workspace.lake.days(view.dataset)
        return freshness.daily(valid_at(days[-1]), now) if days else None

    return age


def _online_ages(workspace: Workspace) -> dict[dg.AssetKey, _AgeOf]:
    read = {name for model in workspace.models.present.values() for name in model.spec.views}
    return {dg.AssetKey(["online", name]): _online(view) for name, view in workspace.views.items() if name in read}


def _online(view: FeatureTable) -> _AgeOf:
    def age(workspace: Workspace, now: datetime) -> Age | None:
        last = last_online(workspace, view)
        return freshness.daily(datetime.fromisoformat(last.facts["newest_event_time"]), now) if last else None

    return age


def _candidate(model: Model) -> _AgeOf:
    def age(workspace: Workspace, now: datetime) -> Age | None:
        weeks = workspace.lake.days(dataset(model.name))
        return freshness.weekly(midnight(weeks[-1]), now) if weeks else None

    return age


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)
