"""A Redis of our own for as long as a block lasts: on a free loopback port, in memory, writing nothing to disk."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

PROGRAM = "redis-server"
_SECONDS_AT_MOST = 120.0


@dataclass(frozen=True, slots=True)
class RedisServer:
    """Where it listens, and its process."""

    port: int
    process_id: int

    @property
    def connection_string(self) -> str:
        """As Feast takes it."""
        return f"127.0.0.1:{self.port},db=0"


def installed() -> bool:
    """Whether there is a Redis on this machine."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def redis_server(*settings: str) -> Iterator[RedisServer]:
    """Run a server; RuntimeError where it does not come up."""
    port = free_port()
    command = [PROGRAM, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *settings]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            wait_until_it_answers(port, process)
            yield RedisServer(port, process.pid)
        finally:
            process.terminate()
            process.wait(10)


def wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until something listens; RuntimeError where the process ends or takes too long."""
    deadline = time.monotonic() + _SECONDS_AT_MOST
    while process.poll() is None and time.monotonic() < deadline:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} did not come up on port {port}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
