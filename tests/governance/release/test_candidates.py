"""Recorded candidates stay what they were; what cannot be one is refused; on a folder and on S3."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from governance.errors import ConflictError, InputError, ReleaseRefused, StoreError
from governance.release.documents import Untrusted
from governance.release.promotion import Candidate
from governance.storage.objects import ObjectStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_what_was_recorded_is_read_back(desk: Any) -> None:
    digest = desk.record(1)
    assert desk.registry.files("claim", digest) == desk.files(1)
    record = desk.registry.recorded("claim", digest)
    assert (record.model, record.digest, record.as_of) == ("claim", digest, desk.as_of(1))
    assert record.facts == {"as_of": desk.as_of(1).isoformat(), "ap": 0.25, "commit": "abc"}


def test_recording_again_changes_nothing_and_the_first_facts_stand(desk: Any, objects: ObjectStore) -> None:
    digest = desk.record(1)
    before = {key: objects.get(key) for key in objects.list()}
    later = {"as_of": desk.as_of(1), "commit": "def", "recorded_at": AT}
    assert desk.registry.record("claim", digest, desk.files(1), later).facts["commit"] == "abc"
    assert {key: objects.get(key) for key in objects.list()} == before


@pytest.mark.parametrize(
    "files", [{"model.txt": b"another tree", "threshold.json": b"{}"}, {"model.txt": b"tree 1"}, {"other.txt": b""}]
)
def test_a_digest_cannot_be_recorded_with_other_files(desk: Any, objects: ObjectStore, files: dict[str, bytes]) -> None:
    digest = desk.record(1)
    before = {key: objects.get(key) for key in objects.list()}
    with pytest.raises(ConflictError, match="that record stands"):
        desk.registry.record("claim", digest, files, {"as_of": desk.as_of(1)})
    assert {key: objects.get(key) for key in objects.list()} == before


def test_a_verdict_is_attached_once_and_for_ever(desk: Any) -> None:
    digest = desk.candidate(1, status="kept")
    desk.registry.attach(desk.verdict(1, status="kept"))
    with pytest.raises(ConflictError, match="judged before"):
        desk.registry.attach(desk.verdict(1, status="passed"))
    assert desk.registry.verdict("claim", digest) == desk.verdict(1, status="kept")


def test_nothing_is_said_of_a_digest_that_is_not_recorded(desk: Any) -> None:
    with pytest.raises(ReleaseRefused, match="not recorded"):
        desk.registry.attach(desk.verdict(1))
    with pytest.raises(ReleaseRefused, match="not recorded"):
        desk.refuse(1)
    with pytest.raises(StoreError, match="not recorded"):
        desk.registry.files("claim", desk.digest(1))
    assert desk.registry.recorded("claim", desk.digest(1)) is None
    assert desk.registry.verdict("claim", desk.digest(1)) is None


def test_candidates_are_listed_with_what_is_known_of_them(desk: Any) -> None:
    desk.candidate(3, status="failed")
    desk.candidate(1)
    desk.candidate(2, status="kept")
    desk.record(4)
    desk.refuse(1)
    assert desk.registry.candidates("claim") == [
        Candidate(desk.digest(1), desk.as_of(1), "passed", refused=True),
        Candidate(desk.digest(2), desk.as_of(2), "kept", refused=False),
        Candidate(desk.digest(3), desk.as_of(3), "failed", refused=False),
        Candidate(desk.digest(4), desk.as_of(4), None, refused=False),
    ]
    assert desk.registry.candidates("merchant_fraud") == []


def test_names_digests_and_files_that_could_escape_are_refused(desk: Any) -> None:
    digest, facts = desk.digest(1), {"as_of": date(2026, 1, 1)}
    record: Callable[..., object] = desk.registry.record
    for name in ("", "../claim", "claim/x", "Claim", "9claim", "a" * 64, "claim\n"):
        with pytest.raises(InputError):
            record(name, digest, {"model.txt": b""}, facts)
        with pytest.raises(InputError):
            desk.registry.pointer(name)
        with pytest.raises(InputError):
            desk.registry.candidates(name)
    for wrong in ("", "abc", digest.upper(), f"{digest[:-1]}g", f"{digest}\n", f"../{digest[3:]}"):
        with pytest.raises(InputError):
            record("claim", wrong, {"model.txt": b""}, facts)
        with pytest.raises(InputError):
            desk.registry.promote("claim", wrong, who="ana", reason="why", at=AT)
        with pytest.raises(InputError):
            desk.registry.allow("claim", wrong, who="ana", reason="why", at=AT)
    for file in ("", ".hidden", "../x", "a/b", "record.json", "verdict.json", "Model.txt", "x\n"):
        with pytest.raises(InputError):
            record("claim", digest, {file: b""}, facts)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"as_of": None},
        {"as_of": "soon"},
        {"as_of": AT},
        {"as_of": "2026-01-05", "ap": float("nan")},
        {"as_of": "2026-01-05", "model": object()},
    ],
)
def test_facts_that_say_no_day_or_no_number_are_refused(desk: Any, objects: ObjectStore, facts: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        desk.registry.record("claim", desk.digest(1), desk.files(1), facts)
    with pytest.raises(InputError, match="no files"):
        desk.registry.record("claim", desk.digest(1), {}, {"as_of": "2026-01-05"})
    assert objects.list() == []


def test_a_self_contradicting_verdict_is_not_attached(desk: Any) -> None:
    desk.record(1)
    with pytest.raises(Untrusted, match="its gates say kept"):
        desk.registry.attach(replace(desk.verdict(1, status="kept"), status="passed"))
    assert desk.registry.verdict("claim", desk.digest(1)) is None
