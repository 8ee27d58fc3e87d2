"""The rules of promotion and rollback, over values alone."""

from datetime import UTC, date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from governance.release.promotion import Candidate, earlier_champion, newest_passing
from governance.release.records import Pointer

MONDAY = date(2026, 1, 5)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGESTS = "abcdef"

candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from(DIGESTS),
        st.integers(0, 3).map(lambda weeks: MONDAY + timedelta(weeks=weeks)),
        st.sampled_from(["passed", "kept", "failed", None]),
        st.booleans(),
    ),
    unique_by=lambda one: one.digest,
    max_size=len(DIGESTS),
)


def pointer(champion: str, previous: str | None, generation: int = 1) -> Pointer:
    return Pointer(
        champion=champion, as_of=MONDAY, previous=previous, generation=generation, who="ana", reason="why", at=AT
    )


def way(*steps: tuple[str, str | None]) -> list[Pointer]:
    """A history of pointers, each a champion and the one that a rollback returns to."""
    return [pointer(champion, previous, number) for number, (champion, previous) in enumerate(steps, 1)]


@given(candidates, st.none() | st.integers(-1, 3).map(lambda weeks: MONDAY + timedelta(weeks=weeks)), st.randoms())
def test_the_next_champion_is_the_newest_that_may_serve_whatever_the_order(
    listed: list[Candidate], newer_than: date | None, random: Random
) -> None:
    chosen = newest_passing(listed, newer_than=newer_than)
    fit = {one for one in listed if one.status == "passed" and not one.refused and one.as_of > (newer_than or date.min)}
    assert (chosen in fit) if fit else chosen is None
    assert chosen is None or all((one.as_of, one.digest) <= (chosen.as_of, chosen.digest) for one in fit)
    random.shuffle(listed)
    assert newest_passing(listed, newer_than=newer_than) == chosen


@given(
    st.lists(st.tuples(st.sampled_from(DIGESTS), st.none() | st.sampled_from(DIGESTS)), min_size=1),
    st.sets(st.sampled_from(DIGESTS)),
)
def test_a_rollback_ends_and_never_returns_to_the_champion_or_a_refused_one(
    steps: list[tuple[str, str | None]], refused: set[str]
) -> None:
    history = way(*steps)
    earlier = earlier_champion(history[-1], history, refused=refused)
    if earlier is not None:
        assert earlier in history
        assert earlier.champion != history[-1].champion
        assert earlier.champion not in refused


def test_a_rollback_returns_to_the_one_before_and_past_the_refused() -> None:
    history = way(("a", None), ("b", "a"), ("c", "b"))
    assert earlier_champion(history[-1], history, refused=()) == history[1]
    assert earlier_champion(history[-1], history, refused=("b",)) == history[0]
    assert earlier_champion(history[-1], history, refused=("a", "b")) is None
    assert earlier_champion(history[0], history[:1], refused=()) is None


def test_champions_that_replaced_each_other_do_not_send_a_rollback_in_a_circle() -> None:
    history = way(("a", None), ("b", "a"), ("a", "b"))
    assert earlier_champion(history[-1], history, refused=()) == history[1]
    assert earlier_champion(history[-1], history, refused=("b",)) is None
