"""From scores and rules to an action: a pure function of values, so that any decision can be made again."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from governance.decisions.points import DecisionPoint, points_version
from governance.decisions.record import ModelScore, RuleHit
from governance.models.explain import explanation
from governance.storage.digests import fingerprint

CODE_VERSION = "1"

DEGRADED, BREAKER_OPEN, EXPLORED = "degraded", "breaker_open", "explored"
"""Reason codes of what came between the proposal and the answer."""

_BLINDING = ("features", "counters", "model:")
"""How flags begin that mean: something was not known, or not scored. Others are only told."""

_TEXTS: Mapping[str, str] = {
    DEGRADED: "A part of the check was not available",
    BREAKER_OPEN: "Too much was being stopped, so that people look instead",
    EXPLORED: "Let through to learn from it",
}


class Outcome(Struct, frozen=True, kw_only=True):
    """What is answered.

    Attributes
    ----------
    proposed : what models and active rules asked for.
    action : what is answered.
    reasons : codes of what carried the action: rules, models (by name until `with_reasons`), then what intervened.
    explored : the action is milder than the one proposed because it was drawn to be.
    propensity : the probability with which `action` was chosen.
    carried_by : models that asked for the action or for a harsher one; theirs are the contributions worth computing.
    """

    proposed: str
    action: str
    reasons: tuple[str, ...]
    explored: bool
    propensity: float
    carried_by: tuple[str, ...]


def decide(
    point: DecisionPoint,
    scores: Sequence[ModelScore],
    hits: Sequence[RuleHit],
    *,
    draw: float,
    breaker_open: bool = False,
    degraded: Sequence[str] = (),
) -> Outcome:
    """Decide at a point.

    The harshest action that a model's ladder or an active rule asks for is proposed. Of what models alone ask for, the
    point's share is let go to learn from it. An open breaker then softens, and a blind spot hardens, what is answered:
    a point that fails closed stays closed, because the breaker is there for models and rules that went mad.

    Parameters
    ----------
    scores : of every model that was scored; shadows, and models without a ladder here, have no say.
    hits : rules that were met; those in mode `shadow` have no say.
    draw : a uniform number in [0, 1) that decides on exploration.
    degraded : flags of parts that failed. `features`, `counters` and `model:<name>` make the decision blind,
        whatever follows these words; any other flag is only told.

    >>> from governance.decisions.points import load_points
    >>> score = ModelScore(model="claim", digest="d", role="champion", probability=0.6, threshold=0.4, acts=True)
    >>> decide(load_points()["checkout"], [score], [], draw=0.5).action
    'warn'
    """
    blind = any(flag.startswith(_BLINDING) for flag in degraded)
    by_rules = {hit.rule: hit.action for hit in hits if hit.mode == "active"}
    by_models = _asked_by_models(point, scores)
    if not (by_rules or by_models or blind):
        # Nearly always, so that it should take next to no time: nobody asks for anything.
        nothing = point.mildest
        return Outcome(proposed=nothing, action=nothing, reasons=(), explored=False, propensity=1.0, carried_by=())
    floor = point.harshest(*by_rules.values())
    proposed = point.harshest(floor, *by_models.values())
    share = 0.0 if blind or breaker_open else point.explore_share
    chosen, released = (_answered(point, wish, breaker_open=breaker_open, blind=blind) for wish in (proposed, floor))
    explored = draw < share and released != chosen
    action = released if explored else chosen
    carriers = {name: asked for name, asked in (by_rules | by_models).items() if _carries(point, asked, action)}
    interventions = {
        EXPLORED: explored,
        BREAKER_OPEN: breaker_open and point.severity(action) < point.severity(proposed),
        DEGRADED: blind and point.severity(action) > point.severity(proposed),
    }
    return Outcome(
        proposed=proposed,
        action=action,
        reasons=(*carriers, *(code for code, intervened in interventions.items() if intervened)),
        explored=explored,
        propensity=1.0 if released == chosen else share if explored else 1.0 - share,
        carried_by=tuple(name for name in by_models if name in carriers),
    )


def with_reasons(outcome: Outcome, scores: Sequence[ModelScore]) -> Outcome:
    """The outcome with the reason codes of its models in place of their names, where they were computed."""
    if not outcome.reasons:
        return outcome
    codes = {
        score.model: [reason.code for reason in score.reasons] or [score.model]
        for score in scores
        if score.role != "shadow"
    }
    told = [code for reason in outcome.reasons for code in codes.get(reason, [reason])]
    return structs.replace(outcome, reasons=tuple(dict.fromkeys(told)))


def reason_text(code: str, rule_texts: Mapping[str, str]) -> str:
    """What a reason code means, for a person: rules speak for themselves (`RuleSet.texts`)."""
    return rule_texts.get(code) or _TEXTS.get(code) or explanation(code)


def policy_version(points: Mapping[str, DecisionPoint]) -> str:
    """A short digest of the policy: this code's version and what the points say."""
    return fingerprint(CODE_VERSION, points_version(points))[:12]


def excess(score: ModelScore) -> float | None:
    """How far a score lies on the way from its threshold to certainty; None below the threshold."""
    if score.probability < score.threshold:
        return None
    left = 1.0 - score.threshold
    return min(1.0, (score.probability - score.threshold) / left) if left > 0 else 1.0


def _asked_by_models(point: DecisionPoint, scores: Sequence[ModelScore]) -> dict[str, str]:
    asked: dict[str, str] = {}
    for score in scores:
        reached = excess(score)
        if score.role != "shadow" and reached is not None and score.model in point.ladders:
            rungs = [step.action for step in point.ladders[score.model] if step.excess <= reached]
            asked[score.model] = rungs[-1]
    return asked


def _answered(point: DecisionPoint, wish: str, *, breaker_open: bool, blind: bool) -> str:
    softened = point.mildest_of(wish, point.when_breaker_open) if breaker_open else wish
    return point.harshest(softened, point.when_degraded) if blind else softened


def _carries(point: DecisionPoint, asked: str, action: str) -> bool:
    return action != point.mildest and point.severity(asked) >= point.severity(action)
