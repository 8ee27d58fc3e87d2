"""What the scoring service decided: the ledger by day, each rule's matured figures, and skew against history."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from assets.daily import do_days
from assets.failures import as_failures
from assets.families import Family
from assets.feast_store import joiner, offline_only
from assets.owners import Owner
from assets.partitions import days_of
from governance.backfill.daily import Daily
from governance.contracts.calendar import days_between
from governance.counters.catalogue import COUNTERS
from governance.counters.offline import counters_of_days
from governance.decisions import landed, skew
from governance.decisions.outcomes import matured_labels, stated_until
from governance.decisions.points import load_points
from governance.decisions.record import Decision
from governance.decisions.rule_figures import Matured, RuleFigures, rule_figures
from governance.decisions.rules import load_rules
from governance.decisions.skew import Count, SkewReport
from governance.labels.definition import label_definitions
from governance.models.training_set import PointInTimeJoin
from governance.workspace import Workspace

RULES_DAYS = 90
"""How far the figures of rules look back."""

SKEW, STALE = "served_as_computed", "served_in_time"

_LEDGER = dg.AssetKey(["decisions", "ledger"])
_SKEW = dg.AssetKey(["decisions", "skew"])
_WORST = 10


def build_decision_assets(workspace: Workspace, days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The ledger and its skew by day, and the rules."""
    return [_ledger(days), _rules(workspace), _skew(workspace, days)]


def _ledger(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=_LEDGER,
        group_name="decisions",
        kinds={"sqlite", "parquet"},
        owners=[Owner.PLATFORM.value],
        description=(
            "One row is a live decision about an event of that UTC day, as the append-only ledger of the scoring "
            "service has it: what was asked, known, said and done, and by which versions. A day to which something "
            "was appended since is landed again."
        ),
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=Family.DECISIONS.value,
        code_version=landed.CODE_VERSION,
    )
    def ledger(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        return do_days(context, workspace, _landing(workspace), of_deliveries=False)

    return ledger


def _rules(workspace: Workspace) -> dg.AssetsDefinition:
    @dg.asset(
        key=["decisions", "rules"],
        group_name="decisions",
        kinds={"polars"},
        owners=[Owner.RISK_CONTROL.value],
        description=(
            f"What became of each rule in the last {RULES_DAYS} landed days: how often it fires, how often it was "
            "right once labels had matured, what it adds to models and other rules, and when it ends."
        ),
        pool=Family.DECISIONS.value,
        deps=[_LEDGER, *(["labels", model.label.name] for model in workspace.models.present.values())],
    )
    def rules(workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        with as_failures():
            newest = workspace.lake.days(landed.DATASET)[-RULES_DAYS:]
            decisions = landed.landed(workspace.lake, newest)
        if not decisions:
            return dg.MaterializeResult(metadata={"decisions": 0, "skipped": "no decision has landed yet"})
        with as_failures():
            figures = _figures(workspace, decisions)
        return dg.MaterializeResult(metadata=_rules_metadata(figures, decisions, newest))

    return rules


def _skew(workspace: Workspace, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    hidden = offline_only(workspace)
    views = {name: view for name, view in workspace.views.items() if name not in hidden}

    @dg.asset(
        key=_SKEW,
        group_name="decisions",
        kinds={"feast", "polars"},
        owners=[Owner.PLATFORM.value],
        description=(
            "Were decisions made of the features that history has for that moment? Those of a sample of entities "
            "(always the same ones) are recomputed by the point-in-time join and compared value by value: mismatch, "
            "missing, extra, and SMAPE by feature."
        ),
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=Family.DECISIONS.value,
        deps=[_LEDGER, *(["features", name] for name in views)],
        check_specs=[
            dg.AssetCheckSpec(
                SKEW,
                asset=_SKEW,
                blocking=True,
                description=f"No served feature differs from history in over {skew.SHARE_AT_MOST:.1%} of its values.",
            ),
            dg.AssetCheckSpec(
                STALE,
                asset=_SKEW,
                description=f"At most {skew.STALE_SHARE_AT_MOST:.0%} were decided before the features were online.",
            ),
        ],
    )
    def skew_of_days(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        total = skew.NOTHING
        with as_failures():
            for day, report in _skew_by_day(workspace, tuple(views), days_of(context)):
                context.add_asset_metadata(_skew_metadata(report), partition_key=day.isoformat())
                total += report
        return dg.MaterializeResult(check_results=[_skew_check(total), _stale_check(total)])

    return skew_of_days


def _landing(workspace: Workspace) -> Daily:
    lake, ledger = workspace.lake, workspace.decisions
    return Daily(
        key=("decisions", "ledger"),
        dataset=landed.DATASET,
        stale=lambda days: landed.stale_days(lake, ledger, days),
        do=lambda days, on_day: landed.build(lake, ledger, days, on_day),
    )


def _figures(workspace: Workspace, decisions: Sequence[Decision]) -> list[RuleFigures]:
    rules, points, until = load_rules(), load_points(), stated_until(workspace.lake)
    here = {model.label.name: model.label for model in workspace.models.present.values()}
    named = {rule.label for rule in rules.rules.values() if rule.label} & set(label_definitions())
    labels = {
        name: matured_labels(decisions, here[name], workspace.ledger, points, until=until)
        for name in sorted(named & set(here))
        if until
    }
    at = workspace.time_there(datetime.now(UTC)) or decisions[-1].decided_at
    return rule_figures(decisions, rules, points, labels=labels, at=at)


def _rules_metadata(
    figures: Sequence[RuleFigures], decisions: Sequence[Decision], days: Sequence[date]
) -> dict[str, Any]:
    numbers: dict[str, Any] = {"decisions": len(decisions), "days": len(days_between(days[0], days[-1]))}
    for one in figures:
        numbers[f"{one.rule.name}_hits"] = one.hits
        if one.right and one.right.rate is not None:
            numbers[f"{one.rule.name}_precision"] = one.right.rate
            numbers[f"{one.rule.name}_matured_hits"] = one.right.decisions
    return {**numbers, "rules": dg.MetadataValue.md(_rules_table(figures))}


def _rules_table(figures: Sequence[RuleFigures]) -> str:
    head = "| rule | mode | point | asked | hits | precision (95 %) | without a rule | alone | fires with | ends |"
    lines = [
        f"| {one.rule.name} v{one.rule.version} | {one.rule.mode} | {one.rule.point} | {one.asked} | {one.hits} "
        f"| {_precision(one.right)} | {_rate(one.everybody)} | {one.alone} "
        f"| {', '.join(f'{name} {share:.0%}' for name, share in one.overlap.items()) or '-'} "
        f"| {one.rule.expires}{' (expired)' if one.expired else ''} |"
        for one in figures
    ]
    return "\n".join([head, "|---" * 10 + "|", *lines])


def _precision(right: Matured | None) -> str:
    if right is None:
        return "no label"
    if right.rate is None or right.interval is None:
        return "not matured"
    low, high = right.interval
    return f"{right.rate:.1%} ({low:.1%} to {high:.1%}) of {right.decisions}"


def _rate(everybody: Matured | None) -> str:
    return "-" if everybody is None or everybody.rate is None else f"{everybody.rate:.1%}"


def _skew_by_day(workspace: Workspace, names: Sequence[str], days: Sequence[date]) -> Iterator[tuple[date, SkewReport]]:
    views = {name: workspace.views[name] for name in names}
    models = [*workspace.models.present.values()]
    join: PointInTimeJoin | None = None
    for day in days:
        decisions = landed.landed(workspace.lake, [day])
        if not decisions:
            yield day, skew.NOTHING
            continue
        # Opening the feature store takes seconds: once, and only where there is something to compare.
        join = join or joiner(workspace)
        yield day, skew.find_skew(decisions, views, models, join=join, count=_counting(workspace, day))


def _counting(workspace: Workspace, day: date) -> Count | None:
    """Real-time counters from raw rows; None until the day and the one before have landed whole."""
    lake, tables = workspace.lake, {counter.table for counter in COUNTERS} & set(workspace.marketplace.tables)
    needed = [max(day - timedelta(days=1), workspace.marketplace.first_day), day]
    if not all(lake.path(f"raw/{table}", one).exists() for table in tables for one in needed):
        return None
    return lambda rows, counters: counters_of_days(lake, rows, counters)


def _skew_metadata(report: SkewReport) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "decisions": report.decisions,
        "sampled": report.sampled,
        "compared": report.compared,
        "stale_share": report.stale_share,
    }
    if report.worst is None:
        return {**counts, "said": "no decision that read features has landed for this day"}
    figures = {
        "worst_share": report.worst.share,
        "worst_smape": max(one.smape for one in report.features.values()),
        "mismatches": sum(one.mismatches for one in report.features.values()),
        "missing": sum(one.missing for one in report.features.values()),
        "extra": sum(one.extra for one in report.features.values()),
    }
    return {**counts, **figures, "features": dg.MetadataValue.md(_skew_table(report))}


def _skew_table(report: SkewReport) -> str:
    worst = sorted(report.features.values(), key=lambda one: -one.share)[:_WORST]
    head = "| feature | compared | mismatch | missing | extra | share | SMAPE |\n|---|---|---|---|---|---|---|"
    lines = [
        f"| {one.name} | {one.compared} | {one.mismatches} | {one.missing} | {one.extra} | {one.share:.2%} "
        f"| {one.smape:.4f} |"
        for one in worst
    ]
    return "\n".join([head, *lines])


def _skew_check(report: SkewReport) -> dg.AssetCheckResult:
    worst = report.worst
    if worst is None:
        said = "not judged: no decision that read features has landed for these days"
    else:
        said = f"{worst.name} differs from history in {worst.share:.2%} of {worst.compared} values"
    return dg.AssetCheckResult(
        check_name=SKEW,
        passed=report.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=said,
        metadata={"compared": report.compared, "worst_share": worst.share if worst else 0.0, "judged": bool(worst)},
    )


def _stale_check(report: SkewReport) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=STALE,
        passed=report.stale_share <= skew.STALE_SHARE_AT_MOST,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{report.stale} of {report.sampled} decisions were made before the features were online",
        metadata={"stale_share": report.stale_share, "sampled": report.sampled},
    )
