"""A Redis or a Postgres of our own for as long as a block lasts: on a free loopback port, keeping nothing."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = "redis-server"
_POSTGRES = Path("/usr/lib/postgresql")
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


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """Where it listens, and the password of its user `governance`, who may do everything."""

    port: int
    password: str = field(repr=False)

    def url(self, database: str = "postgres") -> str:
        """As SQLAlchemy takes it, with the driver named: newer versions take another one for the plain scheme."""
        return f"postgresql+psycopg2://governance:{self.password}@127.0.0.1:{self.port}/{database}"


def installed() -> bool:
    """Whether there is a Redis on this machine."""
    return shutil.which(PROGRAM) is not None


def postgres_programs() -> Path | None:
    """The folder of the newest Postgres on this machine; Debian keeps its programs out of the path."""
    found = [folder / "bin" for folder in _POSTGRES.glob("*") if (folder / "bin" / "initdb").exists()]
    return max(found, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def redis_server(*settings: str) -> Iterator[RedisServer]:
    """Run a server; RuntimeError where it does not come up."""
    port = free_port()
    command = [PROGRAM, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *settings]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL)  # noqa: S603
        with _ended_after(process, lambda: listens(port), PROGRAM):
            yield RedisServer(port, process.pid)


@contextmanager
def postgres_server(programs: Path) -> Iterator[PostgresServer]:
    """Run a server; RuntimeError where it does not come up. It refuses to run as root, who becomes `postgres`."""
    found = PostgresServer(free_port(), secrets.token_urlsafe())
    # Not by arguments of Popen, which would copy this process first: a large one cannot be copied.
    become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        password, data = Path(folder) / "password", Path(folder) / "data"
        password.write_text(found.password)
        if become:
            for path in (Path(folder), password):
                shutil.chown(path, "postgres", "postgres")
        made = [
            *become,
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "governance",
            "-E",
            "UTF8",
            "-A",
            "scram-sha-256",
            "--pwfile",
            str(password),
        ]
        subprocess.run(made, check=True, capture_output=True, cwd=folder)  # noqa: S603
        command = [*become, str(programs / "postgres"), "-D", str(data), "-p", str(found.port), "-k", folder]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)  # noqa: S603
        with _ended_after(process, lambda: _takes_queries(programs, found.port), "postgres"):
            yield found


@contextmanager
def _ended_after(process: "subprocess.Popen[bytes]", answers: Callable[[], bool], name: str) -> Iterator[None]:
    """Wait until a server answers, and stop it after the block."""
    try:
        _wait(process, answers, name)
        yield
    finally:
        # Postgres waits at SIGTERM for whoever is connected, and at SIGINT for nobody; Redis ends at either.
        process.send_signal(signal.SIGINT)
        process.wait(10)


def wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until something listens; RuntimeError where the process ends or takes too long."""
    _wait(process, lambda: listens(port), f"{process.args!r} on port {port}")


def _wait(process: "subprocess.Popen[bytes]", answers: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + _SECONDS_AT_MOST
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not come up")
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _takes_queries(programs: Path, port: int) -> bool:
    """It listens a while before it does."""
    asked = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0  # noqa: S603


def free_port() -> int:
    """A port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
