"""What became of each rule: how often it fires, how often it was right by matured labels, and beside which others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from governance.decisions.points import DecisionPoint
from governance.decisions.record import Decision
from governance.decisions.rules import Rule, RuleSet

_Z = 1.96


@dataclass(frozen=True, slots=True)
class Matured:
    """Of some decisions, those whose label has matured, and those of them whose label is 1."""

    decisions: int
    positives: int

    @property
    def rate(self) -> float | None:
        """Share of positives; None where nothing has matured."""
        return self.positives / self.decisions if self.decisions else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the share (Wilson 1927, JASA 22:209-212)."""
        if not self.decisions:
            return None
        n, share = self.decisions, self.positives / self.decisions
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFigures:
    """One rule over some decisions of its point.

    Attributes
    ----------
    asked, hits : decisions of its point, and those that met it in its present version.
    right : the hits by their labels; its rate is the rule's precision. None where the rule has no label.
    everybody : all decisions of the point by the same label: what precision is without any rule.
    alone : hits on which no other active rule and no model asked for anything.
    overlap : for each other rule that fired with it, the share of this one's hits.
    expired : it has stopped.
    """

    rule: Rule
    asked: int
    hits: int
    right: Matured | None
    everybody: Matured | None
    alone: int
    overlap: Mapping[str, float]
    expired: bool


def rule_figures(
    decisions: Sequence[Decision],
    rules: RuleSet,
    points: Mapping[str, DecisionPoint],
    *,
    labels: Mapping[str, Mapping[str, int]],
    at: datetime,
) -> list[RuleFigures]:
    """The figures of every rule, in the order of the file.

    Parameters
    ----------
    decisions : as the ledger has them; a rule fired where its hit was recorded with its present version.
    labels : for each label that a rule names, decision id to 0 or 1 where it has matured (`outcomes.matured_labels`).
    at : the time there, which says what has expired.
    """
    by_point: dict[str, list[Decision]] = {}
    for one in decisions:
        by_point.setdefault(one.point, []).append(one)
    return [
        _figures(rule, by_point.get(rule.point, []), points[rule.point], labels=labels, at=at)
        for rule in rules.rules.values()
    ]


def _figures(
    rule: Rule,
    decisions: Sequence[Decision],
    point: DecisionPoint,
    *,
    labels: Mapping[str, Mapping[str, int]],
    at: datetime,
) -> RuleFigures:
    hits = [one for one in decisions if any(_is_of(hit.rule, hit.version, rule) for hit in one.rules)]
    known = labels.get(rule.label) if rule.label else None
    others = [hit.rule for one in hits for hit in one.rules if hit.rule != rule.name]
    return RuleFigures(
        rule=rule,
        asked=len(decisions),
        hits=len(hits),
        right=None if known is None else _matured(hits, known),
        everybody=None if known is None else _matured(decisions, known),
        alone=sum(_fired_alone(one, rule, point) for one in hits),
        overlap={name: others.count(name) / len(hits) for name in sorted(set(others))},
        expired=not rule.holds(at),
    )


def _is_of(name: str, version: int, rule: Rule) -> bool:
    return (name, version) == (rule.name, rule.version)


def _matured(decisions: Sequence[Decision], labels: Mapping[str, int]) -> Matured:
    found = [labels[one.decision_id] for one in decisions if one.decision_id in labels]
    return Matured(len(found), sum(found))


def _fired_alone(decision: Decision, rule: Rule, point: DecisionPoint) -> bool:
    by_model = any(score.acts and score.role != "shadow" and score.model in point.ladders for score in decision.scores)
    return not by_model and all(hit.mode == "shadow" or hit.rule == rule.name for hit in decision.rules)
