"""What was changed behind the registry is refused and named; on a folder and on S3."""

from pathlib import Path
from typing import Any

import pytest

from governance.errors import ReleaseRefused
from governance.release.documents import Untrusted
from governance.storage.objects import LocalObjects, ObjectStore


def overwrite(objects: ObjectStore, key: str, data: bytes) -> None:
    """What the registry never does: change bytes behind its back."""
    stored = objects.get(key)
    assert stored is not None
    objects.replace(key, data, etag=stored.etag)


def edit(objects: ObjectStore, key: str, old: bytes, new: bytes) -> None:
    stored = objects.get(key)
    assert stored is not None
    assert old in stored.data
    overwrite(objects, key, stored.data.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("model.txt", b"tree", b"twig", "model.txt is missing or is not what was recorded"),
        ("verdict.json", b'"status": "kept"', b'"status": "passed"', "its gates say kept"),
        ("verdict.json", b'"model": "claim"', b'"model": "other"', "another model or digest"),
        ("record.json", b'"model": "claim"', b'"model": "other"', "another model or digest"),
        ("record.json", b'"as_of": "2026-01-19",\n "digest"', b'"as_of": "19 Jan",\n "digest"', "19 Jan"),
        ("record.json", b'"model.txt"', b'"../../x"', "a file that cannot be one"),
        ("record.json", b"{", b"[", "not JSON"),
    ],
)
def test_a_tampered_candidate_is_refused(
    desk: Any, objects: ObjectStore, file: str, old: bytes, new: bytes, words: str
) -> None:
    desk.candidate(1)
    champion = desk.promote(1)
    digest = desk.candidate(2, status="kept" if b"kept" in old else "passed")
    edit(objects, f"models/claim/{digest}/{file}", old, new)
    with pytest.raises(ReleaseRefused, match=f"cannot be trusted: .*{words}"):
        desk.promote(2)
    assert desk.registry.pointer("claim") == champion


def test_a_verdict_moved_from_another_digest_is_refused(desk: Any, objects: ObjectStore) -> None:
    passing, kept = desk.candidate(1), desk.candidate(2, status="kept")
    stolen = objects.get(f"models/claim/{passing}/verdict.json")
    assert stolen is not None
    overwrite(objects, f"models/claim/{kept}/verdict.json", stolen.data)
    with pytest.raises(ReleaseRefused, match="another model or digest"):
        desk.promote(2)


def test_a_damaged_candidate_is_named_and_does_not_hide_the_others(desk: Any, objects: ObjectStore) -> None:
    damaged, sound = desk.candidate(2), desk.candidate(1)
    edit(objects, f"models/claim/{damaged}/verdict.json", b"claim", b"other")
    objects.put_new("models/claim/stranger/record.json", b"{}")
    assert [one.digest for one in desk.registry.candidates("claim")] == [sound]
    assert desk.next() == sound
    problems = desk.registry.damaged("claim")
    assert set(problems) == {damaged, "stranger"}
    assert "another model or digest" in problems[damaged]


def test_a_rollback_does_not_return_to_what_was_tampered_with(desk: Any, objects: ObjectStore) -> None:
    for number in (1, 2):
        desk.candidate(number)
        desk.promote(number)
    edit(objects, f"models/claim/{desk.digest(1)}/model.txt", b"tree", b"twig")
    with pytest.raises(ReleaseRefused, match="cannot be trusted"):
        desk.rollback()
    assert desk.champion() == desk.digest(2)
    assert desk.registry.refusal("claim", desk.digest(2)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"champion": "', b'"champion": "../'),
        (b'"generation": 1', b'"generation": 0'),
        (b'"generation": 1', b'"generation": true'),
        (b"+00:00", b""),
        (b'"who"', b'"whom"'),
    ],
)
def test_a_damaged_pointer_is_not_followed(desk: Any, objects: ObjectStore, old: bytes, new: bytes) -> None:
    desk.candidate(1)
    desk.promote(1)
    edit(objects, "models/claim/serving.json", old, new)
    for attempt in (lambda: desk.registry.pointer("claim"), desk.rollback, lambda: desk.promote(1)):
        with pytest.raises(Untrusted, match=r"models/claim/serving\.json"):
            attempt()


def test_a_pointer_changed_behind_the_registry_stops_every_move(desk: Any, objects: ObjectStore) -> None:
    for number in (1, 2, 3):
        desk.candidate(number)
    desk.promote(1)
    edit(objects, "models/claim/serving.json", desk.digest(1).encode(), desk.digest(3).encode())
    with pytest.raises(Untrusted, match=r"is not what .* says it was"):
        desk.promote(2)


def test_a_deleted_pointer_is_put_back_by_a_person_and_not_started_anew(tmp_path: Path, new_desk: Any) -> None:
    desk = new_desk(LocalObjects(tmp_path))
    desk.candidate(2)
    champion = desk.promote(2)
    (tmp_path / "models/claim/serving.json").unlink()
    desk.candidate(1)
    with pytest.raises(Untrusted, match=r"serving\.json is gone; put back the last entry of models/claim/history/"):
        desk.promote(1)
    LocalObjects(tmp_path).put_new("models/claim/serving.json", champion.encoded())
    assert desk.registry.pointer("claim") == champion
