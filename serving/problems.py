"""Errors as callers see them: RFC 9457 problem documents, one for each kind of error that this service raises."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import msgspec
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from governance.errors import GovernanceError, InputError, NotReady, StoreError
from serving.limits import Overloaded, TooMany
from serving.wire import Problem, write

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 1


class Unauthenticated(GovernanceError):  # noqa: N818 - the service's answer
    """No valid key came with the request."""


class Forbidden(GovernanceError):  # noqa: N818 - the service's answer
    """The key does not open this."""


class NotFound(GovernanceError):  # noqa: N818 - the service's answer
    """There is no such point, model, entity or decision."""


class TooLarge(GovernanceError):  # noqa: N818 - the service's answer
    """The body is larger than this route takes."""


class Reused(GovernanceError):  # noqa: N818 - the service's answer
    """The request id was used before, for another question."""


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    name: str
    title: str
    headers: tuple[tuple[str, str], ...] = ()


_RETRY = (("retry-after", str(_RETRY_SECONDS)),)
_KINDS: Mapping[type[Exception], _Kind] = {
    Unauthenticated: _Kind(401, "unauthenticated", "A valid API key is needed", (("www-authenticate", "Bearer"),)),
    Forbidden: _Kind(403, "forbidden", "The key does not open this"),
    NotFound: _Kind(404, "not-found", "There is no such thing here"),
    Reused: _Kind(409, "request-id-reused", "The request id stands for another question"),
    TooLarge: _Kind(413, "too-large", "The body is too large"),
    Overloaded: _Kind(503, "overloaded", "There is no room right now"),
    TooMany: _Kind(429, "too-many-requests", "The key's allowance is used up"),
    InputError: _Kind(422, "unacceptable", "The request cannot be answered as it is"),
    NotReady: _Kind(503, "not-ready", "The marketplace has nothing to answer from yet", _RETRY),
    StoreError: _Kind(503, "store-unavailable", "A store that this answer needs is not there", _RETRY),
    msgspec.ValidationError: _Kind(400, "malformed", "The body is not what this route reads"),
    msgspec.DecodeError: _Kind(400, "malformed", "The body is not JSON"),
    ValidationException: _Kind(400, "malformed", "The request is not what this route reads"),
    SerializationException: _Kind(400, "malformed", "The body is not JSON"),
}
_UNFORESEEN = _Kind(500, "internal", "Something here is broken")
STATUSES = tuple(sorted({kind.status for kind in _KINDS.values()}))
"""Every status that an error of a caller's or of the moment can have."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as it goes out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def foreseen(error: Exception) -> bool:
    """Whether this is an error with an answer of its own; any other is a fault in the service, to be logged."""
    return isinstance(error, HTTPException) or _kind_of(error) is not _UNFORESEEN


def refusal(error: Exception) -> Refusal:
    """The answer to an error; what nobody foresaw tells nothing of the inside."""
    kind = _kind_of(error)
    if kind is _UNFORESEEN and isinstance(error, HTTPException) and error.status_code < 500:
        kind = _Kind(error.status_code, f"http-{error.status_code}", error.detail, tuple((error.headers or {}).items()))
    headers = kind.headers
    if isinstance(error, TooMany):
        headers = (("retry-after", str(max(1, ceil(error.retry_after_seconds)))),)
    detail = _detail(error, kind)
    document = Problem(type=f"/problems/{kind.name}", title=kind.title, status=kind.status, detail=detail)
    return Refusal(kind.status, headers, write(document))


def _kind_of(error: Exception) -> _Kind:
    return next((_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS), _UNFORESEEN)


def _detail(error: Exception, kind: _Kind) -> str:
    if kind is _UNFORESEEN:
        return "The fault is noted in the service's log; trying again may help."
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        first = error.extra[0]
        return (
            f"{first.get('key', '')}: {first.get('message', error.detail)}" if isinstance(first, dict) else error.detail
        )
    return error.detail if isinstance(error, HTTPException) else str(error)
