"""What the registry stores, each as a frozen record with its JSON, and where it lies.

models/<name>/<digest>/<file>           a candidate's files, immutable
models/<name>/<digest>/record.json      their hashes and facts; written last, so a digest with it is whole
models/<name>/<digest>/verdict.json     what the gates said, immutable
models/<name>/serving.json              the pointer, changed only by compare-and-set
models/<name>/history/<generation>.json every pointer there was, immutable
models/<name>/refused/<digest>.json     refusals by hand and their lifting, appended by compare-and-set
models/<name>/overrides/<digest>.json   consents to serve past merit gates, appended by compare-and-set
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from governance.errors import InputError, ReleaseRefused
from governance.release.documents import Untrusted, checked, decode, encode, read_date, read_time
from governance.release.traffic import NO_TRAFFIC, Traffic
from governance.release.traffic_documents import read_traffic, traffic_document

RECORD_FILE = "record.json"
VERDICT_FILE = "verdict.json"
NOTHING = "0" * 64
"""The champion of a pointer that names none, as git names what is not there."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
_WORDS_AT_MOST = 1000

_RECORD = {"model": (str,), "digest": (str,), "as_of": (str,), "files": (dict,), "facts": (dict,)}
_SIGNED = {"who": (str,), "reason": (str,), "at": (str,)}
_MOVE = {"generation": (int,), **_SIGNED}
_POINTER = {"champion": (str,), "as_of": (str,), "previous": (str, type(None)), **_MOVE}
_LATER = {"promoted": (dict,), "traffic": (dict,)}
"""Absent where the champion has just come and answers for everybody: so all pointers were before there was traffic."""
_REFUSALS = {"refusals": (list,)}
_REFUSAL = {"refused": (bool,), **_SIGNED}


def model_folder(name: str) -> str:
    """`models/<name>`, for a name that can be a folder; InputError otherwise."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r:.80} is no model name: small letters, digits and _, beginning with a letter")
    return f"models/{name}"


def candidate_folder(name: str, digest: str) -> str:
    """`models/<name>/<digest>`, for a whole SHA-256 in hexadecimal; InputError otherwise."""
    if not _DIGEST.fullmatch(digest):
        raise InputError(f"{digest!r:.80} is no digest: 64 hexadecimal digits in small letters")
    return f"{model_folder(name)}/{digest}"


def short(digest: str) -> str:
    """The first twelve digits, as people are shown them."""
    return digest[:12]


def require_signature(*, who: str, reason: str, at: datetime) -> None:
    """Refuse what nobody answers for: every change names who made it, why, and when (with a time zone)."""
    for field, text in (("who", who), ("reason", reason)):
        if not text.strip() or len(text) > _WORDS_AT_MOST:
            raise ReleaseRefused(f"{field} must say something in at most {_WORDS_AT_MOST} characters")
    if at.tzinfo is None:
        raise ReleaseRefused("at must carry its time zone")


@dataclass(frozen=True, slots=True)
class Record:
    """A recorded candidate: SHA-256 by file, and the facts that its trainer gave, `as_of` among them."""

    model: str
    digest: str
    as_of: date
    files: Mapping[str, str]
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, digest: str, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> "Record":
        """The record of these files; InputError where a file name or `as_of` will not do."""
        candidate_folder(name, digest)
        for file in files:
            if not _FILE.fullmatch(file) or file in (RECORD_FILE, VERDICT_FILE):
                raise InputError(f"{file!r:.80} cannot be a candidate's file")
        if not files:
            raise InputError(f"{name} {short(digest)} has no files to record")
        as_of = facts.get("as_of")
        if isinstance(as_of, datetime) or not isinstance(as_of, date | str):
            raise InputError(f"{name} {short(digest)}: as_of must be a date, not {as_of!r:.60}")
        try:
            day = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
        except ValueError as error:
            raise InputError(f"{name} {short(digest)}: as_of: {error}") from error
        hashes = {file: sha256(data) for file, data in files.items()}
        return cls.decoded(cls(name, digest, day, hashes, facts).encoded(), name=name, digest=digest)

    def encoded(self) -> bytes:
        """The record as JSON."""
        return encode(
            {
                "model": self.model,
                "digest": self.digest,
                "as_of": self.as_of,
                "files": dict(self.files),
                "facts": dict(self.facts),
            }
        )

    @classmethod
    def decoded(cls, data: bytes, *, name: str, digest: str) -> "Record":
        """The record that lies in this candidate's folder; Untrusted where it speaks of another."""
        what = f"{candidate_folder(name, digest)}/{RECORD_FILE}"
        fields = decode(data, what=what, fields=_RECORD)
        if (fields["model"], fields["digest"]) != (name, digest):
            raise Untrusted(f"{what} speaks of another model or digest")
        for file, stored in fields["files"].items():
            if not _FILE.fullmatch(file) or not isinstance(stored, str) or not _DIGEST.fullmatch(stored):
                raise Untrusted(f"{what} lists a file that cannot be one: {file!r:.80}")
        as_of = read_date(fields["as_of"], what=what)
        return cls(name, digest, as_of, fields["files"], fields["facts"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move of the pointer: which one, and who made it, why and when."""

    generation: int
    who: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which digest serves, and as of when it was trained; who moved the pointer last.

    `previous` is the champion that a rollback returns to; `generation` counts the moves from 1. `traffic` says what
    answers or listens beside the champion; `promoted` is the move by which the champion came, where that was not
    the last one.
    """

    champion: str
    as_of: date
    previous: str | None
    generation: int
    who: str
    reason: str
    at: datetime
    traffic: Traffic = NO_TRAFFIC
    promoted: Move | None = None

    @property
    def vacant(self) -> bool:
        """Whether it says that nothing serves."""
        return self.champion == NOTHING

    @property
    def move(self) -> Move:
        """The move that made this pointer."""
        return Move(generation=self.generation, who=self.who, reason=self.reason, at=self.at)

    @property
    def promotion(self) -> Move:
        """The move by which the champion came."""
        return self.promoted or self.move

    def encoded(self) -> bytes:
        """The pointer as JSON."""
        champion = {"champion": self.champion, "as_of": self.as_of, "previous": self.previous}
        promoted = {"promoted": _signed(self.promoted)} if self.promoted else {}
        traffic = {"traffic": traffic_document(self.traffic)} if self.traffic != NO_TRAFFIC else {}
        return encode({**champion, **_signed(self.move), **promoted, **traffic})

    @classmethod
    def decoded(cls, data: bytes, *, what: str) -> "Pointer":
        """The pointer that lies at the key `what`; Untrusted where it is none."""
        fields = decode(data, what=what, fields=_POINTER, optional=_LATER)
        traffic = read_traffic(fields["traffic"], what=what) if "traffic" in fields else NO_TRAFFIC
        promoted = _read_move(fields["promoted"], what=what) if "promoted" in fields else None
        digests = [fields["champion"], *([fields["previous"]] if fields["previous"] is not None else [])]
        if not all(_DIGEST.fullmatch(digest) for digest in (*digests, *traffic.digests)) or fields["generation"] < 1:
            raise Untrusted(f"{what} names no digest, or a generation before the first")
        if promoted and not 1 <= promoted.generation < fields["generation"]:
            raise Untrusted(f"{what} has a champion that came with a later move")
        times = {"as_of": read_date(fields["as_of"], what=what), "at": read_time(fields["at"], what=what)}
        return cls(**{**fields, **times, "traffic": traffic, "promoted": promoted})


def _signed(move: Move) -> dict[str, Any]:
    return {"generation": move.generation, "who": move.who, "reason": move.reason, "at": move.at.astimezone(UTC)}


def _read_move(document: Any, *, what: str) -> Move:
    fields = checked(document, what=f"the promotion of {what}", fields=_MOVE)
    return Move(**{**fields, "at": read_time(fields["at"], what=what)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A person's word on a digest: `refused`, or allowed again."""

    refused: bool
    who: str
    reason: str
    at: datetime


def encode_refusals(refusals: tuple[Refusal, ...]) -> bytes:
    """All that people said of one digest, oldest first, as JSON; the last word holds."""
    return encode(
        {
            "refusals": [
                {"refused": word.refused, "who": word.who, "reason": word.reason, "at": word.at.astimezone(UTC)}
                for word in refusals
            ]
        }
    )


def decode_refusals(data: bytes, *, what: str) -> tuple[Refusal, ...]:
    """What `encode_refusals` wrote; Untrusted where it did not."""
    entries = decode(data, what=what, fields=_REFUSALS)["refusals"]
    words = [checked(entry, what=what, fields=_REFUSAL) for entry in entries]
    return tuple(Refusal(**{**word, "at": read_time(word["at"], what=what)}) for word in words)


def sha256(data: bytes) -> str:
    """SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
