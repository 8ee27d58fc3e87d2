"""Who gets what in traffic, over values alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import InputError
from governance.release.documents import Untrusted, decode, encode
from governance.release.traffic import NO_TRAFFIC, Arm, Canary, Experiment, Ramp, Traffic, arm_of, draw, route
from governance.release.traffic_documents import read_traffic, traffic_document
from governance.release.traffic_words import traffic_lines

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B, C = ("a" * 64, "b" * 64, "c" * 64)
ENTITIES = [f"buyer_{number}" for number in range(20_000)]
RAMP = Ramp((0.01, 0.05, 0.25), 60)

shares = st.floats(0.001, 1, exclude_max=True)
ramps = st.builds(
    lambda steps, hold: Ramp(tuple(sorted(steps)), hold),
    st.sets(st.floats(0.001, 1), min_size=1, max_size=5),
    st.integers(1, 10_080),
)
canaries = st.builds(Canary, st.sampled_from([A, B]), st.floats(0, 1), st.just(AT), st.none() | ramps)
experiments = st.builds(
    lambda name, cuts, lanes: Experiment(
        name, tuple(Arm(f"arm_{n}", cut / 10, lane) for n, (cut, lane) in enumerate(zip(cuts, lanes, strict=True)))
    ),
    st.sampled_from(["price", "hold_2"]),
    st.just([2, 3, 5]),
    st.lists(st.sampled_from(["champion", "canary"]), min_size=3, max_size=3),
)


def traffic(share: float, *, digest: str = A, experiment: Experiment | None = None) -> Traffic:
    return Traffic(canary=Canary(digest, share, AT), experiment=experiment)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_a_canary_gets_its_share_of_the_entities(share: float) -> None:
    taken = sum(route(traffic(share), entity) == "canary" for entity in ENTITIES)
    # Five standard deviations of a fair draw, and exactly none or all at the ends.
    assert abs(taken - share * len(ENTITIES)) <= 5 * (share * (1 - share) * len(ENTITIES)) ** 0.5


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_who_has_the_canary_keeps_it_while_its_share_grows(entity: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if route(traffic(low), entity) == "canary":
        assert route(traffic(high), entity) == "canary"


def test_the_next_canary_begins_with_other_entities() -> None:
    first, second = (
        {one for one in ENTITIES if route(traffic(0.1, digest=digest), one) == "canary"} for digest in (A, B)
    )
    assert len(first & second) == pytest.approx(0.01 * len(ENTITIES), rel=0.35)


def test_the_draw_of_an_entity_never_changes() -> None:
    # Written down once: another hash would move every canary's entities under its feet.
    assert [round(draw("salt", entity), 9) for entity in ("", "buyer_1", "Käufer")] == DRAWN


DRAWN = [0.396789071, 0.970960006, 0.106527067]


def test_without_a_canary_the_champion_answers_for_everybody() -> None:
    assert {route(NO_TRAFFIC, entity) for entity in ENTITIES[:100]} == {"champion"}


def test_arms_have_their_shares_and_say_who_answers_whatever_the_canary_s_share() -> None:
    experiment = Experiment("price", (Arm("control", 0.3), Arm("new", 0.3, "canary")))
    for share in (0.0, 1.0):
        told = traffic(share, experiment=experiment)
        seen = [(arm_of(experiment, entity), route(told, entity)) for entity in ENTITIES]
        outside = "canary" if share else "champion"
        assert set(seen) == {("control", "champion"), ("new", "canary"), (None, outside)}
        for arm, expected in (("control", 0.3), ("new", 0.3), (None, 0.4)):
            assert sum(one == arm for one, _ in seen) / len(seen) == pytest.approx(expected, abs=0.02)


def test_arms_that_sum_to_one_leave_nobody_out() -> None:
    experiment = Experiment("price", tuple(Arm(f"arm_{number}", 0.125) for number in range(8)))
    assert None not in {arm_of(experiment, entity) for entity in ENTITIES}
    assert arm_of(None, "buyer_1") is None


def test_a_ramp_grows_after_each_hold_and_ends_with_everybody() -> None:
    canary, shares = Canary(A, 0.01, AT, RAMP), []
    while not canary.complete:
        assert not canary.due(canary.since + timedelta(minutes=59))
        at = canary.since + timedelta(minutes=60)
        assert canary.due(at)
        canary = canary.grown(at)
        shares.append(canary.share)
    assert shares == [0.05, 0.25, 1.0]
    assert not canary.due(AT + timedelta(days=1))


def test_without_a_ramp_a_share_stays() -> None:
    canary = Canary(A, 1.0, AT)
    assert not canary.complete
    assert not canary.due(AT + timedelta(days=1))
    assert canary.grown(AT) is canary


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Ramp((), 60),
        lambda: Ramp((0.0, 0.5), 60),
        lambda: Ramp((0.5, 0.5), 60),
        lambda: Ramp((0.5, 1.5), 60),
        lambda: Ramp((float("nan"),), 60),
        lambda: Ramp((0.5,), 0),
        lambda: Canary(A, 1.1, AT),
        lambda: Canary(A, float("nan"), AT),
        lambda: Experiment("price", (Arm("all", 0.5),)),
        lambda: Experiment("price", (Arm("one", 0.5), Arm("one", 0.5))),
        lambda: Experiment("price", (Arm("one", 0.6), Arm("two", 0.6))),
        lambda: Experiment("Price!", (Arm("one", 0.5), Arm("two", 0.5))),
        lambda: Traffic(shadows=(A, A)),
        lambda: Traffic(shadows=tuple(letter * 64 for letter in "abcd")),
        lambda: Traffic(shadows=(A,), canary=Canary(A, 0.1, AT)),
        lambda: Traffic(experiment=Experiment("price", (Arm("one", 0.5), Arm("two", 0.5, "canary")))),
    ],
)
def test_traffic_that_contradicts_itself_cannot_be_made(wrong: object) -> None:
    with pytest.raises(InputError):
        wrong()  # type: ignore[operator]


@st.composite
def traffics(draw: st.DrawFn) -> Traffic:
    canary = draw(st.none() | canaries)
    others = [one for one in (A, B, C) if canary is None or one != canary.digest]
    experiment = draw(st.none() | experiments)
    if experiment and experiment.needs_canary and canary is None:
        experiment = None
    shadows = draw(st.lists(st.sampled_from(others), unique=True))
    return Traffic(tuple(shadows), canary, experiment, draw(st.none() | ramps))


@given(traffics())
def test_traffic_survives_being_written_and_read(told: Traffic) -> None:
    written = encode({"traffic": traffic_document(told)})
    fields = decode(written, what="pointer", fields={"traffic": (dict,)})
    assert read_traffic(fields["traffic"], what="pointer") == told


@given(traffics(), st.sampled_from([A, B, C]))
def test_what_is_left_under_another_champion_has_neither_it_nor_a_canary(told: Traffic, champion: str) -> None:
    left = told.under(champion)
    assert champion not in left.digests
    assert left.canary is None
    assert set(left.shadows) == {*told.shadows} - {champion}
    assert left.experiment in (told.experiment, None)
    assert left.ramp == told.ramp


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shadows": [1]}, "no digest"),
        ({"shadows": [A, A]}, "each of them once"),
        ({"canary": {"digest": A, "share": 1, "since": AT.isoformat(), "ramp": None}}, "share is 1"),
        ({"canary": {"digest": A, "share": 1.5, "since": AT.isoformat(), "ramp": None}}, "from 0 to 1"),
        ({"canary": {"digest": A, "share": 0.5, "since": "noon", "ramp": None}}, "noon"),
        ({"ramp": {"steps": [1], "hold_minutes": 60}}, "no number"),
        ({"ramp": {"steps": [0.5]}}, "not the fields"),
        ({"experiment": {"name": "price", "arms": [{"name": "one", "share": 0.5, "lane": "me"}]}}, "neither champion"),
        ({"experiment": {"name": "price", "arms": []}}, "2 to 8 arms"),
    ],
)
def test_traffic_that_nobody_wrote_is_not_read(changes: dict[str, object], words: str) -> None:
    with pytest.raises(Untrusted, match=words):
        read_traffic({**traffic_document(NO_TRAFFIC), **changes}, what="pointer")


def test_traffic_is_said_in_a_line_each() -> None:
    experiment = Experiment("price", (Arm("control", 0.5), Arm("new", 0.5, "canary")))
    told = Traffic((B,), Canary(A, 0.05, AT, RAMP), experiment, RAMP)
    assert traffic_lines(told) == [
        f"shadow {B[:12]}: scored, never acted on",
        f"canary {A[:12]} answers for 5 % of the entities since 2026-03-01 12:00, then 25 % "
        "(1 %, 5 %, 25 %, each held 60 minutes)",
        "experiment price: control 50 %, new 50 % by the canary",
        "newer candidates begin as canaries: 1 %, 5 %, 25 %, each held 60 minutes",
    ]
    assert traffic_lines(NO_TRAFFIC) == []
