"""What travels over HTTP: requests and answers as typed structures, read and written by msgspec."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from governance.decisions.record import Value

ROWS_AT_MOST = 100
"""Rows of one batch: about the number that one core scores within 6 ms."""

_NAMES_AT_MOST = 256
_WHOLE_FLOAT = 2**53
"""Whole numbers up to here are exact as 64-bit floats, which is what models read."""

_CONTROL = re.compile("[\x00-\x1f\x7f]")


def _named(pattern: str) -> dict[str, str]:
    """A pattern in the API's description; `require_plain` sees to it, in a third of the time that msgspec takes."""
    return {"pattern": pattern}


Identifier = Annotated[str, Meta(min_length=1, max_length=128, extra_json_schema=_named("^[^\\x00-\\x1f\\x7f]+$"))]
Money = Annotated[int, Meta(ge=0, le=_WHOLE_FLOAT)]
Moment = Annotated[datetime, Meta(tz=True)]
Text = Annotated[str, Meta(max_length=1024, extra_json_schema=_named("^[^\\x00]*$"))]
Whole = Annotated[int, Meta(ge=-_WHOLE_FLOAT, le=_WHOLE_FLOAT)]
Keys = Annotated[dict[Identifier, Identifier], Meta(max_length=16)]
Context = Annotated[dict[Identifier, Whole | float | Text | bool | None], Meta(max_length=_NAMES_AT_MOST)]


def require_plain(names: Iterable[str], texts: Iterable[Any] = ()) -> None:
    """Refuse control characters in identifiers and names, and NUL in texts; what is no text has neither.

    Raises
    ------
    ValueError
        There is one. msgspec makes of it a ValidationError that says where.
    """
    if _CONTROL.search("".join(names)):
        raise ValueError("identifiers and names have no control characters")
    if [text for text in texts if isinstance(text, str) and "\0" in text]:
        raise ValueError("texts have no NUL characters")


class DecisionRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """May this go ahead? `entity_id` names what is decided about: an order line, a session, a payout.

    `keys` name the entities whose features are read (buyer_id, seller_id, ...); `context` holds the event's own
    columns, named as in the contract tables. `request_id` makes the call safe to repeat.
    """

    entity_id: Identifier
    request_id: Identifier | None = None
    occurred_at: Moment | None = None
    after: Identifier | None = None
    market: Identifier | None = None
    keys: Keys = {}
    context: Context = {}
    amount_minor: Money | None = None

    def __post_init__(self) -> None:
        given = (self.entity_id, self.request_id or "", self.after or "", self.market or "")
        require_plain((*given, *self.keys, *self.keys.values(), *self.context), self.context.values())


class ReasonText(Struct, frozen=True):
    """Why an action was taken that somebody feels; the text never says where a limit lies."""

    code: str
    text: str


class ServedScore(Struct, frozen=True):
    """What one model said; `digest` names the very model."""

    model: str
    digest: str
    role: str
    probability: float


class DecisionAnswer(Struct, frozen=True, kw_only=True):
    """The action to take. `degraded` names the parts that could not be asked; `durable` says that it is on disk."""

    decision_id: str
    point: str
    action: str
    reasons: list[ReasonText]
    scores: list[ServedScore]
    arm: str | None
    explored: bool
    degraded: list[str]
    durable: bool
    replayed: bool
    policy_version: str
    decided_at: datetime


class ScoreRow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One event to score, as in a decision request."""

    occurred_at: Moment | None = None
    keys: Keys = {}
    context: Context = {}

    def __post_init__(self) -> None:
        require_plain((*self.keys, *self.keys.values(), *self.context), self.context.values())


class ScoreRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Events to score with a model's champion; `explain` asks for reason codes, which cost milliseconds a row."""

    rows: Annotated[list[ScoreRow], Meta(min_length=1, max_length=ROWS_AT_MOST)]
    explain: bool = False


class RowScore(Struct, frozen=True, kw_only=True):
    """The score of one row. `unknown` names the views that hold nothing of the row's entity."""

    probability: float
    acts: bool
    unknown: list[str]
    reasons: list[ReasonText] | None = None


class ScoreAnswer(Struct, frozen=True, kw_only=True):
    """Scores in the order of the rows, all of the one model that `digest` names."""

    model: str
    digest: str
    scores: list[RowScore]


class ServedVersion(Struct, frozen=True, kw_only=True):
    """A version of a model that is loaded, and what it does: champion, canary or shadow."""

    digest: str
    role: str
    as_of: str | None


class ServedModel(Struct, frozen=True, kw_only=True):
    """A model of the marketplace, and what of it is served; `problem` says why it is not what the registry names."""

    name: str
    decision_point: str
    generation: int
    versions: list[ServedVersion]
    problem: str | None


class Point(Struct, frozen=True, kw_only=True):
    """A decision point: `actions` from mild to harsh; from `hurts_from` on they are explained."""

    name: str
    meaning: str
    entity: str
    keys: list[str]
    actions: list[str]
    hurts_from: str
    when_degraded: str
    deadline_ms: int
    models: list[str]


class RecentDecision(Struct, frozen=True, kw_only=True):
    """A decision about an entity, in short."""

    decision_id: str
    point: str
    action: str
    decided_at: datetime


class EntityView(Struct, frozen=True, kw_only=True):
    """What is known online of one entity: values by name, their times by view, and the newest decisions about it."""

    key: str
    id: str
    features: dict[str, Value]
    feature_times: dict[str, datetime | None]
    decisions: list[RecentDecision]


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as RFC 9457 has it: `type` is a path of this service's documentation, `detail` a sentence."""

    type: str
    title: str
    status: int
    detail: str
    part: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    """Whether the service answers, and the parts without which it answers less well."""

    ready: bool
    degraded: list[str]


read_decision = msgspec.json.Decoder(DecisionRequest).decode
write = msgspec.json.Encoder().encode
