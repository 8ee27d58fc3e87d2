"""Whatever is tried in any order, what the registry says of champion, canary and shadows agrees."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_stores import InMemory

from governance.errors import InputError, ReleaseRefused
from governance.release.records import Pointer
from governance.release.traffic import Arm, Experiment, Ramp
from governance.storage.objects import ObjectStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = AT + timedelta(days=3)
RAMP = Ramp((0.01, 0.1), 60)
SPLIT = Experiment("price", (Arm("control", 0.5), Arm("new", 0.5, "canary")))
WEEKS = 3
# Few candidates, most of which may do everything: so that what is tried often concerns what is there.
STATUSES = st.lists(st.sampled_from(["passed"] * 5 + ["kept", "kept", "failed", "record"]), min_size=4, max_size=4)
ACTS = ("promote", "auto", "auto", "rollback", "refuse", "allow", "override", "expire")
LANES = ("shadow", "shadow", "end_shadow", "canary", "canary", "ramped", "end_canary", "advance")
MORE = ("experiment", "end_experiment", "ramp", "no_ramp")
OPERATIONS = st.lists(st.tuples(st.sampled_from([*ACTS, *LANES, *MORE]), st.integers(0, 3)), min_size=20, max_size=60)


def act(desk: Any, operation: str, number: int, at: datetime) -> None:
    """Do one thing that anybody may try; two candidates share a week."""
    registry, digest, wish = desk.registry, desk.digest(number), desk.wish(at=at)
    other = {
        "auto": lambda: registry.release_next("claim", who="sensor", at=at),
        "expire": lambda: registry.fall_back("claim", at=UNTIL),
        "ramped": lambda: desk.canary(number, share=None, ramp=RAMP, at=at),
        "end_shadow": lambda: registry.end_shadow("claim", digest, **wish),
        "advance": lambda: registry.advance("claim", digest, **wish),
        "experiment": lambda: registry.experiment("claim", SPLIT, **wish),
        "end_experiment": lambda: registry.end_experiment("claim", **wish),
        "ramp": lambda: registry.ramp("claim", RAMP, **wish),
        "no_ramp": lambda: registry.ramp("claim", None, **wish),
        "rollback": desk.rollback,
        "end_canary": desk.end_canary,
    }
    if operation in other:
        other[operation]()
    else:
        getattr(desk, operation)(number)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(statuses=STATUSES, operations=OPERATIONS)
def test_whatever_is_tried_champion_canary_and_shadows_agree_and_the_log_is_whole(
    statuses: list[str], operations: list[tuple[str, int]], new_desk: Callable[[ObjectStore], Any]
) -> None:
    desk, at = new_desk(InMemory()), AT
    for number, status in enumerate(statuses):
        as_of = desk.as_of(number % WEEKS)
        if status == "record":
            desk.record(number, as_of=as_of)
        else:
            desk.candidate(number, status=status, as_of=as_of)
    before: list[Pointer] = []
    for operation, number in operations:
        at += timedelta(minutes=30)
        try:
            act(desk, operation, number, at)
        except (ReleaseRefused, InputError):
            assert desk.registry.history("claim") == before
        after = desk.registry.history("claim")
        check(desk, before, after, operation)
        before = after


def check(desk: Any, before: list[Pointer], after: list[Pointer], operation: str) -> None:
    """What holds after every operation."""
    registry, serving = desk.registry, desk.registry.serving("claim")
    assert after[: len(before)] == before
    assert len(after) - len(before) <= 1
    assert [one.generation for one in after] == list(range(1, len(after) + 1))
    canary, champion = serving.traffic.canary, serving.champion
    for digest in serving.traffic.digests:
        assert registry.verdict("claim", digest).status in ("passed", "kept")
        assert registry.refusal("claim", digest) is None
        assert champion is None or digest != champion.champion
    if canary:
        assert registry.verdict("claim", canary.digest).status == "passed"
        assert champion is not None
        assert registry.recorded("claim", canary.digest).as_of >= champion.as_of
    if not after or len(after) == len(before):
        return
    last, left = after[-1], before[-1] if before else None
    same = left is not None and left.champion == last.champion
    assert registry.standing_override("claim") is None or registry.standing_override("claim").allows(last)
    if same and operation not in ("override", "rollback", "expire"):
        assert last.promotion == left.promotion  # type: ignore[union-attr]
    elif not same:
        assert last.traffic.canary is None
        assert last.vacant or last.promoted is None
    if operation in ("rollback", "expire") and not same:
        assert last.traffic.canary is None
        assert last.traffic.experiment is None or not last.traffic.experiment.needs_canary
