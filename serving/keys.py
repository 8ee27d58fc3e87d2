"""API keys: who may call, for what, until when. Only hashes are kept, and every change stays on record.

The ledger of changes is the truth: which keys there are follows from folding it, so that state and audit cannot differ.
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from governance.errors import ConfigurationError, InputError

Scope = Literal["score", "events", "read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_PREFIX = "mg"
_NOBODY = "0" * 64
_TABLES = (
    "CREATE TABLE IF NOT EXISTS changes ("
    " sequence INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,"
    " what TEXT NOT NULL, key_id TEXT NOT NULL, facts TEXT NOT NULL)",
    "CREATE TRIGGER IF NOT EXISTS changes_stay BEFORE UPDATE ON changes"
    " BEGIN SELECT RAISE(ABORT, 'the ledger of keys is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS changes_remain BEFORE DELETE ON changes"
    " BEGIN SELECT RAISE(ABORT, 'the ledger of keys is append-only'); END",
)
_INSERT = "INSERT INTO changes (at, who, reason, what, key_id, facts) VALUES (?, ?, ?, ?, ?, ?)"
_ALL = "SELECT at, who, reason, what, key_id, facts FROM changes ORDER BY sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key as it is kept: its caller's name and the SHA-256 of its secret, which is 256 random bits."""

    key_id: str
    caller: str
    secret_sha256: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid(self, at: datetime) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A line of the ledger: who did what to which key, why and when."""

    at: datetime
    who: str
    reason: str
    what: Literal["added", "expires", "revoked"]
    key_id: str
    facts: Mapping[str, object]


class KeyRing:
    """The keys at one moment, for looking them up by the token that a request carries."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.key_id: key for key in keys}

    def find(self, token: str, *, at: datetime) -> Key | None:
        """The valid key of a token; None where there is none. Takes the same time for wrong secrets and unknown ids."""
        prefix, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._keys.get(key_id)
        offered = hashlib.sha256(secret.encode()).hexdigest()
        same = hmac.compare_digest(offered, key.secret_sha256 if key else _NOBODY)
        return key if same and key and prefix == _PREFIX and key.valid(at) else None

    def all(self) -> list[Key]:
        """Every key there ever was, oldest first."""
        return list(self._keys.values())


class KeyLedger:
    """The keys of one workspace, in an append-only table."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ring(self) -> KeyRing:
        """The keys as they stand."""
        return KeyRing(_folded(self.changes()).values())

    def changes(self) -> list[Change]:
        """Every change there was, oldest first."""
        if not self._path.exists():
            return []
        with self._transaction("BEGIN") as connection:
            return [_change(row) for row in connection.execute(_ALL)]

    def add(
        self,
        caller: str,
        scopes: Iterable[str],
        *,
        who: str,
        reason: str,
        at: datetime,
        expires_at: datetime | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> str:
        """Make a key and return its token, which is nowhere else afterwards.

        Raises
        ------
        InputError
            The caller has no name, there is no such scope, or the key would expire before it exists.
        """
        wanted = _scopes(scopes)
        if not caller.strip() or len(caller) > 64:
            raise InputError("a key's caller is named in 1 to 64 characters: the service that will use it")
        if expires_at is not None and expires_at <= at:
            raise InputError(f"the key would expire at {expires_at}, before it exists")
        added, token = _made(caller, wanted, who=who, reason=reason, at=at, expires_at=expires_at, random=random)
        with self._transaction("BEGIN IMMEDIATE") as connection:
            connection.execute(_INSERT, _row(added))
        return token

    def rotate(
        self,
        key_id: str,
        *,
        who: str,
        reason: str,
        at: datetime,
        overlap: timedelta,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> str:
        """Give the key's caller another key of the same scopes, and let the old one expire after `overlap`."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            old = _standing(connection, key_id, at)
            ends = min(at + overlap, old.expires_at) if old.expires_at else at + overlap
            lifetime = old.expires_at - old.created_at if old.expires_at else None
            expires_at = at + lifetime if lifetime else None
            added, token = _made(
                old.caller, sorted(old.scopes), who=who, reason=reason, at=at, expires_at=expires_at, random=random
            )
            ended = Change(
                at=at, who=who, reason=reason, what="expires", key_id=key_id, facts={"expires_at": ends.isoformat()}
            )
            connection.executemany(_INSERT, [_row(added), _row(ended)])
        return token

    def revoke(self, key_id: str, *, who: str, reason: str, at: datetime) -> None:
        """End a key at once; InputError where there is no valid one of this id."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            _standing(connection, key_id, at)
            connection.execute(
                _INSERT, _row(Change(at=at, who=who, reason=reason, what="revoked", key_id=key_id, facts={}))
            )

    @property
    def version(self) -> tuple[int, int]:
        """What changes when the ledger does; cheap enough to ask twice a second."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        try:
            connection.execute(begin)
            for statement in _TABLES:
                connection.execute(statement)
            yield connection
            connection.execute("COMMIT")
        finally:
            # Closing before a commit takes everything back.
            connection.close()


def keys_of(root: Path) -> KeyLedger:
    """The keys of the workspace in the folder `root`."""
    return KeyLedger(root / "ledgers" / "api_keys.sqlite")


def _made(
    caller: str,
    scopes: Iterable[str],
    *,
    who: str,
    reason: str,
    at: datetime,
    expires_at: datetime | None,
    random: Callable[[int], bytes],
) -> tuple[Change, str]:
    if not (who.strip() and reason.strip()):
        raise InputError("a change of keys names who made it and why")
    key_id, secret = random(6).hex(), random(32).hex()
    facts = {
        "caller": caller,
        "scopes": list(scopes),
        # The secret is 256 random bits: a slow hash would protect it no better, and every request would pay for it.
        "secret_sha256": hashlib.sha256(secret.encode()).hexdigest(),
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
    added = Change(at=at, who=who, reason=reason, what="added", key_id=key_id, facts=facts)
    return added, f"{_PREFIX}_{key_id}_{secret}"


def _scopes(named: Iterable[str]) -> list[str]:
    wanted = sorted(set(named))
    if unknown := [name for name in wanted if name not in SCOPES] or ([] if wanted else ["(none)"]):
        raise InputError(f"{', '.join(unknown)} is no scope; scopes are {', '.join(SCOPES)}")
    return wanted


def _folded(changes: Iterable[Change]) -> dict[str, Key]:
    keys: dict[str, Key] = {}
    for change in changes:
        if change.what == "added":
            keys[change.key_id] = _added(change)
        elif change.what == "expires":
            ends = datetime.fromisoformat(str(change.facts["expires_at"]))
            keys[change.key_id] = replace(keys[change.key_id], expires_at=ends)
        else:
            keys[change.key_id] = replace(keys[change.key_id], revoked_at=change.at)
    return keys


def _added(change: Change) -> Key:
    facts = change.facts
    scopes, expires_at = facts["scopes"], facts["expires_at"]
    if not isinstance(scopes, list):
        raise ConfigurationError(f"the ledger of keys is damaged: key {change.key_id} has no list of scopes")
    return Key(
        key_id=change.key_id,
        caller=str(facts["caller"]),
        secret_sha256=str(facts["secret_sha256"]),
        scopes=frozenset(map(str, scopes)),
        created_at=change.at,
        expires_at=datetime.fromisoformat(str(expires_at)) if expires_at else None,
    )


def _standing(connection: sqlite3.Connection, key_id: str, at: datetime) -> Key:
    key = _folded(_change(row) for row in connection.execute(_ALL)).get(key_id)
    if key is None or not key.valid(at):
        raise InputError(f"there is no valid key {key_id!r}; `govern keys list` shows them")
    return key


def _row(change: Change) -> tuple[str, ...]:
    facts = json.dumps(change.facts, sort_keys=True)
    return (change.at.isoformat(), change.who, change.reason, change.what, change.key_id, facts)


def _change(row: tuple[str, str, str, Literal["added", "expires", "revoked"], str, str]) -> Change:
    at, who, reason, what, key_id, facts = row
    return Change(
        at=datetime.fromisoformat(at), who=who, reason=reason, what=what, key_id=key_id, facts=json.loads(facts)
    )
