"""/v1/events: what happens in the marketplace, as it happens, for the real-time counters."""

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from serving.routes import KEYED, key_of, service_of
from serving.wire import Identifier, Moment, require_plain

EVENTS_AT_MOST = 500
"""Events of one request; they are counted in one transaction, or appended to the stream in one round trip."""

_FIELDS_AT_MOST = 64


class EventRow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of a contract table as it happens: `fields` are its columns, personal ones in the clear.

    `event_id` is what the row goes by in its table, so that an event that is sent again counts once.
    """

    table: Identifier
    event_id: Identifier
    occurred_at: Moment
    fields: Annotated[dict[Identifier, str | int | float | bool | None], Meta(max_length=_FIELDS_AT_MOST)]

    def __post_init__(self) -> None:
        require_plain((self.table, self.event_id, *self.fields))


class EventsRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Events in the order in which they happened."""

    events: Annotated[list[EventRow], Meta(min_length=1, max_length=EVENTS_AT_MOST)]


class EventsAnswer(Struct, frozen=True, kw_only=True):
    """What became of them. A decision that must count them passes `token` on as `after`."""

    accepted: int
    repeated: int
    too_old: int
    token: str


@post("/v1/events", scope="events", tags=["events"], summary="Count events", status_code=202, **KEYED)
async def events(request: Request[Any, Any, Any], data: JSONBody[EventsRequest]) -> EventsAnswer:
    """Accept 1 to 500 events. Columns that no counter looks at are not kept; of personal ones only hashes are."""
    service = service_of(request)
    service.access.charge(key_of(request), len(data.events) - 1)
    with service.in_flight:
        read = [service.intake.event(row.table, row.event_id, row.occurred_at, row.fields) for row in data.events]
        now = service.counting_time(max(event.occurred_at for event in read))
        recorded = await service.counters.record(read, now=now)
    return msgspec.convert(recorded, EventsAnswer, from_attributes=True)
