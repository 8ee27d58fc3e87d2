"""An answer as one write: uvicorn writes head and body apart, and each write is a call into the system."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's, whose writes of one turn of the event loop travel together."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Write through a transport that gathers."""
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]


class _Gathering:
    """A transport that hands over at the end of a turn what was written in it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._written: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write soon."""
        if not self._written:
            self._loop.call_soon(self._hand_over)
        self._written.append(data)

    def close(self) -> None:
        """Close once everything is written."""
        self._hand_over()
        self._transport.close()

    def _hand_over(self) -> None:
        data, self._written = b"".join(self._written), []
        # Who has closed meanwhile wants no answer.
        if data and not self._transport.is_closing():
            self._transport.write(data)
