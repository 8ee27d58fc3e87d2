"""The registry promotes what passed and nothing else, and finds the way back; on a folder and on S3."""

from datetime import UTC, datetime
from typing import Any

import pytest

from governance.errors import ConflictError, ReleaseRefused
from governance.release.records import Pointer
from governance.storage.objects import ObjectStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_passing_candidate_becomes_champion_and_the_pointer_says_who_and_why(desk: Any) -> None:
    digest = desk.candidate(1)
    assert desk.registry.pointer("claim") is None
    pointer = desk.promote(1)
    assert pointer == Pointer(
        champion=digest,
        as_of=desk.as_of(1),
        previous=None,
        generation=1,
        who="ana",
        reason="newest passing",
        at=AT,
    )
    assert desk.registry.pointer("claim") == pointer
    assert desk.registry.history("claim") == [pointer]


def test_promoting_the_champion_again_changes_nothing(desk: Any, objects: ObjectStore) -> None:
    desk.candidate(1)
    pointer = desk.promote(1)
    before = {key: objects.get(key) for key in objects.list()}
    assert desk.promote(1, who="ben", expect=0) == pointer
    assert {key: objects.get(key) for key in objects.list()} == before


@pytest.mark.parametrize(
    ("status", "words"),
    [("kept", r"\(kept\)\. matured_positives: 5 matured"), ("failed", r"\(failed\)\. latency: Scoring one row takes")],
)
def test_a_failing_candidate_never_becomes_champion_even_by_hand(desk: Any, status: str, words: str) -> None:
    desk.candidate(1)
    champion = desk.promote(1)
    desk.candidate(2, status=status)
    with pytest.raises(ReleaseRefused, match=words):
        desk.promote(2, who="the head of risk")
    assert desk.next() is None
    assert desk.registry.pointer("claim") == champion


def test_an_unknown_or_unjudged_candidate_is_not_promoted(desk: Any) -> None:
    with pytest.raises(ReleaseRefused, match="not recorded"):
        desk.promote(1)
    desk.record(1)
    with pytest.raises(ReleaseRefused, match="never judged"):
        desk.promote(1)
    assert desk.champion() is None


def test_a_backfilled_old_candidate_never_replaces_a_newer_champion(desk: Any) -> None:
    desk.candidate(2)
    champion = desk.promote(2)
    desk.candidate(1)
    assert desk.next() is None
    with pytest.raises(ReleaseRefused, match=r"as of 2026-01-12, older than the champion .* to go back, roll back"):
        desk.promote(1)
    assert desk.registry.pointer("claim") == champion


def test_automation_takes_the_newest_that_passed_and_is_not_refused(desk: Any) -> None:
    for number, status in ((1, "passed"), (2, "passed"), (3, "kept"), (4, "passed")):
        desk.candidate(number, status=status)
    desk.refuse(4)
    assert desk.next() == desk.digest(2)
    desk.promote(2)
    assert desk.next() is None
    desk.allow(4)
    assert desk.next() == desk.digest(4)


def test_a_retrained_candidate_of_the_same_week_waits_for_a_person(desk: Any) -> None:
    desk.candidate(1)
    desk.promote(1)
    desk.candidate(2, as_of=desk.as_of(1))
    assert desk.next() is None
    assert desk.promote(2).champion == desk.digest(2)


def test_a_refused_digest_is_not_promoted_until_it_is_allowed(desk: Any) -> None:
    digest = desk.candidate(1)
    for _ in range(2):
        desk.refuse(1)
    assert desk.registry.refusal("claim", digest).reason == "seen in review"
    with pytest.raises(ReleaseRefused, match=r"refused by ana at 2026-03-01.*: seen in review"):
        desk.promote(1)
    for _ in range(2):
        desk.allow(1)
    assert desk.registry.refusal("claim", digest) is None
    assert desk.promote(1).champion == digest


def test_the_serving_champion_is_rolled_back_rather_than_refused(desk: Any) -> None:
    desk.candidate(1)
    desk.promote(1)
    with pytest.raises(ReleaseRefused, match="roll back instead"):
        desk.refuse(1)


def test_rolling_back_returns_and_refuses_what_it_leaves(desk: Any) -> None:
    for number in (1, 2):
        desk.candidate(number)
        desk.promote(number)
    pointer = desk.rollback()
    assert (pointer.champion, pointer.as_of, pointer.previous) == (desk.digest(1), desk.as_of(1), None)
    assert (pointer.generation, pointer.who, pointer.reason) == (3, "ben", "refunds doubled")
    assert desk.next() is None
    with pytest.raises(ReleaseRefused, match="refused by ben"):
        desk.promote(2)
    desk.candidate(3)
    assert desk.next() == desk.digest(3)
    assert desk.promote(3).previous == desk.digest(1)
    assert [one.champion for one in desk.registry.history("claim")] == [desk.digest(n) for n in (1, 2, 1, 3)]


def test_rolling_back_again_goes_further_back_and_ends(desk: Any) -> None:
    for number in (1, 2, 3):
        desk.candidate(number)
        desk.promote(number)
    assert [desk.rollback().champion for _ in range(2)] == [desk.digest(2), desk.digest(1)]
    with pytest.raises(ReleaseRefused, match="no earlier champion"):
        desk.rollback()
    assert desk.champion() == desk.digest(1)


def test_a_rollback_passes_over_champions_that_are_refused(desk: Any) -> None:
    for number in (1, 2, 3):
        desk.candidate(number)
        desk.promote(number)
    desk.refuse(2)
    assert desk.rollback().champion == desk.digest(1)


def test_without_a_champion_there_is_nothing_to_roll_back(desk: Any) -> None:
    with pytest.raises(ReleaseRefused, match="no champion"):
        desk.rollback()


def test_a_lifted_refusal_lets_a_person_promote_again_what_was_rolled_back(desk: Any) -> None:
    for number in (1, 2):
        desk.candidate(number)
        desk.promote(number)
    desk.rollback()
    desk.allow(2)
    assert desk.promote(2).previous == desk.digest(1)
    assert desk.rollback().champion == desk.digest(1)


def test_a_move_decided_on_an_old_pointer_is_told_who_moved_it(desk: Any) -> None:
    for number in (1, 2, 3):
        desk.candidate(number)
    assert desk.promote(1, who="ana", expect=0).generation == 1
    desk.promote(2, who="ben", expect=1)
    for late in (lambda: desk.promote(3, expect=1), lambda: desk.rollback(expect=1)):
        with pytest.raises(ConflictError, match=rf"ben moved it first, to {desk.digest(2)[:12]} \(generation 2"):
            late()
    assert desk.champion() == desk.digest(2)
    assert desk.registry.refusal("claim", desk.digest(2)) is None


@pytest.mark.parametrize(
    "signature",
    [
        {"who": " ", "reason": "why", "at": AT},
        {"who": "ana", "reason": "", "at": AT},
        {"who": "ana", "reason": "w" * 1001, "at": AT},
        {"who": "ana", "reason": "why", "at": AT.replace(tzinfo=None)},
    ],
)
def test_nothing_changes_that_nobody_answers_for(desk: Any, signature: dict[str, Any]) -> None:
    digest = desk.candidate(1)
    for change in (desk.registry.promote, desk.registry.refuse, desk.registry.allow):
        with pytest.raises(ReleaseRefused, match="must"):
            change("claim", digest, **signature)
    with pytest.raises(ReleaseRefused, match="must"):
        desk.registry.rollback("claim", **signature)
    assert desk.champion() is None
