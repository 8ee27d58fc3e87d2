"""Where messages go: one small interface, and the channel that is always there, a file of JSON lines and the log."""

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from governance.errors import GovernanceError
from governance.oncall.alerts import What
from governance.oncall.documents import described
from governance.oncall.ledger import Message
from governance.oncall.rendering import line

_LOGGER = logging.getLogger("governance.oncall")

_SAID = {
    What.OPENED: "",
    What.ESCALATED: "WORSE: ",
    What.REMINDED: "STILL OPEN: ",
    What.CHANGED: "CHANGED: ",
    What.RESOLVED: "RESOLVED: ",
}


class ChannelError(GovernanceError):
    """A channel could not deliver; the messages are kept and tried again."""


class Channel(Protocol):
    """Somewhere that messages go.

    `name` tells channels apart in the ledger and holds no secret. `route` limits it to the owners of that route
    (None: everybody's). `at_once` channels disturb nobody and are written by day and night.
    """

    name: str
    route: str | None
    at_once: bool

    def send(self, messages: Sequence[Message]) -> None:
        """Deliver these messages together.

        Raises
        ------
        ChannelError
            They could not be delivered.
        """


def text_of(message: Message, *, ui_url: str | None) -> str:
    """A message as a line; a resolved one says no more what to do."""
    event = message.event
    said = line(event.finding, ui_url=ui_url)
    if event.what is What.RESOLVED:
        said = said.split(". Do: ")[0] + "."
    return _SAID[event.what] + said


class LogChannel:
    """A file of JSON lines under the workspace, one a message, and a line in the log."""

    name: str = "log"
    route: str | None = None
    at_once: bool = True

    def __init__(self, path: Path, *, ui_url: str | None = None) -> None:
        self._path = path
        self._ui_url = ui_url

    def send(self, messages: Sequence[Message]) -> None:
        """Append what is not in the file yet: after a kill the ledger may not know what was written."""
        written = self._numbers()
        fresh = [message for message in messages if message.number not in written]
        lines = [json.dumps(self._document(message), sort_keys=True) + "\n" for message in fresh]
        try:
            self._append("".join(lines))
        except OSError as error:
            raise ChannelError(f"{self._path} cannot be written: {error.strerror}") from error
        for message in fresh:
            _LOGGER.warning(text_of(message, ui_url=self._ui_url))

    def _append(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        torn = self._path.exists() and not self._path.read_bytes().endswith(b"\n") and self._path.stat().st_size > 0
        with self._path.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + text)
            file.flush()
            os.fsync(file.fileno())

    def _numbers(self) -> set[int]:
        if not self._path.exists():
            return set()
        return {number for text in self._path.read_text(encoding="utf-8").splitlines() if (number := _number(text))}

    def _document(self, message: Message) -> dict[str, Any]:
        event = message.event
        happened = {"message": message.number, "event": event.what.value, "at": event.at.isoformat()}
        return described(event.finding, ui_url=self._ui_url) | happened | {"episode": event.episode}


def _number(text: str) -> int | None:
    """The number of a written message; None where a kill tore the line."""
    try:
        return int(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return None
