"""Changes that wait for a person: what would be done again, why nobody did it by itself, and who let it go."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from governance.errors import ConfigurationError
from governance.marketplaces.pace import Pace
from governance.storage.files import write_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A change of history that is past the bounds of the marketplace.

    `plan` is the digest of exactly this change: another delivery makes another one, which waits for itself.
    `approved_by`, `reason` and `approved_at` say who let it go; until then they are empty.
    """

    plan: str
    what: str
    why: str
    first: date
    last: date
    since: datetime
    approved_by: str = ""
    reason: str = ""
    approved_at: str = ""

    @property
    def approved(self) -> bool:
        """Whether a person has let it go."""
        return bool(self.approved_by)

    def shares_days_with(self, other: "Held") -> bool:
        """Whether both are about one of the same days."""
        return self.first <= other.last and other.first <= self.last


def too_wide(days: int, key_share: float, pace: Pace) -> str:
    """Why a change of so many days and such a share of all keys asks a person; nothing where it need not.

    >>> too_wide(3, 0.1, Pace())
    ''
    >>> too_wide(40, 0.1, Pace())
    '40 days would be built again, more than 14'
    """
    if days > pace.rebuild_days_at_most:
        return f"{days} days would be built again, more than {pace.rebuild_days_at_most}"
    if key_share > pace.rebuild_key_share_at_most:
        return f"{key_share:.0%} of all keys would change, more than {pace.rebuild_key_share_at_most:.0%}"
    return ""


class HeldChanges:
    """The changes that wait, a small file for each in a folder; what is approved stays on record.

    Every day that lands makes another plan of what waits: it has waited since its first one, the others are cleared.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, plan: str) -> Held | None:
        """What is known of a change."""
        path = self._folder / f"{plan}.json"
        return _decoded(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def all(self) -> list[Held]:
        """Every change that ever waited, in order of time."""
        found = [_decoded(json.loads(path.read_text(encoding="utf-8"))) for path in self._folder.glob("[!.]*.json")]
        return sorted(found, key=lambda one: (one.since, one.plan))

    def waiting(self) -> list[Held]:
        """Those that nobody has let go, in order of time."""
        return [one for one in self.all() if not one.approved]

    def one(self, beginning: str) -> Held:
        """The change whose digest begins so.

        Raises
        ------
        ConfigurationError
            Not exactly one does.
        """
        found = [each for each in self.all() if each.plan.startswith(beginning)]
        if len(found) != 1:
            raise ConfigurationError(f"{len(found)} changes begin with {beginning!r}; `govern approve` lists them")
        return found[0]

    def hold(self, held: Held) -> Held:
        """Let a change wait, since when its days do; one that waits already, or was approved, stays as it is."""
        if standing := self.get(held.plan):
            return standing
        since = [one.since for one in self.waiting() if one.shares_days_with(held)]
        held = replace(held, since=min([held.since, *since]))
        self._write(held)
        return held

    def clear(self, *, keep: Collection[str]) -> list[Held]:
        """Forget what waits under none of these plans, and return it: nobody would ask for it any more."""
        obsolete = [one for one in self.waiting() if one.plan not in keep]
        for one in obsolete:
            (self._folder / f"{one.plan}.json").unlink(missing_ok=True)
        return obsolete

    def approve(self, beginning: str, *, who: str, reason: str, at: datetime) -> Held:
        """Let a change go; again changes nothing. Raises like `one`."""
        found = self.one(beginning)
        if found.approved:
            return found
        approved = replace(found, approved_by=who, reason=reason, approved_at=at.isoformat(timespec="seconds"))
        self._write(approved)
        return approved

    def _write(self, held: Held) -> None:
        write_text(
            self._folder / f"{held.plan}.json", json.dumps(asdict(held), default=lambda value: value.isoformat())
        )


def _decoded(document: Mapping[str, Any]) -> Held:
    first, last = (date.fromisoformat(document[name]) for name in ("first", "last"))
    return Held(**{**document, "first": first, "last": last, "since": datetime.fromisoformat(document["since"])})
