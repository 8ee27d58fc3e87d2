"""Room on the disk: for how many days what is free will do, by what the newest days took."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from governance.contracts.calendar import days_between
from governance.oncall.finding import Figure, Finding, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import PLATFORM, Look
from governance.workspace import Workspace

DISK = "disk"
_NEWEST_DAYS = 7
"""A week, so that what is written once a week counts with the days that it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskState:
    """The volume of a folder: its size, what is free of it, and what a day of the marketplace adds, in bytes."""

    folder: Path
    size: int
    free: int
    a_day: int


def bytes_a_day(workspace: Workspace) -> int:
    """What a day takes in the lake, on the average of the newest week; 0 before anything has landed."""
    lake, newest = workspace.lake, workspace.last_landed_day()
    if newest is None:
        return 0
    days = days_between(newest - timedelta(days=_NEWEST_DAYS - 1), newest)
    datasets = [str(folder.relative_to(lake.root)) for folder in lake.root.glob("[!.]*/*")]
    files = (lake.path(dataset, day) for dataset in datasets for day in days)
    return sum(file.stat().st_size for file in files if file.exists()) // _NEWEST_DAYS


def full_disk(look: Look, state: DiskState | None) -> list[Finding]:
    """A finding where what is free will not do for the days that the bounds state."""
    if state is None:
        return []
    bounds = look.bounds
    # Runs write more than rows: their events, reports, models. A young marketplace would seem to need next to nothing.
    a_day = max(state.a_day, round(bounds.disk_day_megabytes * 1e6))
    days = state.free / a_day
    return [_finding(look, state, days, a_day)] if days < bounds.disk_days else []


def _finding(look: Look, state: DiskState, days: float, a_day: int) -> Finding:
    stops = days < look.bounds.disk_very_few_days
    return Finding(
        kind=Kind.FULL_DISK,
        subject=DISK,
        severity=Severity.SEV2 if stops else Severity.SEV3,
        owner=PLATFORM,
        what="room is left for",
        why=(
            f"{_gigabytes(state.free)} of {_gigabytes(state.size)} are free and a day takes {_gigabytes(a_day)}; "
            f"{look.bounds.disk_days:g} days' room are wanted. On a full disk nothing is damaged and nothing lands"
        ),
        first_action=f"df -h {state.folder}",
        figure=Figure(days, Unit.DAYS),
        where=f"volume of {state.folder}",
    )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.3g} GB"
