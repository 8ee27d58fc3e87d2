"""Champions that are missing, stale or cannot be read."""

from datetime import datetime

from governance.contracts.calendar import midnight
from governance.models.catalogue import Model
from governance.oncall.finding import Figure, Finding, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import Look, champion_change
from governance.oncall.weeks import JudgedWeek, judged_weeks
from governance.release.documents import Untrusted
from governance.release.records import Pointer, short


def champions(look: Look) -> list[Finding]:
    """A finding for each model that has no champion, or one that is too old."""
    return [finding for model in look.workspace.models.present.values() if (finding := _of(look, model))]


def damaged(look: Look) -> list[Finding]:
    """A finding for each model whose registry entries are not what was written."""
    found = {name: _damage(look, name) for name in look.workspace.models.present}
    return [
        Finding(
            kind=Kind.DAMAGED_REGISTRY,
            subject=name,
            severity=Severity.SEV1 if pointer else Severity.SEV2,
            owner=look.workspace.models.present[name].spec.owner,
            what="the registry holds what it did not write",
            why=why,
            first_action=look.govern("models"),
        )
        for name, (pointer, why) in found.items()
        if why
    ]


def pointer_of(look: Look, name: str) -> Pointer | None:
    """The pointer of a model, None where there is none or it cannot be trusted; that is a finding of its own."""
    try:
        return look.workspace.registry.pointer(name)
    except Untrusted:
        return None


def _damage(look: Look, name: str) -> tuple[bool, str]:
    """Whether it is the pointer that is damaged, and the sentence that says what is; empty where nothing is."""
    registry = look.workspace.registry
    try:
        registry.pointer(name)
    except Untrusted as error:
        return True, str(error)
    return False, "; ".join(f"{short(digest)}: {why}" for digest, why in registry.damaged(name).items())


def _of(look: Look, model: Model) -> Finding | None:
    weeks = judged_weeks(look.workspace, model)
    if _damage(look, model.name)[0]:
        return None
    pointer = look.workspace.registry.pointer(model.name)
    if pointer is None:
        skipped = bool(weeks) and weeks[-1].status == "skipped"
        return None if skipped else _missing(look, model, weeks)
    days = (look.now - midnight(pointer.as_of)).days
    return _stale(look, model, pointer, days, weeks) if days > look.bounds.champion_days else None


def _missing(look: Look, model: Model, weeks: list[JudgedWeek]) -> Finding:
    newest = f"its newest candidate, as of {weeks[-1].as_of}, was {weeks[-1].said}" if weeks else "it was never trained"
    return Finding(
        kind=Kind.NO_CHAMPION,
        subject=model.name,
        severity=Severity.SEV3,
        owner=model.spec.owner,
        what="no champion",
        why=f"nothing answers at {model.spec.decision_point}: {newest}",
        first_action=look.govern("models" if weeks else "run"),
        since=midnight(weeks[0].as_of) if weeks else None,
    )


def _stale(look: Look, model: Model, pointer: Pointer, days: int, weeks: list[JudgedWeek]) -> Finding:
    later = [week for week in weeks if week.as_of > pointer.as_of]
    newest = f"the newest candidate, as of {later[-1].as_of}, was {later[-1].said}" if later else "no newer candidate"
    since: datetime = midnight(pointer.as_of)
    return Finding(
        kind=Kind.STALE_CHAMPION,
        subject=model.name,
        severity=Severity.SEV3,
        owner=model.spec.owner,
        what=f"champion is older than {look.bounds.champion_days:.0f} days:",
        why=f"candidates come every week, yet this one stays: {newest}",
        first_action=look.govern("models" if later else "run"),
        figure=Figure(days, Unit.DAYS),
        since=since,
        last_change=champion_change(pointer),
    )
