"""Delivering what the ledger holds: to each channel what it has not delivered, when its hour has come."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from governance.oncall.alerts import What
from governance.oncall.channels import Channel, ChannelError
from governance.oncall.ledger import AlertLedger, Message
from governance.oncall.routing import Routing


def deliver(
    ledger: AlertLedger, channels: Sequence[Channel], *, routing: Routing, at: datetime, lock: Path
) -> dict[str, str]:
    """Send what is due, and return the channels that failed with what they said.

    A channel is told of several messages together, and of each message until it has taken it: a failing channel
    keeps its messages in the ledger for the next time and keeps none from the others. A kill between a delivery and
    its note has the message sent again, never lost. Of two that deliver at once the second leaves it to the first.
    """
    with _alone(lock) as alone:
        if not alone:
            return {}
        failed = {channel.name: _to(ledger, channel, routing=routing, at=at) for channel in channels}
    return {name: failure for name, failure in failed.items() if failure}


def due(channel: Channel, messages: Sequence[Message], *, routing: Routing, at: datetime) -> list[Message]:
    """Those messages that a channel may deliver now: of its route's owners, and not to be kept for the morning."""
    return [one for one in messages if _is_for(channel, one, routing) and _may_go(channel, one, routing, at)]


def _is_for(channel: Channel, message: Message, routing: Routing) -> bool:
    return channel.route is None or channel.route == routing.route_of(message.event.finding.owner)


def _may_go(channel: Channel, message: Message, routing: Routing, at: datetime) -> bool:
    return channel.at_once or routing.goes_out(message.event.finding.severity, at)


def _to(ledger: AlertLedger, channel: Channel, *, routing: Routing, at: datetime) -> str | None:
    untold = ledger.untold(channel.name, over_as_well=channel.at_once)
    messages = due(channel, untold, routing=routing, at=at)
    if not messages:
        return None
    try:
        channel.send(_condensed(messages))
    except ChannelError as error:
        ledger.undelivered(messages, channel=channel.name, at=at, failure=str(error))
        return str(error)
    ledger.delivered(messages, channel=channel.name, at=at)
    return None


def _condensed(messages: Sequence[Message]) -> list[Message]:
    """Without reminders that a later message of the same alert has overtaken, as after a night or an outage."""
    newest = {(one.event.key, one.event.episode): one.number for one in messages}
    return [
        one
        for one in messages
        if one.event.what is not What.REMINDED or newest[one.event.key, one.event.episode] == one.number
    ]


@contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Whether nobody else delivers right now; a killed process lets go of the lock."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
