"""What a benchmark reports, and how a time is taken."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One piece of work: our figure, a peer's and the limit's, all in `unit` (less is better)."""

    work: str
    unit: str
    ours: float
    peer: float
    limit: float

    @property
    def to_peer(self) -> float:
        """Our figure over the peer's: below 1 is cheaper."""
        return self.ours / self.peer

    @property
    def to_limit(self) -> float:
        """Our figure over the limit's: 1 cannot be beaten."""
        return self.ours / self.limit

    def as_row(self) -> dict[str, Any]:
        """All figures, the ratios included."""
        return asdict(self) | {"to_peer": self.to_peer, "to_limit": self.to_limit}


def best_seconds(work: Callable[[], object], *, repeats: int = 2) -> float:
    """Wall-clock seconds of the fastest run: the one that other processes disturbed least."""
    return min(_seconds(work) for _ in range(repeats))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resident_mb(field: str = "VmHWM") -> float:
    """Resident memory of this process in MB: VmRSS is what it holds now, VmHWM the most that it ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))
