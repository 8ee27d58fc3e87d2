"""What the registry lets into traffic beside the champion, and when it ends; on a folder and on S3."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from odd_stores import Interrupted, Killed, kill

from governance.errors import ConflictError, InputError, ReleaseRefused
from governance.release.documents import Untrusted
from governance.release.records import NOTHING, Pointer
from governance.release.traffic import NO_TRAFFIC, Arm, Experiment, Ramp, Traffic
from governance.storage.objects import ObjectStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = AT + timedelta(days=3)
RAMP = Ramp((0.01, 0.1), 60)
SPLIT = Experiment("price", (Arm("control", 0.5), Arm("new", 0.5, "canary")))


@pytest.fixture
def champion(desk: Any) -> str:
    """A champion, a newer candidate that passed, one that was kept back and one that failed."""
    for number, status in ((1, "passed"), (2, "passed"), (3, "kept"), (4, "failed")):
        desk.candidate(number, status=status)
    digest: str = desk.promote(1).champion
    return digest


def everything(objects: ObjectStore) -> dict[str, Any]:
    return {key: objects.get(key) for key in objects.list()}


def edit(objects: ObjectStore, key: str, old: bytes, new: bytes) -> None:
    stored = objects.get(key)
    assert stored is not None
    assert old in stored.data
    objects.replace(key, stored.data.replace(old, new), etag=stored.etag)


def test_a_canary_is_a_signed_generation_of_the_pointer_under_the_same_champion(desk: Any, champion: str) -> None:
    promoted = desk.registry.pointer("claim")
    pointer = desk.canary(2, share=0.05, who="ben", expect=1)
    assert (pointer.champion, pointer.generation, pointer.who) == (champion, 2, "ben")
    assert pointer.promotion == promoted.move
    assert (pointer.traffic.canary.digest, pointer.traffic.canary.share) == (desk.digest(2), 0.05)
    assert desk.registry.pointer("claim") == pointer
    assert desk.registry.history("claim") == [promoted, pointer]


@pytest.mark.usefixtures("champion")
def test_asking_for_what_holds_changes_nothing_and_a_dry_run_writes_nothing(desk: Any, objects: ObjectStore) -> None:
    desk.registry.ramp("claim", RAMP, **desk.wish())
    desk.canary(2, share=0.05)
    desk.shadow(3)
    desk.registry.experiment("claim", SPLIT, **desk.wish())
    before = everything(objects)
    later = {"at": AT + timedelta(hours=1), "expect": 0}
    desk.canary(2, share=0.05, **later)
    desk.shadow(3, **later)
    desk.registry.experiment("claim", SPLIT, **desk.wish(**later))
    desk.registry.ramp("claim", RAMP, **desk.wish(**later))
    assert desk.canary(2, share=0.5, dry_run=True).generation == 6
    assert desk.end_canary(dry_run=True).traffic.canary is None
    assert desk.registry.end_shadow("claim", desk.digest(3), **desk.wish(dry_run=True)).traffic.shadows == ()
    assert everything(objects) == before


@pytest.mark.usefixtures("champion")
def test_what_was_kept_may_listen_but_not_answer_and_what_failed_neither(desk: Any) -> None:
    assert desk.shadow(3).traffic.shadows == (desk.digest(3),)
    with pytest.raises(ReleaseRefused, match=r"did not pass its gates \(kept\)"):
        desk.canary(3)
    with pytest.raises(ReleaseRefused, match="failed a safety gate"):
        desk.shadow(4)
    desk.record(5)
    for attempt in (lambda: desk.shadow(5), lambda: desk.canary(5)):
        with pytest.raises(ReleaseRefused, match="never judged"):
            attempt()
    for attempt in (lambda: desk.shadow(9), lambda: desk.canary(9)):
        with pytest.raises(ReleaseRefused, match="not recorded"):
            attempt()


@pytest.mark.usefixtures("champion")
def test_a_refused_or_tampered_candidate_comes_near_no_request(desk: Any, objects: ObjectStore) -> None:
    desk.refuse(2)
    for attempt in (lambda: desk.shadow(2), lambda: desk.canary(2)):
        with pytest.raises(ReleaseRefused, match="refused by ana"):
            attempt()
    desk.allow(2)
    edit(objects, f"models/claim/{desk.digest(2)}/model.txt", b"tree", b"twig")
    for attempt in (lambda: desk.shadow(2), lambda: desk.canary(2)):
        with pytest.raises(ReleaseRefused, match="cannot be trusted"):
            attempt()


def test_a_canary_needs_a_champion_that_is_another_and_not_newer(desk: Any) -> None:
    for number in (1, 2, 3):
        desk.candidate(number)
    with pytest.raises(ReleaseRefused, match="no champion to compare with"):
        desk.canary(1)
    desk.promote(2)
    with pytest.raises(ReleaseRefused, match="is the champion"):
        desk.canary(2)
    with pytest.raises(ReleaseRefused, match="answers already"):
        desk.shadow(2)
    with pytest.raises(ReleaseRefused, match="older than the champion"):
        desk.canary(1)
    desk.canary(3)
    with pytest.raises(ReleaseRefused, match="answers already"):
        desk.shadow(3)
    with pytest.raises(ReleaseRefused, match="needs a share or a ramp"):
        desk.canary(3, share=None)
    desk.candidate(4)
    with pytest.raises(ReleaseRefused, match="is the canary; end it first"):
        desk.canary(4)


def test_a_shadow_may_listen_before_there_is_a_champion(desk: Any) -> None:
    desk.candidate(1, status="kept")
    desk.candidate(2)
    pointer = desk.shadow(1)
    assert (pointer.champion, pointer.generation, pointer.as_of) == (NOTHING, 1, desk.as_of(1))
    assert desk.registry.pointer("claim") is None
    assert desk.traffic.shadows == (desk.digest(1),)
    assert desk.next() == desk.digest(2)
    promoted = desk.promote(2)
    assert (promoted.previous, promoted.promoted, promoted.traffic.shadows) == (None, None, (desk.digest(1),))


@pytest.mark.usefixtures("champion")
def test_a_shadow_that_becomes_the_canary_listens_no_longer_and_the_canary_ends_when_it_is_promoted(desk: Any) -> None:
    desk.shadow(2)
    desk.shadow(3)
    assert desk.canary(2).traffic.digests == (desk.digest(2), desk.digest(3))
    pointer = desk.promote(2)
    assert (pointer.champion, pointer.promoted) == (desk.digest(2), None)
    assert pointer.traffic == Traffic(shadows=(desk.digest(3),))


@pytest.mark.usefixtures("champion")
def test_another_promotion_a_rollback_and_an_expired_override_end_the_canary(desk: Any) -> None:
    desk.candidate(5)
    desk.candidate(6)
    desk.canary(2)
    desk.registry.experiment("claim", SPLIT, **desk.wish())
    assert desk.promote(5).traffic == NO_TRAFFIC
    desk.canary(6)
    assert desk.rollback().traffic == NO_TRAFFIC
    assert desk.override(3).traffic == NO_TRAFFIC
    desk.canary(6)
    assert desk.registry.standing_override("claim") is not None
    assert desk.registry.fall_back("claim", at=UNTIL).traffic == NO_TRAFFIC


@pytest.mark.usefixtures("champion")
def test_ending_a_canary_refuses_it_so_that_automation_does_not_promote_what_was_taken_back(desk: Any) -> None:
    desk.canary(2)
    desk.registry.experiment("claim", SPLIT, **desk.wish())
    pointer = desk.end_canary(who="watch")
    assert pointer.traffic == NO_TRAFFIC
    assert desk.registry.refusal("claim", desk.digest(2)).who == "watch"
    assert desk.next() is None
    assert desk.end_canary() is None
    desk.allow(2)
    assert desk.next() == desk.digest(2)


@pytest.mark.usefixtures("champion")
def test_ending_another_canary_than_the_one_that_runs_changes_nothing(desk: Any, objects: ObjectStore) -> None:
    desk.canary(2)
    before = everything(objects)
    assert desk.registry.end_canary("claim", desk.digest(3), **desk.wish()) is None
    with pytest.raises(ConflictError, match="generation 2"):
        desk.end_canary(expect=1)
    assert everything(objects) == before


@pytest.mark.usefixtures("champion")
def test_refusing_by_hand_ends_a_canary_or_a_shadow(desk: Any) -> None:
    desk.canary(2)
    desk.shadow(3)
    for _ in range(2):
        desk.refuse(2)
        desk.refuse(3)
    assert desk.traffic == NO_TRAFFIC
    assert len(desk.registry.history("claim")) == 5


@pytest.mark.usefixtures("champion")
def test_while_a_canary_runs_automation_waits_and_a_person_need_not(desk: Any) -> None:
    desk.candidate(5)
    assert desk.next() == desk.digest(5)
    desk.canary(2)
    assert desk.next() is None
    assert desk.registry.release_next("claim", who="sensor", at=AT) is None
    assert desk.promote(5).champion == desk.digest(5)


@pytest.mark.usefixtures("champion")
def test_with_a_ramp_a_candidate_begins_as_a_canary_grows_and_is_promoted_at_the_end(desk: Any) -> None:
    desk.registry.ramp("claim", RAMP, **desk.wish())
    canary = desk.registry.release_next("claim", who="sensor", at=AT).traffic.canary
    assert (canary.digest, canary.share, canary.ramp) == (desk.digest(2), 0.01, RAMP)
    shares, at = [], AT
    for _ in range(3):
        assert desk.registry.advance("claim", desk.digest(2), **desk.wish(at=at)) is None
        at += timedelta(hours=1)
        if grown := desk.registry.advance("claim", desk.digest(2), **desk.wish(at=at)):
            shares.append(grown.traffic.canary.share)
    assert shares == [0.1, 1.0]
    pointer = desk.registry.release_next("claim", who="sensor", at=at)
    assert (pointer.champion, pointer.traffic) == (desk.digest(2), Traffic(ramp=RAMP))
    assert desk.registry.release_next("claim", who="sensor", at=at) is None


def test_without_a_champion_a_ramp_compares_with_nothing_and_the_first_is_promoted_at_once(desk: Any) -> None:
    desk.candidate(1)
    for wrong in (
        lambda: desk.registry.ramp("claim", RAMP, **desk.wish()),
        lambda: desk.registry.experiment("claim", SPLIT, **desk.wish()),
    ):
        with pytest.raises(ReleaseRefused, match="no champion to compare with"):
            wrong()
    assert desk.registry.release_next("claim", who="sensor", at=AT).champion == desk.digest(1)


@pytest.mark.usefixtures("champion")
def test_asking_again_for_a_canary_on_its_ramp_does_not_set_it_back(desk: Any) -> None:
    desk.canary(2, share=None, ramp=RAMP)
    desk.registry.advance("claim", desk.digest(2), **desk.wish(at=AT + timedelta(hours=1)))
    assert desk.canary(2, share=None, ramp=RAMP, at=AT + timedelta(hours=2)).traffic.canary.share == 0.1
    assert desk.canary(2, share=0.02, at=AT + timedelta(hours=2)).traffic.canary.ramp is None


@pytest.mark.usefixtures("champion")
def test_an_experiment_keeps_its_arms_until_it_ends(desk: Any) -> None:
    with pytest.raises(InputError, match="an arm for the canary, and there is none"):
        desk.registry.experiment("claim", SPLIT, **desk.wish())
    desk.canary(2, share=0.0)
    desk.registry.experiment("claim", SPLIT, **desk.wish())
    other = replace(SPLIT, arms=(Arm("control", 0.5), Arm("new", 0.4, "canary")))
    with pytest.raises(ReleaseRefused, match="price runs with its arms; end it first"):
        desk.registry.experiment("claim", other, **desk.wish())
    assert desk.registry.end_experiment("claim", **desk.wish()).traffic.experiment is None
    assert desk.registry.end_experiment("claim", **desk.wish()) is None
    assert desk.registry.experiment("claim", other, **desk.wish()).traffic.experiment == other


@pytest.mark.usefixtures("champion")
def test_a_consent_still_holds_when_traffic_moves_beside_it_and_falls_with_its_champion(
    desk: Any, objects: ObjectStore
) -> None:
    desk.override(3)
    consent = desk.registry.standing_override("claim")
    desk.shadow(2)
    desk.registry.ramp("claim", RAMP, **desk.wish())
    assert desk.registry.standing_override("claim") == consent
    assert desk.override(3).generation == 4
    kept = objects.get("models/claim/serving.json")
    assert kept is not None
    desk.registry.fall_back("claim", at=UNTIL)
    # Somebody puts the pointer of before back, behind the registry, under a generation that was never logged.
    present = objects.get("models/claim/serving.json")
    assert present is not None
    forged = kept.data.replace(b'"generation": 4', b'"generation": 6')
    objects.replace("models/claim/serving.json", forged, etag=present.etag)
    with pytest.raises(Untrusted, match="neither passed nor has a consent"):
        desk.registry.standing_override("claim")


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"share": 0.1', b'"share": 1.1'),
        (b'"share": 0.1', b'"share": 1'),
        (b'"canary": {\n   "digest": "', b'"canary": {\n   "digest": "../'),
        (b'"promoted": {\n  "at"', b'"promoted": {\n  "when"'),
        (b'  "generation": 1,', b'  "generation": 7,'),
        (b'"traffic"', b'"trafic"'),
    ],
)
def test_a_pointer_with_damaged_traffic_is_not_followed(
    desk: Any, objects: ObjectStore, old: bytes, new: bytes
) -> None:
    desk.canary(2)
    edit(objects, "models/claim/serving.json", old, new)
    for attempt in (lambda: desk.registry.pointer("claim"), desk.rollback, lambda: desk.shadow(3)):
        with pytest.raises(Untrusted, match=r"models/claim/serving\.json"):
            attempt()


@pytest.mark.usefixtures("champion")
def test_a_share_changed_behind_the_registry_stops_every_move(desk: Any, objects: ObjectStore) -> None:
    desk.canary(2)
    edit(objects, "models/claim/serving.json", b'"share": 0.1', b'"share": 0.9')
    with pytest.raises(Untrusted, match=r"is not what .* says it was"):
        desk.canary(2, share=0.2)


def test_a_pointer_of_before_there_was_traffic_keeps_its_bytes() -> None:
    written = (
        b'{\n "as_of": "2026-01-12",\n "at": "2026-03-01T12:00:00+00:00",\n "champion": "%b",\n "generation": 1,\n'
        b' "previous": null,\n "reason": "newest passing",\n "who": "ana"\n}\n' % (b"a" * 64)
    )
    assert Pointer.decoded(written, what="pointer").encoded() == written


@pytest.mark.parametrize("numbers", [(2, 5), (5, 2)], ids=["canary first", "promotion first"])
def test_of_a_canary_and_a_promotion_at_once_one_wins_and_the_other_is_told(
    objects: ObjectStore, new_desk: Callable[[ObjectStore], Any], numbers: tuple[int, int]
) -> None:
    rival = new_desk(objects)
    for number in (1, 2, 5):
        rival.candidate(number)
    rival.promote(1)
    acts = {2: lambda desk: desk.canary(2), 5: lambda desk: desk.promote(5)}
    first, late = (acts[number] for number in numbers)
    with pytest.raises(ConflictError, match="moved it first"):
        late(new_desk(Interrupted(objects, write=2, what=lambda: first(rival))))
    assert len(rival.registry.history("claim")) == 2


def test_a_canary_that_somebody_refuses_at_the_same_moment_does_not_run(
    objects: ObjectStore, new_desk: Callable[[ObjectStore], Any]
) -> None:
    rival = new_desk(objects)
    for number in (1, 2):
        rival.candidate(number)
    rival.promote(1)
    # The refusal falls between the look at refusals and the move of the pointer.
    late = new_desk(Interrupted(objects, write=2, what=lambda: rival.refuse(2)))
    with pytest.raises(ReleaseRefused, match="was refused by ana"):
        late.canary(2)
    assert rival.traffic == NO_TRAFFIC


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_ending_a_canary_killed_at_any_write_is_never_undone_by_automation_and_can_be_repeated(
    objects: ObjectStore, new_desk: Callable[[ObjectStore], Any], write: int, after: bool
) -> None:
    desk = new_desk(objects)
    for number in (1, 2):
        desk.candidate(number)
    desk.promote(1)
    desk.canary(2)
    # The refusal, the log of the pointer that leaves, the pointer, its log.
    with pytest.raises(Killed):
        new_desk(Interrupted(objects, write=write, what=kill, after=after)).end_canary()
    desk.end_canary()
    assert desk.traffic == NO_TRAFFIC
    assert desk.next() is None
    assert [one.generation for one in desk.registry.history("claim")] == [1, 2, 3]


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("field", ["who", "reason"])
def test_nothing_changes_in_traffic_that_nobody_answers_for(desk: Any, objects: ObjectStore, field: str) -> None:
    desk.canary(2)
    desk.shadow(3)
    before, unsigned = everything(objects), {**desk.wish(), field: " "}
    registry = desk.registry
    for change in (
        lambda: registry.canary("claim", desk.digest(2), share=0.5, **unsigned),
        lambda: registry.end_canary("claim", **unsigned),
        lambda: registry.end_shadow("claim", desk.digest(3), **unsigned),
        lambda: registry.ramp("claim", RAMP, **unsigned),
        lambda: registry.experiment("claim", SPLIT, **unsigned),
    ):
        with pytest.raises(ReleaseRefused, match="must say something"):
            change()
    assert everything(objects) == before
