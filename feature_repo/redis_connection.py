"""One connection to Redis that many readers share: whatever is asked meanwhile travels together.

redis-py's asyncio pipeline takes several times the CPU of the read itself (benchmarks/scoring.py); here the caller
brings encoded commands, hiredis parses the replies, and they are handed out in the order of the questions.
"""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis
from msgspec import Struct

from governance.errors import StoreError

WAITING_AT_MOST = 4_096
"""Questions without an answer; beyond that a server that hangs would cost memory without end."""
HANGS_SECONDS = 0.25
"""Where a question, or an attempt to connect, has waited for so long, further readers are told at once: to wait as well
would keep requests from being answered without what the server knows."""
STALLED_SECONDS = 1.0
"""A connection that has answered nothing for so long is given up: the server may be gone without a word."""
PAUSE_SECONDS = 0.1
"""After a connection failed, the next one is tried so much later; until then readers are told at once."""
CONNECT_SECONDS = 2.0

_TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
_KNOWN = frozenset({"db", "username", "password", "ssl", *_TLS, "socket_timeout", "socket_connect_timeout"})


Replying = Coroutine[Any, Any, list[Any]]
"""Replies that are on their way; to be awaited once, or closed."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how to log in there; never printed with its password."""

    host: str
    port: int
    log_in: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def greeting(self) -> list[tuple[Any, ...]]:
        """The commands that a new connection begins with."""
        commands: list[tuple[Any, ...]] = []
        if "password" in self.log_in:
            user = (str(self.log_in["username"]),) if "username" in self.log_in else ()
            commands.append(("AUTH", *user, str(self.log_in["password"])))
        return [*commands, ("SELECT", str(self.log_in.get("db", 0)))]

    def tls(self) -> ssl.SSLContext | None:
        """How to encrypt, None where the string does not say `ssl=true`; certificates are checked as redis-py does."""
        if not self.log_in.get("ssl"):
            return None
        context = ssl.create_default_context(cafile=self.log_in.get("ssl_ca_certs"))
        if "ssl_certfile" in self.log_in:
            context.load_cert_chain(self.log_in["ssl_certfile"], self.log_in.get("ssl_keyfile"))
        unchecked = self.log_in.get("ssl_cert_reqs") == "none"
        if unchecked or self.log_in.get("ssl_check_hostname") is False:
            context.check_hostname = False
        if unchecked:
            context.verify_mode = ssl.CERT_NONE
        return context


def address_of(connection_string: str) -> Address | None:
    """What Feast's connection string says, as Feast reads it; None where it names what is not known here.

    >>> address_of("cache:6379,db=2")
    Address(host='cache', port=6379)
    >>> address_of("a:6379,b:6379") is None
    True
    """
    parts = connection_string.split(",")
    hosts = [part for part in parts if "=" not in part]
    pairs = dict(part.split("=", 1) for part in parts if "=" in part)
    host, _, port = hosts[0].rpartition(":") if len(hosts) == 1 else ("", "", "")
    if not host or not port.isdigit() or not _KNOWN.issuperset(pairs):
        return None
    return Address(host, int(port), {name: _plain(text) for name, text in pairs.items()})


class Connection:
    """Asks encoded commands of one server, and connects again by itself where the connection broke."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._open: _Replies | None = None
        self._opening: asyncio.Task[_Replies] | None = None
        self._opening_since = self._failed_at = float("-inf")
        self._failure = ""

    def ask(self, commands: bytes, replies: int, deadline_seconds: float) -> Replying:
        """Send encoded commands, and return what is to be awaited for their so many replies.

        They are on their way when this returns, so that several questions travel together; only where there is no
        connection yet are they sent when they are awaited.

        Raises
        ------
        StoreError
            When awaited: no connection, no answer in time, or an error among the answers.
        """
        connected = self._open
        if connected is None or not connected.usable:
            return self._ask_anew(commands, replies, deadline_seconds)
        return connected.answer(connected.send(commands, replies), deadline_seconds)

    async def close(self) -> None:
        """Close the connection; a later question opens another."""
        if self._opening:
            self._opening.cancel()
        if self._open:
            await self._open.close()
        self._open = None

    async def _ask_anew(self, commands: bytes, replies: int, deadline_seconds: float) -> list[Any]:
        until = asyncio.get_running_loop().time() + deadline_seconds
        connected = await self._connect(deadline_seconds)
        left = until - asyncio.get_running_loop().time()
        return await connected.answer(connected.send(commands, replies), left)

    async def _connect(self, deadline_seconds: float) -> "_Replies":
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._opening is None:
            if now < self._failed_at + PAUSE_SECONDS:
                raise StoreError(self._failure)
            self._opening, self._opening_since = loop.create_task(self._try()), now
        elif now > self._opening_since + HANGS_SECONDS:
            raise StoreError(self._unanswered(f"accepts no connection for {now - self._opening_since:.2f} s"))
        try:
            # All who wait share one attempt, and none who gives up ends it for the others.
            return await asyncio.wait_for(asyncio.shield(self._opening), deadline_seconds)
        except TimeoutError:
            raise StoreError(self._unanswered("accepts no connection in time")) from None

    async def _try(self) -> "_Replies":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self._open = await self._opened(loop)
        except (OSError, StoreError) as problem:
            self._failed_at = loop.time()
            said = isinstance(problem, StoreError)
            self._failure = str(problem) if said else self._unanswered(str(problem) or "accepts no connection in time")
            raise StoreError(self._failure) from problem
        finally:
            self._opening = None
        return self._open

    async def _opened(self, loop: asyncio.AbstractEventLoop) -> "_Replies":
        """A connection that is logged in."""
        address, greeting = self._address, self._address.greeting
        _, opened = await loop.create_connection(
            lambda: _Replies(self._unanswered), address.host, address.port, ssl=address.tls()
        )
        try:
            packed = b"".join(hiredis.pack_command(command) for command in greeting)
            await opened.answer(opened.send(packed, len(greeting)), CONNECT_SECONDS)
        except BaseException:
            await opened.close()
            raise
        return opened

    def _unanswered(self, why: str) -> str:
        return (
            f"the online store in Redis at {self._address.host}:{self._address.port} does not answer: {why}. See that "
            "it runs, and that GOVERNANCE_REDIS names it"
        )


class _Waiting(Struct, eq=False):
    """A question: how many replies it gets, those that have come, and whom to tell."""

    replies: int
    since: float
    answered: "asyncio.Future[list[Any]]"
    come: list[Any] = []


class _Replies(asyncio.Protocol):
    """An open connection. Replies come in the order of the questions, also those that nobody waits for any more."""

    def __init__(self, sentence: Callable[[str], str]) -> None:
        self._reader = hiredis.Reader()
        self._questions: deque[_Waiting] = deque()
        self._loop = asyncio.get_running_loop()
        self._sentence = sentence
        self._transport: asyncio.Transport | None = None
        self._ended = self._loop.create_future()
        self._unsent: list[bytes] = []

    @property
    def usable(self) -> bool:
        """Whether it is open."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, commands: bytes, replies: int) -> _Waiting:
        """Send a question, unless too many stand unanswered, or one for too long: then the answer says so."""
        waiting = _Waiting(replies, self._loop.time(), self._loop.create_future())
        if why := self._hangs(waiting.since):
            waiting.answered.set_exception(StoreError(self._sentence(why)))
            return waiting
        self._questions.append(waiting)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(commands)
        return waiting

    async def answer(self, waiting: _Waiting, deadline_seconds: float) -> list[Any]:
        """The replies to a question; StoreError where they do not come in time, or one is an error."""
        # Of what was asked together, all has come by the time that the first is looked at.
        if waiting.answered.done():
            return waiting.answered.result()
        timer = self._loop.call_at(waiting.since + deadline_seconds, self._give_up, waiting, deadline_seconds)
        try:
            return await waiting.answered
        finally:
            timer.cancel()

    def _hangs(self, now: float) -> str:
        """Why nothing more is asked, if so; a connection that has hung for long is ended."""
        if self._transport is None:
            return "it closed the connection"
        if not self._questions:
            return ""
        hangs = now - self._questions[0].since
        if hangs > STALLED_SECONDS:
            self._transport.abort()
        if hangs > HANGS_SECONDS:
            return f"no reply for {hangs:.2f} s"
        return f"{len(self._questions)} reads wait for it already" if len(self._questions) >= WAITING_AT_MOST else ""

    def _flush(self) -> None:
        """Send what was asked in this turn of the loop at once: a system call costs as much as the rest of a read."""
        if self._transport:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    async def close(self) -> None:
        """End the connection, and whatever is still asked."""
        if self._transport:
            self._transport.abort()
            await self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop: hand out what is whole."""
        self._reader.feed(data)
        questions = self._questions
        while questions:
            first = questions[0]
            come, missing = first.come, first.replies
            while len(come) < missing:
                reply = self._reader.gets()
                if reply is False:
                    return
                come.append(reply)
            questions.popleft()
            self._hand_out(first)

    def connection_lost(self, reason: Exception | None) -> None:
        """Called by the loop: nobody waits in vain."""
        why = str(reason) if reason else "it closed the connection"
        self._transport = None
        self._ended.set_result(None)
        while self._questions:
            waiting = self._questions.popleft()
            if not waiting.answered.done():
                waiting.answered.set_exception(StoreError(self._sentence(why)))

    def _give_up(self, waiting: _Waiting, after_seconds: float) -> None:
        """Tell who waits that the time is over."""
        if not waiting.answered.done():
            why = f"no reply within {after_seconds * 1000:.0f} ms"
            waiting.answered.set_exception(StoreError(self._sentence(why)))

    def _hand_out(self, waiting: _Waiting) -> None:
        if waiting.answered.done():
            return
        refused = next((reply for reply in waiting.come if isinstance(reply, hiredis.ReplyError)), None)
        if refused is None:
            waiting.answered.set_result(waiting.come)
        else:
            waiting.answered.set_exception(StoreError(self._sentence(str(refused))))


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
