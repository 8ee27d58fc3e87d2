"""Overrides: two people let a candidate past its merit gates until a stated time, and nobody past anything else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.errors import ConflictError, ReleaseRefused
from governance.release.documents import Untrusted
from governance.release.overrides import DAYS_AT_MOST, Override
from governance.release.records import Pointer
from governance.storage.objects import ObjectStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = AT + timedelta(days=3)
LATER = UNTIL + timedelta(hours=1)
Act = Callable[..., Any]


@pytest.fixture
def override(desk: Any) -> Act:
    """Override for a candidate by number, as ana and ben agreed."""

    def act(number: int, **changes: Any) -> Pointer:
        terms = {"who": "ana", "second": "ben", "reason": "refunds are rising", "at": AT, "until": UNTIL}
        pointer: Pointer = desk.registry.override("claim", desk.digest(number), **(terms | changes))
        return pointer

    return act


@pytest.fixture
def champion(desk: Any) -> str:
    """A champion that passed, and a newer candidate that its merit gates kept back."""
    desk.candidate(1)
    desk.candidate(2, status="kept")
    digest: str = desk.promote(1).champion
    return digest


def everything(objects: ObjectStore) -> dict[str, Any]:
    return {key: objects.get(key) for key in objects.list()}


def test_a_kept_candidate_serves_by_override_and_the_consent_stays_on_record(
    desk: Any, champion: str, override: Act
) -> None:
    pointer = override(2)

    assert (pointer.champion, pointer.previous, pointer.generation) == (desk.digest(2), champion, 2)
    assert desk.registry.pointer("claim") == pointer
    consent = Override(
        digest=desk.digest(2),
        generation=2,
        who="ana",
        second="ben",
        reason="refunds are rising",
        at=AT,
        until=UNTIL,
    )
    assert desk.registry.standing_override("claim") == consent
    assert pointer.reason == "override until 2026-03-04T12:00:00+00:00, agreed by ben: refunds are rising"
    desk.registry.fall_back("claim", at=UNTIL)
    assert desk.registry.overrides("claim") == [consent]
    assert desk.registry.standing_override("claim") is None


@pytest.mark.usefixtures("champion")
def test_the_same_override_again_changes_nothing(override: Act, objects: ObjectStore) -> None:
    pointer = override(2, expect=1)
    before = everything(objects)
    assert override(2, at=AT + timedelta(hours=1), expect=1) == pointer
    assert everything(objects) == before


def test_a_dry_run_says_what_would_serve_and_writes_nothing(
    desk: Any, champion: str, override: Act, objects: ObjectStore
) -> None:
    before = everything(objects)
    assert override(2, dry_run=True).champion == desk.digest(2)
    assert desk.registry.pointer("claim").champion == champion
    with pytest.raises(ReleaseRefused, match="second person"):
        override(2, second="ana", dry_run=True)
    assert everything(objects) == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"second": " Ana "}, "second person"),
        ({"second": "ＡＮＡ"}, "second person"),
        ({"second": " "}, "second person"),
        ({"reason": " "}, "reason must say something"),
        ({"until": AT}, "must end after now"),
        ({"until": AT - timedelta(days=1)}, "must end after now"),
        ({"until": AT + timedelta(days=DAYS_AT_MOST, seconds=1)}, "within 14 days"),
        ({"until": UNTIL.replace(tzinfo=None)}, "time zone"),
        ({"at": AT.replace(tzinfo=None)}, "time zone"),
    ],
)
def test_an_override_needs_a_reason_two_people_and_a_near_end(
    desk: Any, champion: str, override: Act, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ReleaseRefused, match=words):
        override(2, **changes)
    assert desk.registry.overrides("claim") == []
    assert desk.champion() == champion


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("failed", r"failed a safety gate, and no override reaches past one\. latency"),
        ("passed", "passed its gates and needs no override"),
        ("record", "never judged"),
    ],
)
def test_only_a_candidate_that_merit_gates_kept_back_can_be_let_past(
    desk: Any, champion: str, override: Act, status: str, words: str
) -> None:
    if status == "record":
        desk.record(3)
    else:
        desk.candidate(3, status=status)
    with pytest.raises(ReleaseRefused, match=words):
        override(3)
    with pytest.raises(ReleaseRefused, match="not recorded"):
        override(9)
    assert desk.champion() == champion
    assert desk.registry.overrides("claim") == []


def test_what_a_person_refused_is_not_let_past_by_two(desk: Any, champion: str, override: Act) -> None:
    desk.refuse(2)
    with pytest.raises(ReleaseRefused, match="refused by ana"):
        override(2)
    assert desk.champion() == champion


def test_an_old_candidate_is_not_let_past_a_newer_champion(desk: Any, override: Act) -> None:
    desk.candidate(3)
    desk.candidate(2, status="kept")
    desk.promote(3)
    with pytest.raises(ReleaseRefused, match="older than the champion"):
        override(2)


def test_an_override_ends_at_its_time_and_the_champion_before_it_serves_again(
    desk: Any, champion: str, override: Act
) -> None:
    override(2)
    assert desk.registry.fall_back("claim", at=UNTIL - timedelta(seconds=1)) is None
    assert desk.champion() == desk.digest(2)

    pointer = desk.registry.fall_back("claim", at=UNTIL)

    assert (pointer.champion, pointer.as_of, pointer.previous) == (champion, desk.as_of(1), None)
    assert (pointer.generation, pointer.who) == (3, "override expiry")
    assert desk.registry.fall_back("claim", at=LATER) is None
    assert desk.registry.refusal("claim", desk.digest(2)) is None
    assert override(2, at=LATER, until=LATER + timedelta(days=1)).generation == 4


@pytest.mark.usefixtures("champion")
def test_a_newer_candidate_that_passed_replaces_an_override_and_so_ends_it(desk: Any, override: Act) -> None:
    override(2)
    desk.candidate(4, as_of=desk.as_of(2))
    assert desk.next() is None
    desk.candidate(3)
    assert desk.next() == desk.digest(3)
    desk.promote(3)
    assert desk.registry.standing_override("claim") is None
    assert desk.registry.fall_back("claim", at=LATER) is None
    assert desk.champion() == desk.digest(3)


def test_what_passed_beside_an_override_is_promoted_when_it_has_ended(desk: Any, champion: str, override: Act) -> None:
    override(2)
    desk.candidate(4, as_of=desk.as_of(2))
    assert desk.registry.fall_back("claim", at=LATER).champion == champion
    assert desk.next() == desk.digest(4)


def test_a_rollback_ends_an_override_and_never_returns_to_one(desk: Any, champion: str, override: Act) -> None:
    override(2)
    desk.candidate(3)
    desk.promote(3)
    assert desk.rollback().champion == champion

    desk.candidate(4, status="kept")
    override(4)
    assert desk.rollback().champion == champion
    with pytest.raises(ReleaseRefused, match="refused by ben"):
        override(4, at=LATER, until=LATER + timedelta(days=1))


@pytest.mark.usefixtures("champion")
def test_an_override_whose_champion_before_was_refused_falls_back_to_the_newest_that_passed(
    desk: Any, override: Act
) -> None:
    desk.candidate(0)
    override(2)
    desk.refuse(1)
    assert desk.registry.fall_back("claim", at=LATER).champion == desk.digest(0)


def test_an_override_with_nothing_behind_it_ends_with_nothing_serving(desk: Any, override: Act) -> None:
    desk.candidate(2, status="kept")
    assert override(2).previous is None

    pointer = desk.registry.fall_back("claim", at=LATER)

    assert pointer.vacant
    assert desk.registry.pointer("claim") is None
    assert desk.registry.history("claim")[-1] == pointer
    assert desk.registry.fall_back("claim", at=LATER) is None
    with pytest.raises(ReleaseRefused, match="no champion"):
        desk.rollback()
    desk.candidate(1)
    assert desk.next() == desk.digest(1)
    assert desk.promote(1, expect=2).previous is None


def test_two_people_may_agree_on_a_later_end(desk: Any, champion: str, override: Act) -> None:
    override(2)
    later = UNTIL + timedelta(days=5)
    renewed = override(2, at=AT + timedelta(days=2), until=later)
    assert (renewed.generation, renewed.previous) == (3, champion)
    assert desk.registry.fall_back("claim", at=LATER) is None
    assert desk.registry.fall_back("claim", at=later).champion == champion
    assert [one.until for one in desk.registry.overrides("claim")] == [UNTIL, later]


def test_falling_back_passes_over_what_was_tampered_with(desk: Any, override: Act, objects: ObjectStore) -> None:
    for number in (0, 1):
        desk.candidate(number)
        desk.promote(number)
    desk.candidate(2, status="kept")
    override(2)
    edit(objects, f"models/claim/{desk.digest(1)}/model.txt", b"tree", b"twig")
    assert desk.registry.fall_back("claim", at=LATER).champion == desk.digest(0)


def edit(objects: ObjectStore, key: str, old: bytes, new: bytes) -> None:
    stored = objects.get(key)
    assert stored is not None
    assert old in stored.data
    objects.replace(key, stored.data.replace(old, new), etag=stored.etag)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'"second": "ben"', b'"second": "ana"', "second person"),
        (b'"until": "2026-03-04', b'"until": "2027-03-04', "within 14 days"),
        (b'"until": "2026-03-04', b'"until": "2026-03-05', "neither passed nor has a consent"),
        (b'"generation": 2', b'"generation": 9', "neither passed nor has a consent"),
        (b'"who"', b'"whom"', "has not the fields"),
        (b"+00:00", b"", "names no time zone"),
    ],
)
def test_a_consent_that_was_tampered_with_is_named_and_never_followed(
    desk: Any, champion: str, override: Act, objects: ObjectStore, old: bytes, new: bytes, words: str
) -> None:
    override(2)
    edit(objects, f"models/claim/overrides/{desk.digest(2)}.json", old, new)
    for look in (
        lambda: desk.registry.standing_override("claim"),
        lambda: desk.registry.fall_back("claim", at=LATER),
    ):
        with pytest.raises(Untrusted, match=words):
            look()
    assert desk.rollback().champion == champion


@pytest.mark.usefixtures("champion")
def test_a_consent_of_another_digest_or_model_does_not_count(desk: Any, override: Act, objects: ObjectStore) -> None:
    override(2)
    stored = objects.get(f"models/claim/overrides/{desk.digest(2)}.json")
    assert stored is not None
    desk.candidate(3, status="kept")
    objects.put_new(f"models/claim/overrides/{desk.digest(3)}.json", stored.data)
    with pytest.raises(Untrusted, match="speaks of another digest"):
        override(3)


def test_a_pointer_moved_by_hand_to_what_did_not_pass_is_found_out(
    desk: Any, champion: str, objects: ObjectStore
) -> None:
    for key in ("models/claim/serving.json", "models/claim/history/00000001.json"):
        edit(objects, key, champion.encode(), desk.digest(2).encode())
    with pytest.raises(Untrusted, match="neither passed nor has a consent"):
        desk.registry.standing_override("claim")


@pytest.mark.usefixtures("champion")
def test_of_two_overrides_the_late_one_is_told_and_leaves_no_trace_in_what_serves(desk: Any, override: Act) -> None:
    desk.candidate(3, status="kept")
    override(2)
    with pytest.raises(ConflictError, match="ana moved it first"):
        override(3, expect=1)
    assert desk.champion() == desk.digest(2)
