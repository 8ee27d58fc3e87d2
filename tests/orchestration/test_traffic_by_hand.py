"""Shadows, canaries, ramps and experiments: by command, in status, and in what automation waits for."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.release.traffic import NO_TRAFFIC, Arm, Experiment, Ramp, Traffic
from governance.workspace import Workspace
from orchestration.plan import release_run
from orchestration.reactions.look import Look, Quiet, Request
from orchestration.reactions.weeks import on_passed_candidates
from orchestration.runs import run_all
from orchestration.status import collect_status

LATER = date(2024, 2, 5)
NOW = datetime(2024, 2, 6, tzinfo=UTC)


@pytest.fixture
def newer(workspace: Workspace, champion: str, candidate_of: Callable[..., str]) -> str:
    """A candidate that passed and is newer than the champion."""
    assert champion
    return candidate_of(workspace.registry, "b", as_of=LATER)


@pytest.fixture
def said(tmp_path: Path, govern: Callable[..., Any]) -> Callable[..., Any]:
    """A command on `claim`, signed by ana."""
    return lambda command, *words: govern(tmp_path, command, "claim", *words, "--reason", "to see it", "--who", "ana")


def traffic(workspace: Workspace) -> Traffic:
    return workspace.registry.serving("claim").traffic


def look(workspace: Workspace, *tried: str) -> Request | Quiet:
    return on_passed_candidates(Look(workspace, NOW, lambda plan: plan in tried))


def test_each_command_changes_the_pointer_once_says_what_holds_and_ends_it_again(
    workspace: Workspace, newer: str, said: Callable[..., Any], candidate_of: Callable[..., str]
) -> None:
    kept = candidate_of(workspace.registry, "c", status="kept")
    steps = [
        (("shadow", kept[:10]), f"shadow {kept[:12]}: scored, never acted on"),
        (("canary", newer[:10], "--share", "5%"), f"canary {newer[:12]} answers for 5 % of the entities"),
        (("canary", newer[:10], "--ramp", "5%,0.5", "--hold", 30), "then 50 % (5 %, 50 %, each held 30 minutes)"),
        (("ramp", "--steps", "1%,10%"), "newer candidates begin as canaries: 1 %, 10 %, each held 60 minutes"),
        (("experiment", "price", "--arm", "old=50%", "--arm", "new=.5:canary"), "old 50 %, new 50 % by the canary"),
    ]
    for number, ((command, *words), line) in enumerate(steps, 2):
        before = traffic(workspace)
        dry = said(command, *words, "--dry-run")
        assert (dry.status, f"would be generation {number}" in dry.out) == (0, True), dry.err
        assert traffic(workspace) == before
        for _ in range(2):
            done = said(command, *words)
            assert (done.status, line in done.out) == (0, True), done.out + done.err
        assert workspace.registry.serving("claim").generation == number
    found = traffic(workspace)
    assert found.experiment == Experiment("price", (Arm("old", 0.5), Arm("new", 0.5, "canary")))
    assert (found.shadows, found.ramp) == ((kept,), Ramp((0.01, 0.1), 60))

    for words in (("experiment", "--end"), ("ramp", "--end"), ("canary", "--end"), ("shadow", kept, "--end")):
        assert said(*words).status == 0
    assert "nobody listens" not in said("canary", "--end").out
    assert traffic(workspace) == NO_TRAFFIC
    assert workspace.registry.refusal("claim", newer)
    assert {pointer.who for pointer in workspace.registry.history("claim")} == {"ana"}


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("canary", "--share", "5%"), "name the candidate"),
        (("canary", "DIGEST"), "needs a share or a ramp"),
        (("canary", "DIGEST", "--share", "much"), "is no share, such as 5% or 0.05"),
        (("canary", "DIGEST", "--share", "5"), "a canary's share is from 0 to 1"),
        (("canary", "DIGEST", "--ramp", "5%,1%"), "a ramp grows"),
        (("canary", "DIGEST", "--share", "5%", "--expect", 7), "not what was decided on"),
        (("ramp",), "give --steps"),
        (("experiment", "price"), "two --arm or more"),
        (("experiment", "price", "--arm", "a=50%", "--arm", "b=50%:me"), "`champion` or `canary`"),
        (("experiment", "price", "--arm", "a=50%", "--arm", "b=50%:canary"), "an arm for the canary"),
        (("shadow", "ffff"), "0 candidates begin with"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    newer: str, said: Callable[..., Any], words: tuple[object, ...], sentence: str
) -> None:
    done = said(*(newer if word == "DIGEST" else word for word in words))
    assert done.status == 1
    assert sentence in done.err


def test_status_and_models_say_it_in_a_line_and_date_the_promotion_by_the_champion_s_own_move(
    tmp_path: Path, workspace: Workspace, newer: str, said: Callable[..., Any], govern: Callable[..., Any]
) -> None:
    assert said("canary", newer, "--share", "5%").status == 0
    model = next(one for one in collect_status(workspace)["models"] if one["name"] == "claim")
    assert (model["promoted_at"], model["promoted_by"]) == ("2024-02-05T12:00:00+00:00", "ana")
    assert (model["traffic"]["canary"]["share"], model["generation"]) == (0.05, 2)
    for command in ("status", "models"):
        shown = govern(tmp_path, command)
        assert f"claim: canary {newer[:12]} answers for 5 % of the entities since" in shown.out
        found = json.loads(govern(tmp_path, command, "--json").out)["models"]
        assert [one["name"] for one in found if one["in_traffic"]] == ["claim"]


def test_the_promotion_sensor_waits_for_a_canary_and_says_so(
    workspace: Workspace, newer: str, said: Callable[..., Any], candidate_of: Callable[..., str]
) -> None:
    assert isinstance(look(workspace), Request)
    assert said("canary", newer, "--share", "5%").status == 0
    candidate_of(workspace.registry, "d", as_of=LATER + timedelta(days=7))
    quiet = look(workspace)
    assert isinstance(quiet, Quiet)
    assert f"claim waits: canary {newer[:12]} answers for 5 %" in quiet.why


def test_a_candidate_is_released_as_a_canary_and_again_at_the_end_of_its_ramp(
    workspace: Workspace, newer: str, said: Callable[..., Any]
) -> None:
    assert said("ramp", "--steps", "50%", "--hold", "30").status == 0
    first = look(workspace)
    assert isinstance(first, Request)
    workspace.registry.release_next("claim", who="promotion", at=NOW)
    assert traffic(workspace).canary is not None
    assert isinstance(look(workspace), Quiet)
    workspace.registry.advance("claim", newer, who="watch", reason="healthy", at=NOW + timedelta(minutes=30))
    assert isinstance(look(workspace, first.plan), Request)


def test_the_main_job_begins_a_canary_where_the_model_has_a_ramp(
    own_settled: Path,
    bazaar_at: Callable[..., Workspace],
    candidate_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    workspace = bazaar_at(own_settled)
    before = workspace.registry.pointer("claim")
    assert before is not None
    wish: Any = {"who": "ana", "reason": "carefully", "at": NOW}
    workspace.registry.ramp("claim", Ramp((0.1,), 60), **wish)
    digest = candidate_of(workspace.registry, "b", as_of=before.as_of + timedelta(days=1))

    (done,) = run_all(workspace, weeks=1)

    assert (done.planned.job, done.failures) == ("release", ())
    pointer = workspace.registry.pointer("claim")
    assert pointer is not None
    assert pointer.traffic.canary is not None
    assert (pointer.champion, pointer.traffic.canary.digest, pointer.who) == (before.champion, digest, "promotion")
    assert release_run(workspace) is None
