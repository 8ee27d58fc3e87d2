"""Which process does a run, and runs whose process died without a word: Dagster would show them as STARTED for ever."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

PROCESS_TAG = "governance/process"
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process among all that there ever were: a process id is used again, this is not.

    `boot` and `namespace` say in which life of which machine (or container) the id counts, `started` is the
    process's age in clock ticks since that boot.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: str

    def is_dead(self, here: "Process", *, proc: Path = _PROC) -> bool:
        """Whether this process has ended, as far as can be known from the process `here`; if it cannot, False."""
        if self.host != here.host:
            return False
        if self.boot != here.boot:
            return True
        return self.namespace == here.namespace and _started(self.pid, proc) != self.started


def this_process(proc: Path = _PROC) -> Process:
    """The process that asks."""
    boot = proc / "sys/kernel/random/boot_id"
    namespace = proc / "self/ns/pid"
    return Process(
        host=socket.gethostname(),
        boot=boot.read_text().strip() if boot.exists() else "",
        namespace=str(namespace.readlink()) if namespace.is_symlink() else "",
        pid=os.getpid(),
        started=_started(os.getpid(), proc),
    )


def process_tags(run_id: str) -> dict[str, str]:
    """Tags of a run that say which process does it; its own id is in them, because a retry inherits tags."""
    return {PROCESS_TAG: json.dumps({"run": run_id, **asdict(this_process())})}


def close_dead_runs(instance: "dg.DagsterInstance") -> list[str]:
    """Report the runs as failed whose process has ended without saying so; return their ids."""
    import dagster as dg

    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    )
    here = this_process()
    dead = [run for run in instance.get_runs(unfinished) if _is_dead(run, here)]
    for run in dead:
        instance.report_run_failed(run, "The process of this run ended without a word: killed, or the machine stopped.")
    return [run.run_id for run in dead]


def _is_dead(run: "dg.DagsterRun", here: Process) -> bool:
    document = json.loads(run.tags.get(PROCESS_TAG, "{}"))
    return document.pop("run", None) == run.run_id and Process(**document).is_dead(here)


def _started(pid: int, proc: Path) -> str:
    """When a process began, in ticks since boot; nothing where it has ended, also if its parent does not know."""
    try:
        # The second field is the program's name in brackets, which may hold anything.
        fields = (proc / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
