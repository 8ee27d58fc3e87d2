"""Overrides: two people's consent that a candidate serves past its merit gates until a stated time.

A consent is recorded before the pointer moves and stays for ever. It holds for one generation of the pointer, and the
pointer repeats its terms as the reason: neither can be changed without the other, nor without the pointer's log.
"""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.errors import ConflictError, ReleaseRefused
from governance.release.documents import Untrusted, checked, decode, encode, read_time
from governance.release.records import Pointer, candidate_folder, model_folder, require_signature
from governance.storage.objects import ObjectStore

DAYS_AT_MOST = 14
"""An exception that is needed for longer is a gate that should be changed."""

_OVERRIDES = {"overrides": (list,)}
_TEXTS = ("digest", "who", "second", "reason", "at", "until")
_OVERRIDE = {**dict.fromkeys(_TEXTS, (str,)), "generation": (int,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A consent: `digest` may serve as `generation` of the pointer, past its merit gates, until `until`.

    `who` asked for it and `second`, another person, agreed.
    """

    digest: str
    generation: int
    who: str
    second: str
    reason: str
    at: datetime
    until: datetime

    @property
    def terms(self) -> str:
        """The consent in a sentence; the reason of the pointer that it allows."""
        return f"override until {self.until.astimezone(UTC).isoformat()}, agreed by {self.second}: {self.reason}"

    def allows(self, pointer: Pointer) -> bool:
        """Whether this consent is the one under which a pointer's champion came."""
        move = pointer.promotion
        moved = (pointer.champion, move.generation, move.who, move.at, move.reason)
        return moved == (self.digest, self.generation, self.who, self.at, self.terms)

    def agrees_with(self, other: "Override") -> bool:
        """Whether the same people agreed to the same, whenever they said so."""
        mine, theirs = ((one.digest, one.who, one.second, one.reason, one.until) for one in (self, other))
        return mine == theirs

    def expired(self, at: datetime) -> bool:
        """Whether it holds no longer."""
        return at >= self.until

    def require_sound(self) -> None:
        """Refuse a consent of fewer than two people, without a reason, or without an end that is near enough."""
        require_signature(who=self.who, reason=self.reason, at=self.at)
        if _person(self.second) in ("", _person(self.who)):
            raise ReleaseRefused(f"an override needs a second person beside {self.who}; name the one who agreed")
        if self.until.tzinfo is None:
            raise ReleaseRefused("until must carry its time zone, such as 2026-03-08T12:00+00:00")
        if not self.at < self.until <= self.at + timedelta(days=DAYS_AT_MOST):
            raise ReleaseRefused(f"an override must end after now and within {DAYS_AT_MOST} days, not at {self.until}")


class Overrides:
    """Every consent that was given, by digest; none is ever changed or lost."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def all(self, name: str) -> list[Override]:
        """All consents for a model, oldest first, also those that ended or never took effect."""
        found = (one for digest in self.digests(name) for one in self.of(name, digest))
        return sorted(found, key=lambda one: (one.at, one.generation))

    def digests(self, name: str) -> list[str]:
        """The digests for which consents were given; not read, so that a damaged one bars no way back."""
        folder = _folder(name)
        return [key.removeprefix(folder).removesuffix(".json") for key in self._objects.list(folder)]

    def of(self, name: str, digest: str) -> tuple[Override, ...]:
        """The consents for one digest, oldest first; Untrusted where they were damaged."""
        return self._read(name, digest)[0]

    def grant(self, name: str, override: Override) -> None:
        """Record a consent; the same again changes nothing.

        Raises
        ------
        ConflictError
            Somebody recorded another for this digest at the same moment.
        """
        override.require_sound()
        key = _key(name, override.digest)
        granted, etag = self._read(name, override.digest)
        if override in granted:
            return
        data = encode({"overrides": [_document(one) for one in (*granted, override)]})
        try:
            if etag is None:
                self._objects.put_new(key, data)
            else:
                self._objects.replace(key, data, etag=etag)
        except ConflictError as conflict:
            raise ConflictError(f"somebody else overrode with {key} at the same moment: read it again") from conflict

    def _read(self, name: str, digest: str) -> tuple[tuple[Override, ...], str | None]:
        key = _key(name, digest)
        stored = self._objects.get(key)
        if stored is None:
            return (), None
        entries = decode(stored.data, what=key, fields=_OVERRIDES)["overrides"]
        return tuple(_override(entry, digest=digest, what=key) for entry in entries), stored.etag


def _override(entry: Any, *, digest: str, what: str) -> Override:
    fields = checked(entry, what=what, fields=_OVERRIDE)
    times = {name: read_time(fields[name], what=what) for name in ("at", "until")}
    override = Override(**{**fields, **times})
    if override.digest != digest:
        raise Untrusted(f"{what} speaks of another digest")
    try:
        override.require_sound()
    except ReleaseRefused as error:
        raise Untrusted(f"{what}: {error}") from error
    return override


def _document(override: Override) -> dict[str, Any]:
    texts = {name: getattr(override, name) for name in ("digest", "generation", "who", "second", "reason")}
    return {**texts, "at": override.at.astimezone(UTC), "until": override.until.astimezone(UTC)}


def _person(name: str) -> str:
    """A name without what typing varies: `Ana ` and `ana` are one person."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _folder(name: str) -> str:
    return f"{model_folder(name)}/overrides/"


def _key(name: str, digest: str) -> str:
    candidate_folder(name, digest)
    return f"{_folder(name)}{digest}.json"
