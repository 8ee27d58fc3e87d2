"""API keys: only hashes at rest, scopes, expiry, rotation with an overlap, and a ledger that nobody can rewrite."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from governance.errors import InputError
from serving.keys import KeyLedger, keys_of

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
SIGNED = {"who": "ana", "reason": "the shop goes live"}


@pytest.fixture
def ledger(tmp_path: Path) -> KeyLedger:
    return keys_of(tmp_path)


def key_id(token: str) -> str:
    return token.split("_")[1]


def test_a_key_opens_what_it_was_made_for_until_it_expires(ledger: KeyLedger) -> None:
    token = ledger.add("shop", ["score"], **SIGNED, at=AT, expires_at=AT + timedelta(days=1))
    found = ledger.ring().find(token, at=AT)
    assert found is not None
    assert (found.caller, found.scopes) == ("shop", {"score"})
    assert ledger.ring().find(token, at=AT + timedelta(days=1)) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.replace("mg_", "xx_", 1),
        lambda token: token.rsplit("_", 1)[0],
        lambda token: "mg_" + "0" * 12 + "_" + token.rsplit("_", 1)[1],
        lambda _: "",
        lambda _: "_" * 5,
    ],
    ids=["wrong secret", "wrong prefix", "no secret", "unknown id", "empty", "only separators"],
)
def test_a_token_that_is_not_quite_the_key_opens_nothing(ledger: KeyLedger, spoil: object) -> None:
    token = ledger.add("shop", ["score"], **SIGNED, at=AT)
    assert ledger.ring().find(spoil(token), at=AT) is None  # type: ignore[operator]


def test_the_secret_is_nowhere_on_disk(ledger: KeyLedger, tmp_path: Path) -> None:
    secret = ledger.add("shop", ["score"], **SIGNED, at=AT).rsplit("_", 1)[1]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


def test_both_keys_open_during_a_rotation_and_only_the_new_one_after_it(ledger: KeyLedger) -> None:
    old = ledger.add("shop", ["score", "read"], **SIGNED, at=AT)
    new = ledger.rotate(key_id(old), **SIGNED, at=AT, overlap=timedelta(hours=24))
    ring = ledger.ring()
    within, after = AT + timedelta(hours=23), AT + timedelta(hours=24)
    assert {ring.find(token, at=within) is not None for token in (old, new)} == {True}
    assert ring.find(old, at=after) is None
    found = ring.find(new, at=after)
    assert found is not None
    assert (found.caller, found.scopes) == ("shop", {"score", "read"})


def test_a_rotation_never_lets_a_key_live_longer_than_it_was_meant_to(ledger: KeyLedger) -> None:
    old = ledger.add("shop", ["score"], **SIGNED, at=AT, expires_at=AT + timedelta(hours=1))
    new = ledger.rotate(key_id(old), **SIGNED, at=AT, overlap=timedelta(hours=24))
    assert ledger.ring().find(old, at=AT + timedelta(hours=2)) is None
    assert ledger.ring().find(new, at=AT + timedelta(hours=2)) is None


def test_a_revoked_key_opens_nothing_and_cannot_be_rotated(ledger: KeyLedger) -> None:
    token = ledger.add("shop", ["score"], **SIGNED, at=AT)
    ledger.revoke(key_id(token), **SIGNED, at=AT)
    assert ledger.ring().find(token, at=AT) is None
    with pytest.raises(InputError, match="no valid key"):
        ledger.rotate(key_id(token), **SIGNED, at=AT, overlap=timedelta())


def test_who_did_what_to_which_key_stays_on_record(ledger: KeyLedger, tmp_path: Path) -> None:
    token = ledger.add("shop", ["score"], **SIGNED, at=AT)
    ledger.revoke(key_id(token), who="bo", reason="found in a log", at=AT + timedelta(days=1))
    told = [(change.who, change.what, change.key_id, change.reason) for change in ledger.changes()]
    assert told == [
        ("ana", "added", key_id(token), "the shop goes live"),
        ("bo", "revoked", key_id(token), "found in a log"),
    ]
    with sqlite3.connect(tmp_path / "ledgers" / "api_keys.sqlite") as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM changes")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("UPDATE changes SET who = 'nobody'")
    connection.close()


def test_a_change_is_seen_by_its_version(ledger: KeyLedger) -> None:
    before = ledger.version
    ledger.add("shop", ["score"], **SIGNED, at=AT)
    assert ledger.version != before
    unchanged = ledger.version
    ledger.ring()
    assert ledger.version == unchanged


@pytest.mark.parametrize(
    ("caller", "scopes", "expires_at"),
    [
        ("", ["score"], None),
        ("shop", ["everything"], None),
        ("shop", [], None),
        ("shop", ["score"], AT),
    ],
    ids=["no caller", "unknown scope", "no scope", "expired before it exists"],
)
def test_a_key_that_makes_no_sense_is_refused(
    ledger: KeyLedger, caller: str, scopes: list[str], expires_at: datetime | None
) -> None:
    with pytest.raises(InputError):
        ledger.add(caller, scopes, **SIGNED, at=AT, expires_at=expires_at)
    assert ledger.changes() == []
