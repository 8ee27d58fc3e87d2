"""What a benchmark reports, and how a cost is taken."""

import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import psutil

Result = TypeVar("Result")
Say = Callable[[str], None]
"""Told what is being measured now."""

_SIDES = ("ours", "peer", "limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a piece of work took: wall-clock seconds, CPU seconds of all threads, MB of memory beyond what stood."""

    seconds: float
    cpu_seconds: float
    extra_mb: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One piece of work: our figure, a peer's and the limit's, all in `unit` (less is better).

    `peer` and `limit` are None where there is none to compare with. `beside` holds further figures of each side, and
    `settings` says in words what was compared and how the peer was tuned.
    """

    work: str
    unit: str
    ours: float
    peer: float | None = None
    limit: float | None = None
    settings: str = ""
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def to_peer(self) -> float | None:
        """Our figure over the peer's: below 1 is cheaper."""
        return self.ours / self.peer if self.peer else None

    @property
    def to_limit(self) -> float | None:
        """Our figure over the limit's: 1 cannot be beaten."""
        return self.ours / self.limit if self.limit else None

    def as_row(self) -> dict[str, Any]:
        """All figures, the ratios included."""
        figures = {name: getattr(self, name) for name in ("work", "unit", *_SIDES, "to_peer", "to_limit", "settings")}
        return figures | dict(self.beside)


def compared(work: str, unit: str, costs: Mapping[str, Cost], *, settings: str) -> dict[str, Any]:
    """The row of a piece of work that all sides did: `seconds` or `CPU seconds`, with the other and the memory beside.

    The ratios of both stand beside as well: CPU is what a busy machine disturbs least.
    """
    shown = "seconds" if unit == "seconds" else "cpu_seconds"
    figures = {side: getattr(cost, shown) for side, cost in costs.items()}
    beside = {
        name: {side: round(getattr(cost, name), 4) for side, cost in costs.items()}
        for name in ("seconds", "cpu_seconds", "extra_mb")
    }
    return Measurement(work=work, unit=unit, settings=settings, beside=beside, **figures).as_row()


def cost(work: Callable[[], object], *, repeats: int = 1, server: int | None = None) -> Cost:
    """The cheapest of several runs: the one that other processes disturbed least; memory is the most that any took.

    Parameters
    ----------
    server : int, optional
        A process whose CPU seconds count as well.
    """
    once = [_once(work, server) for _ in range(repeats)]
    return Cost(
        seconds=min(one.seconds for one in once),
        cpu_seconds=min(one.cpu_seconds for one in once),
        extra_mb=max(one.extra_mb for one in once),
    )


def in_a_fresh_process(work: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function of a module where nothing has been imported, cached or allocated yet."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_hush) as pool:
        return pool.submit(work, *arguments).result()


def _hush() -> None:
    """Keep what a side prints about itself, progress bars and warnings of its libraries, out of the table."""
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def resident_mb(line: str = "VmHWM") -> float:
    """Resident memory of this process in MB: VmRSS is what it holds now, VmHWM the most that it ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(found.split()[1]) / 1024 for found in lines if found.startswith(line))


def machine() -> str:
    """What the figures were measured on."""
    models = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    memory = psutil.virtual_memory().total / 2**30
    return f"{len(models)} x {models[0]}, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


def _once(work: Callable[[], object], server: int | None) -> Cost:
    # Linux forgets the earlier peak, that of making the rows, when it is told to.
    Path("/proc/self/clear_refs").write_text("5")
    stood, elsewhere = resident_mb("VmRSS"), _cpu_of(server)
    began, began_cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - began_cpu + _cpu_of(server) - elsewhere,
        # At least one, so that ratios can be taken.
        extra_mb=max(resident_mb() - stood, 1.0),
    )


def _cpu_of(process: int | None) -> float:
    if process is None:
        return 0.0
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)
