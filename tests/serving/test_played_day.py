"""A day played through the service: what was served at each decision is what stands offline for that moment."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from played_day import counting, day_of_play, happenings, mismatches, play
from serving_process import served

from benchmarks.servers import PROGRAM, installed, redis_server
from governance.workspace import Workspace

DAY = date(2024, 2, 4)
KILLS = 3


@pytest.mark.long
def test_two_thousand_decisions_saw_what_stands_offline_though_the_consumer_was_killed_three_times(
    own_settled: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    played_through_redis(own_settled, bazaar_at(own_settled), DAY, decisions=2_000)


def played_through_redis(root: Path, workspace: Workspace, day: date, *, decisions: int) -> None:
    """Play a day through the service on Redis, and compare every decision."""
    if not installed():
        pytest.skip(f"{PROGRAM} is not installed: apt-get install -y --no-install-recommends redis-server")
    from assets.feast_store import feature_store, joiner, offline_only
    from feature_repo.online import materialize_view

    past_from, begins, ends = day_of_play(day)
    past = happenings(workspace, first=past_from, last=begins)
    present = happenings(workspace, first=begins, last=ends)
    present = present[: 1 + [number for number, one in enumerate(present) if one.asked][decisions - 1]]
    with redis_server("--appendonly", "yes") as server:
        connections = {
            "GOVERNANCE_REGISTRY": f"sqlite:///{root}/registry.db",
            "GOVERNANCE_REDIS": server.connection_string,
        }
        live = replace(workspace, environment="production", connections=connections)
        for name, view in live.views.items():
            if name not in offline_only(live):
                materialize_view(feature_store(live), view, now=begins)
        environment = {**connections, "GOVERNANCE_ENVIRONMENT": "production"}
        environ = os.environ | {
            "GOVERNANCE_ROOT": str(root / "var"),
            "MARKETPLACE": str(root / "bazaar"),
            **environment,
        }
        with counting(environ) as consumer, served(root, **environment) as running:

            def kill_now_and_then(number: int) -> None:
                if number in {decisions * part // (KILLS + 1) for part in range(1, KILLS + 1)}:
                    consumer.kill()

            played = play(running, past, present, at_each=kill_now_and_then)
        assert (played.decided, consumer.kills) == (decisions, KILLS)
        kept = list(live.decisions.between(begins, ends))
        whole = [one for one in kept if "counters" not in one.degraded]
        # Every answer is in the ledger once, also those that said that events were not counted yet.
        assert len({one.decision_id for one in kept}) == len(kept) == played.decided + played.asked_again
        assert len({one.entity_id for one in whole}) == len(whole) == decisions
        assert mismatches(live, whole, join=joiner(live)) == []
        live.decisions.close()
