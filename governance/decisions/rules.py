"""Rules beside models: typed conditions over features, request and scores, each with an owner, a reason and an end."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

from governance.contracts.calendar import midnight
from governance.decisions.points import DecisionPoint, load_points
from governance.decisions.record import RuleHit, Value
from governance.errors import ConfigurationError
from governance.storage.digests import fingerprint

_FILE = Path(__file__).with_name("rules.toml")

Test = Literal["at_least", "at_most", "equals", "one_of", "missing"]
Mode = Literal["active", "shadow"]
Number = (int, float)


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one value. A value that is absent, None or NaN meets `missing` and nothing else."""

    value: str
    test: Test
    bound: Value | tuple[Value, ...]

    def met(self, values: Mapping[str, Value]) -> bool:
        """Whether the values meet it.

        >>> Condition("seller_orders_7d", "at_least", 3).met({"seller_orders_7d": 4})
        True
        >>> Condition("seller_orders_7d", "at_least", 3).met({"seller_orders_7d": None})
        False
        """
        found = values.get(self.value)
        # Only NaN differs from itself.
        if found is None or found != found:
            return self.test == "missing"
        return _TESTS[self.test](found, self.bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. rules.toml says what each field means."""

    name: str
    version: int
    owner: str
    point: str
    hypothesis: str
    expires: date
    mode: Mode
    action: str
    says: str
    every: tuple[Condition, ...] = ()
    some: tuple[Condition, ...] = ()
    label: str | None = None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All of its conditions."""
        return (*self.every, *self.some)

    def holds(self, at: datetime) -> bool:
        """Whether it has not expired."""
        return at < midnight(self.expires)

    def met(self, values: Mapping[str, Value]) -> bool:
        """Whether the values meet its conditions."""
        if not all(condition.met(values) for condition in self.every):
            return False
        return not self.some or any(condition.met(values) for condition in self.some)

    @property
    def hit(self) -> RuleHit:
        """What is remembered of it where it is met."""
        return RuleHit(rule=self.name, version=self.version, mode=self.mode, action=self.action)


@dataclass(frozen=True)
class RuleSet:
    """The rules in force, by name; `version` is a short digest of all that they say, `texts` what people are told."""

    rules: Mapping[str, Rule]
    version: str
    texts: Mapping[str, str] = field(repr=False)
    _by_point: Mapping[str, tuple[tuple[Rule, RuleHit, datetime], ...]] = field(repr=False)
    _read_at: Mapping[str, frozenset[str]] = field(repr=False)

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "RuleSet":
        """A set of these rules, ready to be asked."""
        said = {rule.name: asdict(rule) for rule in rules}
        points = dict.fromkeys(rule.point for rule in rules)
        ready = {
            point: tuple((rule, rule.hit, midnight(rule.expires)) for rule in rules if rule.point == point)
            for point in points
        }
        read = {
            point: frozenset(condition.value for rule, _, _ in ruling for condition in rule.conditions)
            for point, ruling in ready.items()
        }
        texts = {rule.name: rule.says for rule in rules}
        return cls({rule.name: rule for rule in rules}, fingerprint(said)[:12], texts, ready, read)

    def hits(self, point: str, values: Mapping[str, Value], at: datetime) -> tuple[RuleHit, ...]:
        """The rules of a point that these values meet, in the order of the file; expired ones are silent.

        Parameters
        ----------
        values : what `reads` names, as far as it is known: features and what models derive of them
            (`order_price_to_category`, `seller_days_since_last_order`), columns of the request, and `score:<model>`
            for each model that was scored.
        at : when the event happened, with its zone.
        """
        return tuple(hit for rule, hit, end in self._by_point.get(point, ()) if at < end and rule.met(values))

    def reads(self, point: str) -> frozenset[str]:
        """Names of the values that the rules of a point look at."""
        return self._read_at.get(point, frozenset())


@lru_cache(maxsize=1)
def load_rules() -> RuleSet:
    """The project's rules."""
    return rules_in(_FILE)


def rules_in(path: Path) -> RuleSet:
    """The rules of a TOML file.

    Raises
    ------
    ConfigurationError
        It is no TOML, or `parse_rules` refuses it.
    """
    try:
        return parse_rules(tomllib.loads(path.read_text(encoding="utf-8")), load_points())
    except tomllib.TOMLDecodeError as problem:
        raise ConfigurationError(f"{path}: {problem}") from problem


def parse_rules(values: Mapping[str, Mapping[str, Any]], points: Mapping[str, DecisionPoint]) -> RuleSet:
    """Rules from TOML values.

    Raises
    ------
    ConfigurationError
        A field or a test is missing, unknown or of the wrong type; the point does not exist or does not know the
        action; a rule bears the name of a model, with which its reasons would be confused.
    """
    return RuleSet.of([_parse(name, fields, points) for name, fields in values.items()])


def _parse(name: str, values: Mapping[str, Any], points: Mapping[str, DecisionPoint]) -> Rule:
    fields = dict(values)
    try:
        conditions = {side: tuple(_condition(one) for one in fields.pop(side, ())) for side in ("all", "any")}
        rule = Rule(name=name, every=conditions["all"], some=conditions["any"], **fields)
        _require_sound(rule, points)
    except (ConfigurationError, KeyError, TypeError, ValueError) as problem:
        raise ConfigurationError(f"rule {name}: {problem}") from problem
    return rule


def _require_sound(rule: Rule, points: Mapping[str, DecisionPoint]) -> None:
    if rule.point not in points:
        raise ValueError(f"there is no decision point {rule.point!r}")
    if points[rule.point].severity(rule.action) == 0:
        raise ValueError(f"its action {rule.action!r} does nothing")
    if rule.mode not in get_args(Mode):
        raise ValueError(f"mode {rule.mode!r} is none of {', '.join(get_args(Mode))}")
    if type(rule.expires) is not date or type(rule.version) is not int:
        raise TypeError("expires is a day such as 2027-06-30, version a whole number")
    if not (rule.every or rule.some):
        raise ValueError("it has no condition")
    if any(rule.name in point.ladders for point in points.values()):
        raise ValueError("a model bears its name; choose another")


def _condition(values: Mapping[str, Any]) -> Condition:
    rest = dict(values)
    name = rest.pop("value")
    if len(rest) != 1:
        raise ValueError(f"a condition on {name} has one test, of {', '.join(get_args(Test))}")
    test, bound = next(iter(rest.items()))
    if test not in _SOUND:
        raise ValueError(f"{name}: {test} is none of {', '.join(_SOUND)}")
    if not _SOUND[test](bound):
        raise TypeError(f"{name}: {test} = {bound!r} is of the wrong type")
    return Condition(name, cast(Test, test), tuple(bound) if test == "one_of" else bound)


def _is_number(value: Any) -> bool:
    return isinstance(value, Number) and not isinstance(value, bool)


def _same(found: Value, wanted: Any) -> bool:
    """Equal and of one type, but for numbers: 1 is 1.0 and never True."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda found, bound: _is_number(found) and found >= bound,
    "at_most": lambda found, bound: _is_number(found) and found <= bound,
    "equals": _same,
    "one_of": lambda found, bound: any(_same(found, each) for each in bound),
    "missing": lambda _found, _bound: False,
}

_SOUND: Mapping[str, Callable[[Any], bool]] = {
    "at_least": _is_number,
    "at_most": _is_number,
    "equals": lambda bound: isinstance(bound, (bool, str, *Number)),
    "one_of": lambda bound: isinstance(bound, list) and bool(bound),
    "missing": lambda bound: bound is True,
}
