"""What the gates refused: merit for weeks on end is a ticket, safety is a page."""

from governance.contracts.calendar import midnight
from governance.models.catalogue import Model
from governance.oncall.champions import pointer_of
from governance.oncall.finding import Figure, Finding, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import Look, champion_change
from governance.oncall.weeks import JudgedWeek, judged_weeks, newest_run


def refusals(look: Look) -> list[Finding]:
    """A finding for each model whose newest candidates were refused: for merit too long, or for safety at all."""
    models = look.workspace.models.present.values()
    return [finding for model in models for finding in (_merit(look, model), _safety(look, model)) if finding]


def _merit(look: Look, model: Model) -> Finding | None:
    kept = newest_run(judged_weeks(look.workspace, model), "kept")
    days = (look.now - midnight(kept[0].as_of)).days if kept else 0
    # Counted from the first refusal until now, so that weeks in which nobody trained count as well.
    if days < look.bounds.refused_days:
        return None
    return _finding(look, model, kept, Kind.MERIT_REFUSAL, Severity.SEV3, "candidates kept back by merit gates for")


def _safety(look: Look, model: Model) -> Finding | None:
    failed = newest_run(judged_weeks(look.workspace, model), "failed")
    if not failed:
        return None
    return _finding(look, model, failed, Kind.SAFETY_FAILURE, Severity.SEV2, "candidate fails its safety gates for")


def _finding(look: Look, model: Model, weeks: list[JudgedWeek], kind: Kind, severity: Severity, what: str) -> Finding:
    newest, days = weeks[-1], (look.now - midnight(weeks[0].as_of)).days
    reasons = "; ".join(f"{gate}: {reason}" for gate, reason in newest.failing.items()) or newest.reason
    return Finding(
        kind=kind,
        subject=model.name,
        severity=severity,
        owner=model.spec.owner,
        what=what,
        why=f"{len(weeks)} candidate(s) in a row, the newest as of {newest.as_of}. {reasons}",
        first_action=look.govern("models"),
        figure=Figure(days, Unit.DAYS),
        since=midnight(weeks[0].as_of),
        where=f"gate {', '.join(newest.failing)}" if newest.failing else None,
        last_change=champion_change(pointer_of(look, model.name)),
    )
