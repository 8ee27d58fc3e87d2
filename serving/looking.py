"""What the other routes answer: points, models, plain scores, entities, health."""

from typing import TYPE_CHECKING

from governance.models.explain import explanation
from serving import wire
from serving.parts import Known, Version
from serving.problems import NotFound
from serving.wire import ReasonText

if TYPE_CHECKING:
    from governance.decisions.record import Decision
    from serving.models import ServedModel
    from serving.service import Service


def points(service: "Service") -> list[wire.Point]:
    """The decision points."""
    return [
        wire.Point(
            name=point.name,
            meaning=point.meaning,
            entity=point.entity,
            keys=list(point.keys),
            actions=list(point.actions),
            hurts_from=point.hurts_from,
            when_degraded=point.when_degraded,
            deadline_ms=point.deadline_ms,
            models=list(point.models),
        )
        for point in service.points.values()
    ]


def models(service: "Service") -> list[wire.ServedModel]:
    """The models of the marketplace with what of them is loaded."""
    present = service.workspace.models.present
    return [_model(served, present[name].spec.decision_point) for name, served in service.models.current().items()]


async def scores(service: "Service", name: str, request: wire.ScoreRequest) -> wire.ScoreAnswer:
    """Scores of a model's champion, all of one version.

    Raises
    ------
    NotFound
        There is no such model, or nothing of it serves.
    StoreError
        Features cannot be read.
    """
    served = service.models.current().get(name)
    if served is None or served.champion is None:
        serving = ", ".join(name for name, one in service.models.current().items() if one.champion) or "none"
        raise NotFound(f"no model {name!r} serves; those that do: {serving}")
    champion = served.champion
    known = await service.features.read([row.keys for row in request.rows])
    found = [
        _score(champion, row, one, service, explain=request.explain)
        for row, one in zip(request.rows, known, strict=True)
    ]
    service.metrics.scored(name, "champion", len(found))
    return wire.ScoreAnswer(model=name, digest=champion.digest, scores=found)


async def entity(service: "Service", key: str, value: str) -> wire.EntityView:
    """What is known of an entity, online and in the decision ledger."""
    keys = {view.key for view in service.workspace.views.values()}
    if key not in keys:
        raise NotFound(f"nothing goes by {key!r}; entities are {', '.join(sorted(keys))}")
    known = (await service.features.read([{key: value}]))[0]
    views = [view for view in service.workspace.views.values() if view.key == key and view.name in known.times]
    names = [name for view in views for name in view.feature_names]
    recent = await service.ledger.about(value, at_most=service.settings.recent_decisions)
    return wire.EntityView(
        key=key,
        id=value,
        features={name: known.values[name] for name in names if name in known.values},
        feature_times={view.name: known.times[view.name] for view in views},
        decisions=[_recent(decision) for decision in recent],
    )


def health(service: "Service") -> wire.Health:
    """Ready as long as decisions can be made and kept, be it without a part."""
    degraded = [f"model:{name}" for name in service.models.problems]
    return wire.Health(ready=True, degraded=degraded)


def _model(served: "ServedModel", point: str) -> wire.ServedModel:
    loaded = [(served.champion, "champion"), (served.canary, "canary"), *((one, "shadow") for one in served.shadows)]
    return wire.ServedModel(
        name=served.name,
        decision_point=point,
        generation=served.generation,
        versions=[
            wire.ServedVersion(digest=one.digest, role=role, as_of=one.as_of.isoformat()) for one, role in loaded if one
        ],
        problem=served.problem,
    )


def _score(champion: Version, row: wire.ScoreRow, known: Known, service: "Service", *, explain: bool) -> wire.RowScore:
    inputs = champion.inputs(known.values, row.context, service.event_time(row.occurred_at))
    probability = champion.score(inputs)
    reasons = [ReasonText(one.code, explanation(one.code)) for one in champion.reasons(inputs)] if explain else None
    return wire.RowScore(
        probability=probability,
        acts=probability >= champion.threshold,
        unknown=[view for view, time in known.times.items() if time is None],
        reasons=reasons,
    )


def _recent(decision: "Decision") -> wire.RecentDecision:
    return wire.RecentDecision(
        decision_id=decision.decision_id, point=decision.point, action=decision.action, decided_at=decision.decided_at
    )
