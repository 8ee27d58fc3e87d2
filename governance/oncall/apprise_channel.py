"""Webhook, e-mail and whatever else Apprise reaches, from addresses that stand in the environment alone."""

import hashlib
import re
import warnings
from collections.abc import Sequence

from governance.oncall.channels import ChannelError, text_of
from governance.oncall.finding import Severity
from governance.oncall.ledger import Message

_ADDRESS = re.compile(r"(?:(?P<route>[a-z][a-z0-9-]*)=)?(?P<url>(?P<scheme>[a-z][a-z0-9+.-]*)://\S+)", re.IGNORECASE)


class AppriseChannel:
    """One address. Apprise and its plugins are loaded when something is sent."""

    at_once: bool = False

    def __init__(self, url: str, *, route: str | None = None, ui_url: str | None = None) -> None:
        self._url = url
        self._ui_url = ui_url
        self.route = route
        # The address may hold a password: the ledger keeps enough of its hash to tell two addresses apart.
        mark = hashlib.sha256(url.encode()).hexdigest()[:6]
        self.name = f"{url.split('://')[0].lower()}-{mark}"

    def send(self, messages: Sequence[Message]) -> None:
        """Deliver all messages as one notification, so that ten alerts at once are one e-mail."""
        body = "\n\n".join(text_of(message, ui_url=self._ui_url) for message in messages)
        with warnings.catch_warnings():
            # Among the hundred plugins that Apprise loads some use modules that Python deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._notify(body, _title(messages))

    def _notify(self, body: str, title: str) -> None:
        import apprise

        notifier = apprise.Apprise()
        if not notifier.add(self._url):
            raise ChannelError(f"{self.name}: Apprise does not understand this address; correct GOVERNANCE_ALERTS")
        if not notifier.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT):
            raise ChannelError(f"{self.name}: the other side did not take the message")


def channels_from(addresses: str, *, ui_url: str | None = None) -> list[AppriseChannel]:
    """The channels of GOVERNANCE_ALERTS: addresses separated by white space, each perhaps limited to a route.

    >>> [(one.name[:5], one.route) for one in channels_from("json://host/a risk=mailto://x@y?to=a@b")]
    [('json-', None), ('mailt', 'risk')]
    """
    found = [_ADDRESS.fullmatch(word) for word in addresses.split()]
    return [AppriseChannel(one["url"], route=one["route"], ui_url=ui_url) for one in found if one]


def misread(addresses: str) -> int:
    """How many words of GOVERNANCE_ALERTS are no addresses; they are not shown, as they may hold secrets."""
    return sum(_ADDRESS.fullmatch(word) is None for word in addresses.split())


def _title(messages: Sequence[Message]) -> str:
    worst: Severity = min(message.event.finding.severity for message in messages)
    subjects = ", ".join(dict.fromkeys(message.event.finding.subject for message in messages))
    return f"{worst.name} {subjects}" if len(messages) == 1 else f"{worst.name} and more ({len(messages)}): {subjects}"
