"""For each model: a training set and a candidate a week, judged at its gates."""

import time

import dagster as dg

from assets.failures import as_failures
from assets.families import Family
from assets.feast_store import joiner
from assets.gate_checks import gate_checks, gate_specs
from assets.metadata import week_metadata
from assets.owners import Owner
from assets.partitions import as_of, history
from governance.errors import NotReady
from governance.models import training_set as training_sets
from governance.models.artifact import provenance
from governance.models.catalogue import Model
from governance.retraining import build_training_set, judge_week
from governance.workspace import Workspace


def build_model_assets(workspace: Workspace, weeks: dg.WeeklyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Training set and candidate of every model that makes sense here."""
    models = workspace.models.present.values()
    return [asset for model in models for asset in (_training_set(workspace, model, weeks), _candidate(model, weeks))]


def group_of(model: Model) -> str:
    """The group of a model's assets."""
    return f"{model.spec.family}_models" if model.spec.family == "risk" else "after_sales_models"


def _training_set(workspace: Workspace, model: Model, weeks: dg.WeeklyPartitionsDefinition) -> dg.AssetsDefinition:
    views = [["features", name] for name in model.spec.views if name in workspace.views]
    upstream = [*views, ["labels", model.label.name]]

    @dg.asset(
        key=["models", model.name, "training_set"],
        group_name=group_of(model),
        kinds={"feast", "polars"},
        owners=[Owner.of(model.spec.owner).value],
        description=(
            f"One row is a decision whose label `{model.label.name}` had matured by the end of the week, with the "
            "features that were valid when it was made (Feast point-in-time join) and the label known since."
        ),
        partitions_def=weeks,
        backfill_policy=dg.BackfillPolicy.multi_run(),
        pool=Family.WEEKS.value,
        code_version=training_sets.CODE_VERSION,
        deps=[dg.AssetDep(key, partition_mapping=history()) for key in upstream],
    )
    def training_set(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        week = as_of(context)
        try:
            with as_failures():
                manifest = build_training_set(workspace, model, week, join=joiner(workspace))
        except dg.Failure as failure:
            if not isinstance(failure.__cause__, NotReady):
                raise
            return dg.MaterializeResult(metadata={"skipped": str(failure.__cause__), "rows": 0, "positives": 0})
        facts = {"rows": manifest.rows, "positives": manifest.facts["positives"], "digest": manifest.digest}
        facts |= {"features": len(manifest.facts["features"]), "as_of": week.isoformat()}
        return dg.MaterializeResult(metadata=facts, data_version=dg.DataVersion(manifest.digest))

    return training_set


def _candidate(model: Model, weeks: dg.WeeklyPartitionsDefinition) -> dg.AssetsDefinition:
    key = dg.AssetKey(["models", model.name, "candidate"])

    @dg.asset(
        key=key,
        group_name=group_of(model),
        kinds={"lightgbm", "scikitlearn"},
        owners=[Owner.of(model.spec.owner).value],
        description=(
            f"{model.spec.meaning} The week's model, evaluated on decisions that it could not know, judged at its "
            "gates (the checks) and recorded in the registry with its verdict. A failing safety gate fails the run; "
            "a failing merit gate keeps the champion."
        ),
        partitions_def=weeks,
        backfill_policy=dg.BackfillPolicy.multi_run(),
        pool=Family.WEEKS.value,
        deps=[["models", model.name, "training_set"]],
        check_specs=gate_specs(key),
    )
    def candidate(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        end = as_of(context)
        with as_failures():
            week = judge_week(
                workspace,
                model,
                end,
                timer=time.perf_counter,
                provenance=provenance(commit=workspace.commit, machine=workspace.machine),
            )
        context.log.info(f"{model.name} as of {end}: {week.status}. {week.reason}")
        return dg.MaterializeResult(metadata=week_metadata(week), check_results=gate_checks(week, end))

    return candidate
