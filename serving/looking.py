"""What the other routes answer: points, models, plain scores, entities, health."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from governance.decisions.record import Value
from governance.models.explain import explanation
from serving import wire
from serving.asking import counted_by
from serving.parts import Known
from serving.problems import NotFound
from serving.wire import ReasonText

if TYPE_CHECKING:
    from governance.decisions.record import Decision
    from serving.models import LoadedModel, ServedModel
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
        Features or counters cannot be read.
    """
    served = service.models.current().get(name)
    if served is None or served.champion is None:
        serving = ", ".join(name for name, one in service.models.current().items() if one.champion) or "none"
        raise NotFound(f"no model {name!r} serves; those that do: {serving}")
    champion = served.champion
    seconds = service.settings.batch_seconds_at_most
    known = await service.features.read([row.keys for row in request.rows], deadline_seconds=seconds)
    times = [service.event_time(row.occurred_at) for row in request.rows]
    values = [one.values for one in known]
    if not service.counted.isdisjoint(champion.scorer.features):
        asked = [(counted_by(row.keys, row.context), time) for row, time in zip(request.rows, times, strict=True)]
        counted = await service.counters.read(asked, deadline_seconds=seconds)
        values = [{**one, **more} for one, more in zip(values, counted, strict=True)]
    # A batch takes milliseconds, in which the event loop has decisions to make.
    scoring = partial(_scored, champion, request, known, values, times)
    found = await asyncio.get_running_loop().run_in_executor(service.beside, scoring)
    service.metrics.scored(name, "champion", len(found))
    return wire.ScoreAnswer(model=name, digest=champion.digest, scores=found)


async def entity(service: "Service", key: str, value: str) -> wire.EntityView:
    """What is known of an entity, online and in the decision ledger."""
    keys = {view.key for view in service.workspace.views.values()}
    if key not in keys:
        raise NotFound(f"nothing goes by {key!r}; entities are {', '.join(sorted(keys))}")
    seconds = service.settings.batch_seconds_at_most
    known = (await service.features.read([{key: value}], deadline_seconds=seconds))[0]
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
    degraded += [f"traffic:{name}" for name in service.traffic.problems]
    degraded += ["ledger"] if service.ledger.failure else []
    degraded += sorted({f"breaker:{point}" for point, _, _ in service.breaker.open_ones()})
    return wire.Health(ready=not service.broken, degraded=[*degraded, *service.broken])


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


def _scored(
    champion: "LoadedModel",
    request: wire.ScoreRequest,
    known: Sequence[Known],
    values: Sequence[Mapping[str, Value]],
    times: Sequence[datetime],
) -> list[wire.RowScore]:
    inputs = [
        champion.inputs(one, row.context, time) for row, one, time in zip(request.rows, values, times, strict=True)
    ]
    probabilities = champion.scorer.score_many(inputs)
    return [
        wire.RowScore(
            probability=probability,
            acts=probability >= champion.threshold,
            unknown=[view for view, time in one.times.items() if time is None],
            reasons=_reasons(champion, read) if request.explain else None,
        )
        for probability, one, read in zip(probabilities, known, inputs, strict=True)
    ]


def _reasons(champion: "LoadedModel", inputs: Mapping[str, float]) -> list[ReasonText]:
    return [ReasonText(one.code, explanation(one.code)) for one in champion.reasons(inputs)]


def _recent(decision: "Decision") -> wire.RecentDecision:
    return wire.RecentDecision(
        decision_id=decision.decision_id, point=decision.point, action=decision.action, decided_at=decision.decided_at
    )
