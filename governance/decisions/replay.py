"""Decisions made again with another model: what would have been answered, and what it would have cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from msgspec import structs

from governance.counters.catalogue import named
from governance.decisions.points import DecisionPoint
from governance.decisions.policy import decide
from governance.decisions.record import Decision, ModelScore, RuleHit
from governance.decisions.rows import numbers, request_rows, served_rows
from governance.decisions.rules import RuleSet
from governance.errors import NotReady
from governance.features.view import View
from governance.models.artifact import Scorer
from governance.models.catalogue import Model
from governance.models.rows import Floats
from governance.models.spec import Costs
from governance.models.thresholds import acting_cost, waiting_cost
from governance.models.training_set import assemble

_NO_EXPLORATION = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One decision with the model that answered, and with the candidate. `proposed` is what the ledger has."""

    decision: Decision
    point: DecisionPoint
    proposed: str
    before: str
    after: str
    score_before: float
    score_after: float

    @property
    def acted(self) -> tuple[bool, bool]:
        """Whether anything was done, before and after."""
        return self.before != self.point.mildest, self.after != self.point.mildest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What acting and waiting cost on the decisions whose label has matured, minor units of the reference currency."""

    matured: int
    positives: int
    before: float
    after: float

    @property
    def saved_per_1000(self) -> float | None:
        """What 1,000 decisions would have saved with the candidate; None where nothing has matured."""
        return 1000 * (self.before - self.after) / self.matured if self.matured else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Decisions made again.

    Attributes
    ----------
    asked : decisions at points where the model has a say.
    made : those that it scored, and the candidate could score from what was served.
    policy_changed : those for which points or rules would propose something else today, with the old score.
    cost : where labels have matured; an action that was taken may itself have changed what came of it.
    """

    model: str
    candidate: str
    asked: int
    made: Sequence[Made]
    policy_changed: int
    cost: Cost

    @property
    def changed(self) -> Mapping[tuple[str, str, str], int]:
        """How many decisions would have ended otherwise, by point, action before and action after."""
        found: dict[tuple[str, str, str], int] = {}
        for one in self.made:
            if one.before != one.after:
                key = (one.point.name, one.before, one.after)
                found[key] = found.get(key, 0) + 1
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def acted(self) -> tuple[int, int]:
        """Decisions on which something was done, before and after."""
        return sum(one.acted[0] for one in self.made), sum(one.acted[1] for one in self.made)

    @property
    def hurt(self) -> tuple[int, int]:
        """Decisions that hurt somebody, before and after."""
        return sum(one.point.hurts(one.before) for one in self.made), sum(
            one.point.hurts(one.after) for one in self.made
        )


def replay(
    decisions: Sequence[Decision],
    model: Model,
    scorer: Scorer,
    digest: str,
    *,
    views: Mapping[str, View],
    points: Mapping[str, DecisionPoint],
    rules: RuleSet,
    labels: Mapping[str, int],
) -> Replay:
    """Make decisions again with a candidate in place of the model that answered.

    Both sides are decided by today's points and rules, without exploration and with the breaker closed, so that they
    differ by the model alone. Rules that look at the model's score are asked again; of the others the recorded hits
    stand.

    Parameters
    ----------
    scorer, digest : the candidate.
    labels : decision id to 0 or 1 where the model's label has matured.

    Raises
    ------
    NotReady
        The model scored none of these decisions.
    """
    asked = [one for one in decisions if one.point in points and model.name in points[one.point].ladders]
    scored = [one for one in asked if _answering(one, model.name)]
    if not scored:
        raise NotReady(f"{model.name} scored none of the {len(asked)} decisions at its points: nothing to make again")
    probabilities = scorer.score(_inputs(scored, model, views, scorer))
    made = [
        _again(one, points[one.point], model.name, float(probability), scorer.threshold.value, digest, rules)
        for one, probability in zip(scored, probabilities, strict=True)
    ]
    return Replay(
        model=model.name,
        candidate=digest,
        asked=len(asked),
        made=made,
        policy_changed=sum(one.before != one.proposed and not one.decision.degraded for one in made),
        cost=_cost(made, labels, model.spec.costs),
    )


def _answering(decision: Decision, model: str) -> ModelScore | None:
    """The score of the model that had a say."""
    return next((score for score in decision.scores if score.model == model and score.role != "shadow"), None)


def _inputs(decisions: Sequence[Decision], model: Model, views: Mapping[str, View], scorer: Scorer) -> Floats:
    """What the candidate reads (rows, features): as it was served, with recency and context derived as in training."""
    present = {name: views[name] for name in model.spec.views if name in views}
    names = [name for view in present.values() for name in view.feature_names]
    names += [name for counter in named(model.spec.counters) for name in counter.features]
    rows = request_rows(decisions, ()).hstack(served_rows(decisions, names))
    frame = assemble(model, present, rows).frame
    absent = [name for name in scorer.features if name not in frame.columns]
    if absent:
        raise NotReady(f"the candidate reads {', '.join(absent[:3])}, which the service never served: train it again")
    return frame.select(pl.col(name).fill_null(np.nan) for name in scorer.features).to_numpy()


def _again(
    decision: Decision,
    point: DecisionPoint,
    model: str,
    probability: float,
    threshold: float,
    digest: str,
    rules: RuleSet,
) -> Made:
    old = _answering(decision, model)
    assert old is not None  # noqa: S101 - only decisions that the model scored come here
    new = structs.replace(
        old, digest=digest, role="champion", probability=probability, threshold=threshold, acts=probability >= threshold
    )
    others = [score for score in decision.scores if score is not old]
    answers = [
        decide(
            point,
            [*others, score],
            _hits(decision, score, rules),
            draw=_NO_EXPLORATION,
            degraded=decision.degraded,
        )
        for score in (old, new)
    ]
    return Made(
        decision=decision,
        point=point,
        proposed=decision.proposed,
        before=answers[0].action,
        after=answers[1].action,
        score_before=old.probability,
        score_after=probability,
    )


def _hits(decision: Decision, score: ModelScore, rules: RuleSet) -> list[RuleHit]:
    """The recorded hits, but for rules that look at this score."""
    name = f"score:{score.model}"
    looking = {rule.name for rule in rules.rules.values() if any(one.value == name for one in rule.conditions)}
    if not looking:
        return list(decision.rules)
    values = {**decision.features, **decision.context, **_scores(decision), name: score.probability}
    asked = [hit for hit in rules.hits(decision.point, values, decision.decided_at) if hit.rule in looking]
    return [*(hit for hit in decision.rules if hit.rule not in looking), *asked]


def _scores(decision: Decision) -> dict[str, float]:
    return {f"score:{one.model}": one.probability for one in decision.scores if one.role != "shadow"}


def _cost(made: Sequence[Made], labels: Mapping[str, int], costs: Costs) -> Cost:
    known = [one for one in made if one.decision.decision_id in labels]
    found = numbers([labels[one.decision.decision_id] for one in known])
    amounts = np.nan_to_num(numbers([one.decision.amount_minor for one in known]))
    acting, waiting = acting_cost(found, amounts, costs), waiting_cost(found, amounts, costs)
    before, after = (
        float(np.where([one.acted[side] for one in known], acting, waiting).sum()) if known else 0.0 for side in (0, 1)
    )
    return Cost(matured=len(known), positives=int(found.sum()), before=before, after=after)
