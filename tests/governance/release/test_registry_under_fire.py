"""The registry when several act at once, when a process dies between two writes, and under random operations."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_stores import InMemory, Interrupted, Killed, kill

from governance.errors import ConflictError, ReleaseRefused
from governance.release.records import Pointer
from governance.storage.objects import LocalObjects, ObjectStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = AT + timedelta(days=3)
NewDesk = Callable[[ObjectStore], Any]


def test_of_two_promotions_the_late_one_is_told_who_won(objects: ObjectStore, new_desk: NewDesk) -> None:
    rival = new_desk(objects)
    for number in (1, 2):
        rival.candidate(number)
    first = new_desk(Interrupted(objects, write=1, what=lambda: rival.promote(2, who="ben")))
    with pytest.raises(ConflictError, match=rf"ben moved it first, to {rival.digest(2)[:12]} \(generation 1"):
        first.promote(1)
    assert rival.champion() == rival.digest(2)
    assert len(rival.registry.history("claim")) == 1


def test_a_late_replacement_is_told_who_won_as_well(objects: ObjectStore, new_desk: NewDesk) -> None:
    rival = new_desk(objects)
    for number in (1, 2, 3):
        rival.candidate(number)
    rival.promote(1)
    # The second write is the pointer: the log of the pointer that leaves comes before it.
    late = new_desk(Interrupted(objects, write=2, what=lambda: rival.promote(3, who="ben")))
    with pytest.raises(ConflictError, match="ben moved it first"):
        late.promote(2)
    assert [one.champion for one in rival.registry.history("claim")] == [rival.digest(1), rival.digest(3)]


def test_of_ten_threads_that_promote_one_wins(tmp_path: Path, new_desk: NewDesk) -> None:
    desk, barrier = new_desk(LocalObjects(tmp_path)), Barrier(10)
    for number in range(11):
        desk.candidate(number)
    desk.promote(0)

    def promote(number: int) -> Pointer | str:
        barrier.wait()
        try:
            return desk.promote(number, who=f"thread {number}", expect=1)
        except ConflictError as told:
            return str(told)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(promote, range(1, 11)))
    [winner] = [answer for answer in answers if isinstance(answer, Pointer)]
    assert desk.registry.pointer("claim") == winner
    assert sum(f"{winner.who} moved it first" in str(answer) for answer in answers) == 9


PROMOTER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from governance.errors import ConflictError
from governance.release.registry import Registry
from governance.storage.objects import LocalObjects
root, who, digest = sys.argv[1:]
registry = Registry(LocalObjects(Path(root)))
print("ready", flush=True)
sys.stdin.readline()
try:
    registry.promote("claim", digest, who=who, reason="race", at=datetime(2026, 3, 1, tzinfo=UTC), expect=0)
    print("won")
except ConflictError as told:
    print(told)
"""


def test_of_two_processes_that_promote_one_wins_and_the_other_is_told(tmp_path: Path, new_desk: NewDesk) -> None:
    desk = new_desk(LocalObjects(tmp_path))
    digests = {who: desk.candidate(number) for number, who in enumerate(["ana", "ben"])}
    racers = {
        who: subprocess.Popen(
            [sys.executable, "-c", PROMOTER, str(tmp_path), who, digest],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who, digest in digests.items()
    }
    for racer in racers.values():
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers.values():
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = {who: racer.communicate()[0] for who, racer in racers.items()}
    [winner] = [who for who, words in said.items() if words == "won\n"]
    [loser] = set(racers) - {winner}
    assert f"{winner} moved it first" in said[loser]
    assert desk.champion() == digests[winner]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_recording_killed_at_any_write_leaves_no_candidate_or_a_whole_one(
    objects: ObjectStore, new_desk: NewDesk, write: int, after: bool
) -> None:
    desk = new_desk(objects)
    with pytest.raises(Killed):
        new_desk(Interrupted(objects, write=write, what=kill, after=after)).record(1)
    # Two files, then the record: only the record makes a candidate of them.
    assert len(desk.registry.candidates("claim")) == int(write == 3 and after)
    digest = desk.record(1)
    assert desk.registry.files("claim", digest) == desk.files(1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_promotion_killed_at_any_write_leaves_the_old_pointer_or_the_new_one(
    objects: ObjectStore, new_desk: NewDesk, write: int, after: bool
) -> None:
    desk = new_desk(objects)
    for number in (1, 2, 3):
        desk.candidate(number)
    desk.promote(1)
    # The log of the first move is already there; what is written is that again, the pointer, and its log.
    with pytest.raises(Killed):
        new_desk(Interrupted(objects, write=write, what=kill, after=after)).promote(2)
    moved = write == 3 or (write == 2 and after)
    assert desk.champion() == desk.digest(2 if moved else 1)
    assert desk.promote(2).generation == 2
    desk.promote(3)
    assert [one.champion for one in desk.registry.history("claim")] == [desk.digest(n) for n in (1, 2, 3)]
    assert len(objects.list("models/claim/history/")) == 3


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_a_rollback_killed_at_any_write_is_never_undone_by_automation_and_can_be_repeated(
    objects: ObjectStore, new_desk: NewDesk, write: int, after: bool
) -> None:
    desk = new_desk(objects)
    for number in (1, 2):
        desk.candidate(number)
        desk.promote(number)
    with pytest.raises(Killed):
        new_desk(Interrupted(objects, write=write, what=kill, after=after)).rollback(expect=2)
    if desk.champion() == desk.digest(2):
        assert desk.rollback(expect=2).generation == 3
    else:
        with pytest.raises(ConflictError, match="generation 3"):
            desk.rollback(expect=2)
    assert desk.champion() == desk.digest(1)
    assert desk.next() is None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_an_override_killed_at_any_write_leaves_the_old_champion_or_the_new_one_with_its_consent(
    objects: ObjectStore, new_desk: NewDesk, write: int, after: bool
) -> None:
    desk = new_desk(objects)
    desk.candidate(1)
    desk.candidate(2, status="kept")
    desk.promote(1)
    # The consent, the log of the pointer that leaves, the pointer, its log.
    with pytest.raises(Killed):
        new_desk(Interrupted(objects, write=write, what=kill, after=after)).override(2)
    moved = write == 4 or (write == 3 and after)
    assert desk.champion() == desk.digest(2 if moved else 1)
    assert (desk.registry.standing_override("claim") is not None) == moved
    assert desk.override(2).generation == 2
    assert len(desk.registry.overrides("claim")) == 1
    assert desk.registry.fall_back("claim", at=UNTIL).champion == desk.digest(1)
    assert len(objects.list("models/claim/history/")) == 3


@pytest.mark.parametrize("write", [1, 2, 3])
def test_falling_back_killed_at_any_write_is_done_by_the_next_one(
    objects: ObjectStore, new_desk: NewDesk, write: int
) -> None:
    desk = new_desk(objects)
    desk.candidate(1)
    desk.candidate(2, status="kept")
    desk.promote(1)
    desk.override(2)
    with pytest.raises(Killed):
        new_desk(Interrupted(objects, write=write, what=kill)).registry.fall_back("claim", at=UNTIL)
    desk.registry.fall_back("claim", at=UNTIL)
    assert [one.champion for one in desk.registry.history("claim")] == [desk.digest(n) for n in (1, 2, 1)]


def test_who_promotes_while_an_override_falls_back_wins_and_nobody_is_troubled(
    objects: ObjectStore, new_desk: NewDesk
) -> None:
    rival = new_desk(objects)
    for number, status in ((1, "passed"), (2, "kept"), (3, "passed")):
        rival.candidate(number, status=status)
    rival.promote(1)
    rival.override(2)
    late = new_desk(Interrupted(objects, write=2, what=lambda: rival.promote(3)))
    assert late.registry.fall_back("claim", at=UNTIL) is None
    assert rival.champion() == rival.digest(3)


WEEKS = 3
STATUSES = st.lists(st.sampled_from(["passed", "passed", "kept", "kept", "failed", "record"]), min_size=6, max_size=6)
EXCEPTIONS = ("override", "override", "expire")
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["promote", "promote", "auto", "rollback", "refuse", "allow", "passed", *EXCEPTIONS]),
        st.integers(0, 5),
    ),
    min_size=3,
    max_size=25,
)


MOVES = ("promote", "auto", "rollback", "override", "expire")


def act(desk: Any, operation: str, number: int) -> None:
    """Do one thing that anybody may try; two candidates share a week."""
    as_of = desk.as_of(number % WEEKS)
    if operation in ("passed", "kept", "failed"):
        desk.candidate(number, status=operation, as_of=as_of)
    elif operation == "record":
        desk.record(number, as_of=as_of)
    elif operation == "auto":
        candidate = desk.registry.next_champion("claim")
        if candidate:
            desk.registry.promote("claim", candidate.digest, who="sensor", reason="newest passing", at=AT)
    elif operation == "rollback":
        desk.rollback()
    elif operation == "override":
        desk.override(number)
    elif operation == "expire":
        desk.registry.fall_back("claim", at=UNTIL)
    else:
        getattr(desk, operation)(number)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(statuses=STATUSES, operations=OPERATIONS)
def test_whatever_is_tried_the_pointer_names_a_digest_that_passed_or_has_a_consent_and_the_log_is_whole(
    statuses: list[str], operations: list[tuple[str, int]], new_desk: NewDesk
) -> None:
    desk = new_desk(InMemory())
    for number, status in enumerate(statuses):
        act(desk, status, number)
    before: list[Pointer] = []
    for operation, number in operations:
        try:
            act(desk, operation, number)
        except (ReleaseRefused, ConflictError):
            refused = True
        else:
            refused = False
        after = desk.registry.history("claim")
        check_ledger(desk, before, after, operation=operation, refused=refused)
        before = after


def check_ledger(desk: Any, before: list[Pointer], after: list[Pointer], *, operation: str, refused: bool) -> None:
    """What holds after every operation."""
    pointer, override = desk.registry.pointer("claim"), desk.registry.standing_override("claim")
    assert after[: len(before)] == before
    assert [one.generation for one in after] == list(range(1, len(after) + 1))
    assert pointer == (after[-1] if after and not after[-1].vacant else None)
    moved = len(after) - len(before)
    assert moved == 0 if refused or operation not in MOVES else moved <= 1
    if pointer is None:
        return
    assert desk.registry.verdict("claim", pointer.champion).status == ("kept" if override else "passed")
    assert override is None or operation != "expire"
    assert desk.registry.refusal("claim", pointer.champion) is None
    if moved and operation == "rollback":
        assert desk.registry.refusal("claim", before[-1].champion) is not None
        assert pointer.champion in {one.champion for one in before[:-1]}
    elif moved and operation == "expire":
        assert desk.registry.verdict("claim", before[-1].champion).status == "kept"
    elif moved and before and not before[-1].vacant and pointer.champion != before[-1].champion:
        assert (pointer.previous, pointer.as_of >= before[-1].as_of) == (before[-1].champion, True)
