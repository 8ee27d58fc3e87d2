"""Days played through the service: what was served at each decision is what stands offline for that moment."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from needed import require_redis
from played_day import Played, counting, happenings, mismatches, play, send
from serving_process import served

from benchmarks.servers import redis_server
from governance.contracts.calendar import days_between, valid_at
from governance.workspace import Workspace

KILLS = 3


@pytest.mark.long
def test_two_thousand_decisions_saw_what_stands_offline_though_the_consumer_was_killed_three_times(
    own_settled: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    played_through_redis(own_settled, bazaar_at(own_settled), first=date(2024, 1, 21), at_least=2_000)


def played_through_redis(root: Path, workspace: Workspace, *, first: date, at_least: int) -> None:
    """Play the days from `first` on through the service on Redis, and compare every decision."""
    require_redis()
    from assets.feast_store import feature_store, joiner, offline_only
    from feature_repo.online import materialize_view

    days = days_between(first, workspace.days()[-1])
    with redis_server("--appendonly", "yes") as server:
        connections = {
            "GOVERNANCE_REGISTRY": f"sqlite:///{root}/registry.db",
            "GOVERNANCE_REDIS": server.connection_string,
        }
        live = replace(workspace, environment="production", connections=connections)
        store = feature_store(live)
        online = [view for name, view in live.views.items() if name not in offline_only(live)]
        environment = {**connections, "GOVERNANCE_ENVIRONMENT": "production"}
        environ = os.environ | {
            "GOVERNANCE_ROOT": str(root / "var"),
            "MARKETPLACE": str(root / "bazaar"),
            **environment,
        }
        begins = valid_at(first - timedelta(days=1))
        played = Played()
        with counting(environ) as consumer, served(root, **environment) as running:

            def kill_now_and_then(number: int) -> None:
                if consumer.kills < KILLS and number == at_least * (consumer.kills + 1) // (KILLS + 1):
                    consumer.kill()

            send(running, played, happenings(live, first=begins - timedelta(days=1, minutes=1), last=begins))
            for day in days:
                # The features of a day go online when it has landed, two hours into the next one.
                opens = valid_at(day - timedelta(days=1))
                for view in online:
                    materialize_view(store, view, now=opens)
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
