"""Champions: for each model the newest candidate that passed its gates, as the registry allows."""

from datetime import UTC, datetime

import dagster as dg

from assets.failures import as_failures
from assets.metadata import champion_metadata
from assets.owners import Owner
from governance.errors import NotReady
from governance.models.catalogue import Model
from governance.release.traffic_words import traffic_lines
from governance.retraining import recorded_facts
from governance.workspace import Workspace

AUTOMATION = "promotion"
"""Who signs for a promotion that nobody asked for by hand."""


def build_release_assets(workspace: Workspace) -> list[dg.AssetsDefinition]:
    """The champion of every model."""
    return [
        _champion(model, runbook=workspace.link_to(model.spec.runbook)) for model in workspace.models.present.values()
    ]


def _champion(model: Model, *, runbook: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["models", model.name, "champion"],
        group_name="release",
        kinds={"registry"},
        owners=[Owner.of(model.spec.owner).value],
        description=(
            f"The model that answers at the decision point `{model.spec.decision_point}`; its action: "
            f"{model.spec.action}. Materializing promotes the newest candidate with a passing verdict, if it is newer "
            f"than the champion; the registry refuses any other. An override that has expired ends first. Where the "
            f"model has a ramp the candidate begins as a canary, and is promoted at the ramp's end. "
            f"Runbook: [{model.spec.runbook}]({runbook})"
        ),
        deps=[["models", model.name, "candidate"]],
    )
    def champion(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        now, registry = datetime.now(UTC), workspace.registry
        with as_failures():
            ended = registry.fall_back(model.name, at=now)
            registry.release_next(model.name, who=AUTOMATION, at=now)
            pointer = registry.pointer(model.name)
            if pointer is None and ended:
                # What was asked for is done: the alert is that nothing serves, not that a run failed.
                context.log.warning(f"{model.name}: nothing serves any more: {ended.reason}")
                return dg.MaterializeResult(metadata={"nothing_serves": ended.reason})
            if pointer is None:
                raise NotReady(f"{model.name}: no candidate has passed its gates yet, so there is no champion")
            facts = recorded_facts(workspace, model.name, pointer.champion)
        context.log.info(f"{model.name}: champion {pointer.champion[:12]} as of {pointer.as_of}")
        for line in traffic_lines(pointer.traffic):
            context.log.info(f"{model.name}: {line}")
        days = (now - pointer.promotion.at).total_seconds() / 86_400
        return dg.MaterializeResult(
            metadata=champion_metadata(facts, days_since_promotion=days, runbook=runbook),
            data_version=dg.DataVersion(pointer.champion),
        )

    return champion
