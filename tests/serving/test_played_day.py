"""Days played through the service: what was served at each decision is what stands offline for that moment."""

import os
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from live import in_production, put_online
from needed import require_redis
from played_day import Played, counting, happenings, mismatches, play, send
from serving_process import connected, served

from benchmarks.servers import redis_server
from governance.contracts.calendar import days_between, valid_at
from governance.workspace import Workspace

KILLS = 3


@pytest.mark.long
def test_two_thousand_decisions_saw_what_stands_offline_though_the_consumer_was_killed_three_times(
    own_settled: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    played_through_redis(own_settled, bazaar_at(own_settled), first=date(2024, 1, 21), at_least=2_000)


@pytest.mark.exhaustive
def test_fifty_thousand_decisions_saw_what_stands_offline(
    tmp_path: Path, write_world: Callable[..., Path], bazaar_at: Callable[..., Workspace], govern_program: Path
) -> None:
    source = write_world(tmp_path / "world", buyers=40_000, days=45)
    workspace = bazaar_at(tmp_path, source=source)
    environment = os.environ | {"GOVERNANCE_ROOT": str(tmp_path / "var"), "MARKETPLACE": str(tmp_path / "bazaar")}
    subprocess.run([govern_program, "run", "--weeks", "1", "--source", str(source)], env=environment, check=False)
    assert workspace.registry.pointer("claim")
    played_through_redis(tmp_path, workspace, first=date(2024, 1, 12), at_least=50_000)


def played_through_redis(root: Path, workspace: Workspace, *, first: date, at_least: int) -> None:
    """Play the days from `first` on through the service on Redis, and compare every decision."""
    require_redis()
    from assets.feast_store import feature_store, joiner

    days = days_between(first, workspace.days()[-1])
    with redis_server("--appendonly", "yes") as server:
        live, environment = in_production(root, workspace, server.connection_string)
        environ = os.environ | {
            "GOVERNANCE_ROOT": str(root / "var"),
            "MARKETPLACE": str(root / "bazaar"),
            **environment,
        }
        # The catalogue is there before anything is online.
        feature_store(live)
        begins = valid_at(first - timedelta(days=1))
        played = Played()
        with counting(environ) as consumer, served(root, **environment) as service, connected(service) as running:

            def kill_now_and_then(number: int) -> None:
                if consumer.kills < KILLS and number == at_least * (consumer.kills + 1) // (KILLS + 1):
                    consumer.kill()

            send(running, played, happenings(live, first=begins - timedelta(days=1, minutes=1), last=begins))
            for day in days:
                # The features of a day go online when it has landed, two hours into the next one.
                opens = valid_at(day - timedelta(days=1))
                put_online(live, opens)
                present = happenings(live, first=opens, last=opens + timedelta(days=1))
                play(running, played, present, at_each=kill_now_and_then)
        assert played.decided >= at_least
        assert consumer.kills == KILLS
        kept = list(live.decisions.between(begins, valid_at(days[-1])))
        whole = [one for one in kept if "counters" not in one.degraded]
        # Every answer is in the ledger once, also those that said that events were not counted yet.
        assert len({one.decision_id for one in kept}) == len(kept) == played.decided + played.asked_again
        assert len({one.entity_id for one in whole}) == len(whole) == played.decided
        assert mismatches(live, whole, join=joiner(live)) == []
        live.decisions.close()
