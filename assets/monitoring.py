"""Drift of each model's features, score and labels against the newest rows that it was fitted on."""

from datetime import date

import dagster as dg

from assets.failures import as_failures
from assets.families import Family
from assets.feast_store import joiner
from assets.metadata import figures
from assets.owners import Owner
from assets.partitions import as_of, history
from governance.errors import NotReady
from governance.models.catalogue import Model
from governance.workspace import Workspace
from monitoring.drift import Section
from monitoring.summaries import flat_metadata, summary_markdown
from monitoring.weekly import DriftWeek, check_drift

_SECTIONS: tuple[Section, ...] = ("features", "score", "label")


def build_monitoring_assets(workspace: Workspace, weeks: dg.WeeklyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """A drift report a week for every model."""
    return [_drift(workspace, model, weeks) for model in workspace.models.present.values()]


def _drift(workspace: Workspace, model: Model, weeks: dg.WeeklyPartitionsDefinition) -> dg.AssetsDefinition:
    key = dg.AssetKey(["monitoring", model.name, "drift"])
    views = [["features", name] for name in model.spec.views if name in workspace.views]

    @dg.asset(
        key=key,
        group_name="monitoring",
        kinds={"evidently", "polars"},
        owners=[Owner.of(model.spec.owner).value],
        description=(
            f"Do the decisions of the last weeks still look like those that `{model.name}` was fitted on? Features, "
            "score and matured labels; a column drifts when the change is significant and large. Features of a seller "
            "(buyer, product, ...) are compared on one decision for each. The linked page is drawn by Evidently with "
            "the same figures."
        ),
        partitions_def=weeks,
        backfill_policy=dg.BackfillPolicy.multi_run(),
        pool=Family.WEEKS.value,
        deps=[["models", model.name, "candidate"], *(dg.AssetDep(view, partition_mapping=history()) for view in views)],
        check_specs=[dg.AssetCheckSpec(f"{section}_drift", asset=key) for section in _SECTIONS],
    )
    def drift(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        end = as_of(context)
        try:
            with as_failures():
                week = check_drift(workspace, model, end, join=joiner(workspace))
        except dg.Failure as failure:
            if not isinstance(failure.__cause__, NotReady):
                raise
            return _not_ready(str(failure.__cause__), end)
        return dg.MaterializeResult(metadata=_metadata(week), check_results=_checks(week, end))

    return drift


def _metadata(week: DriftWeek) -> dict[str, dg.MetadataValue | float | str]:
    return {
        "summary": dg.MetadataValue.md(summary_markdown(week.report)),
        "report": dg.MetadataValue.url(week.page.as_uri()),
        **figures(flat_metadata(week.report)),
    }


def _checks(week: DriftWeek, as_of: date) -> list[dg.AssetCheckResult]:
    reasons = week.report.reasons_by_section
    return [
        dg.AssetCheckResult(
            check_name=f"{section}_drift",
            passed=not reasons[section],
            severity=dg.AssetCheckSeverity.WARN,
            description=f"As of {as_of}: {'; '.join(reasons[section][:5]) or 'no drift'}",
            metadata={"reasons": len(reasons[section]), "as_of": as_of.isoformat()},
        )
        for section in _SECTIONS
    ]


def _not_ready(reason: str, as_of: date) -> dg.MaterializeResult:
    results = [
        dg.AssetCheckResult(
            check_name=f"{section}_drift",
            passed=True,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"As of {as_of}: not judged, {reason}",
            metadata={"judged": False, "as_of": as_of.isoformat()},
        )
        for section in _SECTIONS
    ]
    return dg.MaterializeResult(metadata={"skipped": reason}, check_results=results)
