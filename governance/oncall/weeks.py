"""What became of a model's weeks, as far as people on call need to know."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.models.catalogue import Model
from governance.retraining import Status, dataset
from governance.workspace import Workspace

_WEEKS = 26


@dataclass(frozen=True, slots=True)
class JudgedWeek:
    """A week's status, digest and reason, and the gates that failed, each with its sentence."""

    as_of: date
    status: Status
    digest: str | None
    reason: str
    failing: dict[str, str]

    @property
    def said(self) -> str:
        """The status with its reason, or with the gates that failed."""
        return f"{self.status}: {'; '.join(self.failing) or self.reason}"


def judged_weeks(workspace: Workspace, model: Model) -> list[JudgedWeek]:
    """The newest half year of weeks, in order."""
    days = workspace.lake.days(dataset(model.name))[-_WEEKS:]
    manifests = [(day, workspace.lake.manifest(dataset(model.name), day)) for day in days]
    return [_week(day, manifest.facts) for day, manifest in manifests if manifest]


def newest_run(weeks: list[JudgedWeek], status: Status) -> list[JudgedWeek]:
    """The newest weeks that follow each other with this status; weeks that were skipped between them do not count."""
    found: list[JudgedWeek] = []
    for week in reversed([one for one in weeks if one.status != "skipped"]):
        if week.status != status:
            break
        found.insert(0, week)
    return found


def _week(day: date, facts: Any) -> JudgedWeek:
    gates = (facts.get("verdict") or {}).get("gates", [])
    failing = {gate["name"]: gate["reason"] for gate in gates if not gate["passed"]}
    return JudgedWeek(day, facts["status"], facts.get("digest"), facts["reason"], failing)
