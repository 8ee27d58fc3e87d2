"""What labelers said, and the labels of decisions once they have matured."""

from collections.abc import Sequence

import dagster as dg

from assets.daily import do_days
from assets.families import Family
from assets.owners import Owner
from governance.backfill.daily import labels_of, statements_of
from governance.labels import matured, statements
from governance.labels.decisions import days_to_read, days_until_matured
from governance.labels.definition import LabelDefinition
from governance.workspace import Workspace


def build_label_assets(workspace: Workspace, days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The ledger of statements, and one asset of matured labels for each label that a model here needs."""
    definitions = workspace.models.labels
    if not definitions:
        return []
    return [_statements(definitions, days), *(_matured(definition, days) for definition in definitions)]


def _statements(definitions: Sequence[LabelDefinition], days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    tables = sorted({statements.source_table(definition) for definition in definitions})

    @dg.asset(
        key=["labels", "statements"],
        group_name="labels",
        kinds={"sqlite"},
        owners=[Owner.PLATFORM.value],
        description="The append-only ledger: one row is what a labeler said of an entity, and when we learnt it.",
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=Family.DAYS.value,
        deps=[dg.AssetKey(["raw", table]) for table in tables],
    )
    def label_statements(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult:
        return do_days(context, workspace, statements_of(workspace, definitions))

    return label_statements


def _matured(definition: LabelDefinition, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    before = days_until_matured(definition)

    @dg.asset(
        key=["labels", definition.name],
        group_name="labels",
        kinds={"polars", "parquet"},
        owners=[Owner.of(definition.owner).value],
        description=(
            f"1 where {definition.meaning}. One row is a decision whose label matured on that day, "
            f"{definition.maturity_days} days after it was made; labelers from the best: "
            f"{', '.join(definition.labelers)}."
        ),
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=Family.DAYS.value,
        code_version=f"{matured.CODE_VERSION}.{definition.version}",
        deps=[
            dg.AssetDep(["labels", "statements"], partition_mapping=_back(before)),
            dg.AssetDep(["raw", "orders"], partition_mapping=_back(before + days_to_read(definition) - 1)),
        ],
    )
    def matured_labels(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult:
        return do_days(context, workspace, labels_of(workspace, definition))

    return matured_labels


def _back(days: int) -> dg.TimeWindowPartitionMapping:
    """A day needs the days up to so many before it."""
    return dg.TimeWindowPartitionMapping(start_offset=-days, allow_nonexistent_upstream_partitions=True)
