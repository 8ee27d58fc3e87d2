"""Overrides from the command line, in what people are shown, and their end by a run or by the sensor."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from feature_repo.online_state import last_online
from governance.models.scores import ScoreTable
from governance.oncall.kinds import Kind
from governance.workspace import Workspace
from orchestration.alerting import look_at
from orchestration.build import build_defs
from orchestration.plan import fall_back_run
from orchestration.repairs import build_override_sensor
from orchestration.runs import run_all
from orchestration.status import collect_status

PAST = datetime(2024, 2, 6, 12, tzinfo=UTC)


@pytest.fixture
def kept(workspace: Workspace, candidate_of: Callable[..., str]) -> str:
    return candidate_of(workspace.registry, "b", status="kept")


def expire(workspace: Workspace, digest: str) -> None:
    """Override with an end that is long past."""
    terms = {"who": "ana", "second": "ben", "reason": "refunds are rising"}
    workspace.registry.override("claim", digest, **terms, at=PAST, until=PAST + timedelta(days=1))  # type: ignore[arg-type]


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="minutes")


def test_two_people_override_from_the_command_line_and_everybody_sees_it(
    tmp_path: Path, workspace: Workspace, champion: str, kept: str, govern: Callable[..., Any]
) -> None:
    words = ("override", "claim", kept[:8], "--reason", "refunds are rising", "--second", "ben", "--who", "ana")
    words = (*words, "--until", in_days(3), "--expect", 1)

    planned = govern(tmp_path, *words, "--dry-run")
    assert planned.status == 0, planned.err
    assert f"claim: {kept[:12]} as of 2024-01-29 would serve past its merit gates until" in planned.out
    assert f"in place of {champion[:12]}; then {champion[:12]} again" in planned.out
    assert workspace.registry.pointer("claim").champion == champion  # type: ignore[union-attr]

    assert govern(tmp_path, *words).status == 0
    assert govern(tmp_path, *words).status == 0

    (consent,) = workspace.registry.overrides("claim")
    assert (consent.who, consent.second, consent.reason) == ("ana", "ben", "refunds are rising")
    model = next(one for one in collect_status(workspace)["models"] if one["name"] == "claim")
    assert model["champion"] == kept
    assert model["override"] == model["overrides"][0]
    assert model["override"]["second"] == "ben"
    assert f"champion {kept[:12]} serves by override until" in govern(tmp_path, "status").out
    shown = govern(tmp_path, "models").out
    assert "serves by override until" in shown
    assert "Overrides" in shown
    assert "kept (champion, generation 2)" in shown


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (("--second", "ana"), "second person"),
        (("--until", "2024-03-08"), "must end after now"),
        (("--until", "2024-03-08T12:00"), "time zone"),
        (("--until", "tomorrow"), "2024-03-08T12:00+00:00"),
        (("--until", "2050-01-01T00:00+00:00"), "within 14 days"),
        (("--expect", "7"), "not what was decided on"),
    ],
)
def test_what_an_override_lacks_is_said_in_a_sentence(
    tmp_path: Path, kept: str, govern: Callable[..., Any], changes: tuple[str, str], words: str
) -> None:
    terms = {"--reason": "why", "--who": "ana", "--second": "ben", "--until": in_days(1)} | dict([changes])
    said = govern(tmp_path, "override", "claim", kept, *(word for pair in terms.items() for word in pair))
    assert said.status == 1
    assert words in said.err


@pytest.mark.usefixtures("champion")
def test_a_run_is_planned_for_an_override_when_it_has_expired(workspace: Workspace, kept: str) -> None:
    expire(workspace, kept)
    assert fall_back_run(workspace, at=PAST + timedelta(hours=23)) is None
    planned = fall_back_run(workspace, at=PAST + timedelta(days=1))
    assert planned is not None
    assert (planned.job, planned.assets) == ("release", (("models", "claim", "champion"),))


def test_the_main_job_ends_what_has_expired_and_puts_the_champion_before_it_back(
    own_settled: Path,
    bazaar_at: Callable[..., Workspace],
    candidate_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    workspace = bazaar_at(own_settled)
    champion = workspace.registry.pointer("claim")
    assert champion is not None
    expire(workspace, candidate_of(workspace.registry, "b", status="kept", as_of=champion.as_of))

    (done,) = run_all(workspace, weeks=1)

    assert (done.planned.job, done.failures) == ("release", ())
    pointer = workspace.registry.pointer("claim")
    assert pointer is not None
    assert (pointer.champion, pointer.who) == (champion.champion, "override expiry")
    assert run_all(workspace, weeks=1) == []


@pytest.mark.long
def test_where_nothing_serves_behind_an_override_its_scores_are_taken_away(
    own_settled: Path, bazaar_at: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    workspace = bazaar_at(own_settled)
    registry, table = workspace.registry, workspace.score_tables["merchant_fraud"]
    (kept,) = registry.candidates("merchant_fraud")
    terms = {"who": "ana", "second": "ben", "reason": "refunds are rising"}
    now = datetime.now(UTC)
    registry.override("merchant_fraud", kept.digest, **terms, at=now, until=now + timedelta(hours=1))
    assert [done.failures for done in run_all(workspace, weeks=1)] == [()]
    assert scores_online(workspace, table) > 0

    registry.override("merchant_fraud", kept.digest, **terms, at=PAST, until=PAST + timedelta(days=1))
    ended = run_all(workspace, weeks=1)

    assert [(done.planned.job, done.failures) for done in ended] == [("release", ()), ("online", ())]
    assert registry.pointer("merchant_fraud") is None
    assert scores_online(workspace, table) == 0
    assert run_all(workspace, weeks=1) == []
    assert Kind.NO_CHAMPION in {one.kind for one in look_at(workspace, wall=now) if one.subject == "merchant_fraud"}


def scores_online(workspace: Workspace, table: ScoreTable) -> int:
    """How many scores a service could read; the same as what is remembered of them."""
    from assets.feast_store import feature_store
    from feature_repo.online import online_rows

    remembered = last_online(workspace, table)
    assert remembered is not None
    found = online_rows(feature_store(workspace), table)
    assert remembered.facts["online_rows"] == found
    return found


@pytest.mark.usefixtures("champion")
def test_the_sensor_asks_once_an_hour_for_the_run_that_ends_it_and_for_none_while_it_holds(
    workspace: Workspace, kept: str
) -> None:
    sensor = build_override_sensor(workspace)
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> list[dg.RunRequest]:
            context = dg.build_sensor_context(instance=instance, definitions=build_defs(workspace))
            return list(sensor.evaluate_tick(context).run_requests or [])

        assert tick() == []
        expire(workspace, kept)
        first, again = tick(), tick()
    assert [request.asset_selection for request in first] == [[dg.AssetKey(["models", "claim", "champion"])]]
    assert first[0].run_key.startswith("[('claim', 2)] ")  # type: ignore[union-attr]
    assert [request.run_key for request in again] == [request.run_key for request in first]
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_rollback_and_promote_take_the_generation_that_was_decided_on(
    tmp_path: Path, workspace: Workspace, release_of: Callable[..., str], govern: Callable[..., Any]
) -> None:
    first, second = (release_of(workspace.registry, word) for word in "ab")

    late = govern(tmp_path, "promote", "claim", first, "--reason", "late", "--expect", 1)
    assert late.status == 1
    assert "moved it first" in late.err
    dry = govern(tmp_path, "rollback", "claim", "--reason", "refunds doubled", "--expect", 2, "--dry-run")
    assert f"would go back to {first[:12]}" in dry.out
    assert workspace.registry.pointer("claim").champion == second  # type: ignore[union-attr]
    for status in (0, 1):
        said = govern(tmp_path, "rollback", "claim", "--reason", "refunds doubled", "--expect", 2)
        assert said.status == status
    assert workspace.registry.pointer("claim").champion == first  # type: ignore[union-attr]
