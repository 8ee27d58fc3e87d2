"""Answers leave in one piece: what a turn of the event loop writes is handed to the transport together."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from serving.one_write import OneWriteProtocol

ASKED = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.written.append(bytes(data))

    def pause_reading(self) -> None:
        """Everything has been read."""

    resume_reading = pause_reading

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def answered(application: Callable[..., Any], asked: bytes) -> Wire:
    """What lies on the wire when an application has been asked."""

    async def ask() -> Wire:
        config = Config(application, lifespan="off")
        config.load()
        wire = Wire()
        protocol = OneWriteProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        protocol.connection_made(wire)
        protocol.data_received(asked)
        for _ in range(10):
            await asyncio.sleep(0)
        return wire

    return asyncio.run(ask())


def application(*pieces: bytes) -> Callable[..., Any]:
    """One that sends its body in pieces, each in a turn of its own."""

    async def answer(_: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI
        length = b"%d" % sum(len(piece) for piece in pieces)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for piece in pieces[:-1]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": pieces[-1]})

    return answer


def test_head_and_body_are_one_write() -> None:
    wire = answered(application(b"well"), ASKED)
    assert len(wire.written) == 1
    assert wire.written[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.written[0].endswith(b"\r\n\r\nwell")


def test_pieces_of_several_turns_come_one_by_one_and_in_order() -> None:
    wire = answered(application(b"one", b"two", b"three"), ASKED)
    assert len(wire.written) == 3
    assert b"".join(wire.written).endswith(b"\r\n\r\nonetwothree")


@pytest.mark.parametrize("asked", [ASKED[:-2] + b"connection: close\r\n\r\n", b"nonsense\r\n\r\n"])
def test_what_was_written_is_handed_over_before_the_connection_closes(asked: bytes) -> None:
    wire = answered(application(b"well"), asked)
    assert wire.closed
    assert len(wire.written) == 1


def test_two_requests_in_one_packet_are_answered_in_order() -> None:
    wire = answered(application(b"well"), ASKED * 2)
    assert b"".join(wire.written).count(b"\r\n\r\nwell") == 2
