"""Counting the events that wait in Redis: the process beside the scoring service in production."""

import os
import signal
import socket
from typing import Annotated

import typer

from governance.errors import ConfigurationError
from orchestration.commands.shared import MarketplaceOption, console, open_workspace


def add_to(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(count)


def count(
    name: Annotated[
        str | None, typer.Option(help="This consumer's name, which no other may have; host and process by default.")
    ] = None,
    marketplace: MarketplaceOption = None,
) -> None:
    """Count the events that services send, each once, until told to end; run as many as are needed."""
    from redis import Redis

    from serving.counters.consumer import Consumer
    from serving.counters.opening import counters_of, redis_of

    workspace = open_workspace(marketplace)
    if workspace.environment == "embedded":
        raise ConfigurationError("the embedded service counts by itself; this is for GOVERNANCE_ENVIRONMENT=production")
    address = redis_of(workspace)
    ended: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: ended.append(received))
    ours = name or f"{socket.gethostname()}-{os.getpid()}"
    with Redis(host=address.host, port=address.port, **address.log_in) as client:
        consumer = Consumer(client, counters_of(workspace), project=workspace.marketplace.name, name=ours)
        console.print(f"{ours} counts the events of {workspace.marketplace.name}")
        total = consumer.run(going_on=lambda: not ended)
    console.print(f"{ours} ends: {total.new} counted, {total.repeated} known before, {total.refused} refused")
