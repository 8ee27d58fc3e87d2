"""Runs a real S3 server, Ceph's RADOS Gateway over one monitor and one store in memory, until standard input closes.

python radosgw.py

Needs Debian's radosgw, ceph-mon and ceph-osd. Prints one line of JSON when it is ready: endpoint, access_key,
secret_key. Everything listens on loopback, on free ports, lives in a temporary folder, and is stopped by the process
that started it, even when its parent was killed.
"""

import json
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

GATEWAY = "client.rgw.test"
SECONDS_AT_MOST = 60
CAPABILITIES = ("--cap", "mon", "allow *", "--cap", "osd", "allow *")

CONFIGURATION = """
[global]
fsid = {cluster}
mon_host = [v2:127.0.0.1:{monitor_port}/0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_bind_ipv6 = false
keyring = {folder}/keyring
run_dir = {folder}
admin_socket = {folder}/$name.asok
log_file = {folder}/$name.log
pid_file =
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = false
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 5000
mon_data_avail_warn = 2
mon_data_avail_crit = 1
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
[mon.a]
mon_data = {folder}/monitor
[osd.0]
osd_data = {folder}/store
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_journal =
[{gateway}]
rgw_frontends = beast endpoint=127.0.0.1:{port}
rgw_run_sync_thread = false
rgw_thread_pool_size = 32
"""


class Cluster:
    """One cluster's folder, and the commands that act on it."""

    def __init__(self, folder: Path, *, port: int, monitor_port: int) -> None:
        self.folder, self.port, self.monitor_port = folder, port, monitor_port
        self.id = str(uuid.uuid4())
        self._configuration = folder / "ceph.conf"
        text = CONFIGURATION.format(
            cluster=self.id, folder=folder, port=port, monitor_port=monitor_port, gateway=GATEWAY
        )
        self._configuration.write_text(text)
        for name in ("monitor", "store"):
            (folder / name).mkdir()

    def run(self, program: str, *arguments: str) -> str:
        """Run one command to its end and return what it printed."""
        command = [program, *self._told(program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=SECONDS_AT_MOST)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    @contextmanager
    def daemon(self, program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a daemon in the foreground until the block ends."""
        with (self.folder / f"{program}.out").open("wb") as out:
            process = subprocess.Popen(
                [program, *self._told(program), *arguments, "-f"], cwd=self.folder, stdout=out, stderr=out
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def answers(self) -> bool:
        """Whether the monitor answers."""
        command = ["ceph", *self._told("ceph"), "--connect-timeout", "2", "status"]
        return subprocess.run(command, cwd=self.folder, capture_output=True).returncode == 0

    def store_is_up(self) -> bool:
        """Whether the store has joined."""
        return json.loads(self.run("ceph", "osd", "stat", "--format", "json"))["num_up_osds"] == 1

    def listens(self) -> bool:
        """Whether the gateway takes connections."""
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _told(self, program: str) -> tuple[str, ...]:
        return () if program in ("monmaptool", "ceph-authtool") else ("-c", str(self._configuration))


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Ask again and again until it is so; RuntimeError when the daemon ends or the time is over."""
    deadline = time.monotonic() + SECONDS_AT_MOST
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not come up")
        time.sleep(0.05)


def prepare(cluster: Cluster) -> None:
    """Make the keys and the monitor's own store."""
    monitor_address = f"[v2:127.0.0.1:{cluster.monitor_port}]"
    cluster.run("monmaptool", "--create", "--fsid", cluster.id, "--addv", "a", monitor_address, "monitors")
    cluster.run("ceph-authtool", "--create-keyring", "keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    for name in ("client.admin", "osd.0", GATEWAY):
        cluster.run("ceph-authtool", "keyring", "--gen-key", "-n", name, *CAPABILITIES)
    cluster.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", "monitors", "--keyring", "keyring")


def add_store(cluster: Cluster) -> None:
    """Tell the monitor of the one store and make it."""
    store = str(uuid.uuid4())
    cluster.run("ceph", "osd", "new", store)
    cluster.run("ceph", "osd", "crush", "add-bucket", "default", "root")
    cluster.run("ceph", "osd", "crush", "add", "osd.0", "1", "root=default")
    cluster.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", store)


@contextmanager
def gateway(folder: Path) -> Iterator[dict[str, str]]:
    """A running gateway with one user."""
    port, monitor_port = free_ports(2)
    cluster = Cluster(folder, port=port, monitor_port=monitor_port)
    prepare(cluster)
    with ExitStack() as running:
        wait_until(cluster.answers, running.enter_context(cluster.daemon("ceph-mon", "-i", "a")))
        add_store(cluster)
        wait_until(cluster.store_is_up, running.enter_context(cluster.daemon("ceph-osd", "-i", "0")))
        wait_until(cluster.listens, running.enter_context(cluster.daemon("radosgw", "-n", GATEWAY)))
        keys = {"access_key": secrets.token_hex(8), "secret_key": secrets.token_hex(16)}
        user = ("--uid=test", "--display-name=test")
        pair = (f"--access-key={keys['access_key']}", f"--secret-key={keys['secret_key']}")
        cluster.run("radosgw-admin", "-n", GATEWAY, "user", "create", *user, *pair)
        yield {"endpoint": f"http://127.0.0.1:{port}", **keys}


def main() -> None:
    """Serve until standard input closes or somebody asks to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="radosgw-") as folder, gateway(Path(folder)) as facts:
        print(json.dumps(facts), flush=True)  # noqa: T201 - the caller reads it
        sys.stdin.read()


if __name__ == "__main__":
    main()
