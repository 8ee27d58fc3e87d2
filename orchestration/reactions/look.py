"""One look at a workspace, and the answers that reactions give to it: a run that should be started, or why none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from governance import rewriting
from governance.automation.deliveries import Delivery, Wave, new_days, pending
from governance.contracts.calendar import days_between
from governance.features import build as features
from governance.labels import matured, statements
from governance.marketplaces.pace import Pace
from governance.retraining import dataset, training_fingerprint
from governance.storage.digests import fingerprint
from governance.workspace import Workspace
from orchestration.plan import Key, PlannedRun

Tried = Callable[[str], bool]
"""Whether to ask for this plan again would bring nothing else than it did before."""


@dataclass(frozen=True, slots=True)
class Request:
    """A run that should be started, and the digest of what it would do.

    `answers` names a report that called for it, `earlier` counts the runs that did just this before.
    """

    planned: PlannedRun
    plan: str
    answers: str = ""
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is to be started, and why."""

    why: str


Answer = Request | Quiet


@dataclass(frozen=True)
class Look:
    """One look at a workspace, at one time; what is read of it is read once."""

    workspace: Workspace
    now: datetime
    tried: Tried

    @cached_property
    def pending(self) -> list[Delivery]:
        """What is delivered and has not landed as it stands."""
        return pending(self.workspace)

    @cached_property
    def landed(self) -> list[date]:
        """Every day from the first to the newest that has landed; empty before anything has."""
        newest = self.workspace.last_landed_day()
        return days_between(self.workspace.marketplace.first_day, newest) if newest else []

    @cached_property
    def unfinished(self) -> dict[Key, list[date]]:
        """The landed days whose features or labels were not made from them yet."""
        return rewriting.stale(self.workspace, self.workspace.lake, self.landed) if self.landed else {}

    @property
    def pace(self) -> Pace:
        """The bounds of what happens by itself here."""
        return self.workspace.marketplace.pace

    def arriving(self, *, closing: bool = False) -> Wave:
        """The new days that may land."""
        return new_days(self.pending, now=self.now, pace=self.pace, closing=closing)


def unless_tried(look: Look, run: PlannedRun, deliveries: Sequence[Delivery] = ()) -> Answer:
    """Ask for a run, once."""
    plan = plan_of(look.workspace, run, deliveries)
    return asked_before(run, plan) if look.tried(plan) else Request(run, plan)


def asked_before(run: PlannedRun, plan: str) -> Quiet:
    """Nothing is asked for twice: what a run could not do, its own message explains."""
    return Quiet(f"asked for before, see the run tagged governance/plan={plan[:12]}: {run.why}")


def plan_of(workspace: Workspace, run: PlannedRun, deliveries: Sequence[Delivery]) -> str:
    """The digest of what a run would do: its assets, its days or week, everything that it would read or replace."""
    marks = [(one.table, one.day, one.mark) for one in deliveries]
    read = _read_by_days(workspace, run) if run.first else _read_by_week(workspace, run)
    return fingerprint(run.job, run.assets, run.first, run.last, run.as_of, marks, read)


def _read_by_days(workspace: Workspace, run: PlannedRun) -> list[Any]:
    code: list[Any] = [features.CODE_VERSION, statements.CODE_VERSION, matured.CODE_VERSION]
    code += [(view.name, view.code_version) for view in workspace.views.values()]
    code += [model.label.digest for model in workspace.models.present.values()]
    landed = [
        (table, day, found.digest)
        for table in workspace.marketplace.tables
        for day, found in workspace.lake.manifests(f"raw/{table}").items()
        if run.first and run.last and run.first <= day <= run.last
    ]
    return [*code, *landed]


def _read_by_week(workspace: Workspace, run: PlannedRun) -> list[Any]:
    if run.as_of is None:
        best = {key[1]: workspace.registry.next_champion(key[1]) for key in run.assets}
        # With a ramp a candidate is released twice: as a canary, and as the champion at the ramp's end.
        canaries = {name: workspace.registry.serving(name).traffic.canary is not None for name in best}
        return [(name, found.digest, canaries[name]) for name, found in best.items() if found]
    models = [workspace.models.present[name] for name in dict.fromkeys(key[1] for key in run.assets)]
    stands = [workspace.lake.manifest(dataset(model.name), run.as_of) for model in models]
    wanted = [training_fingerprint(workspace, model, run.as_of) for model in models]
    return [*wanted, *(found.fingerprint if found else None for found in stands)]
