"""What the newest whole week calls for: training at its hour, before it for drift or labels, again after changes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from governance.automation.weeks import Alarm, Positives, answered, matured_enough, overdue
from governance.models.catalogue import Model
from governance.release.traffic_words import canary_line
from governance.retraining import dataset
from governance.workspace import Workspace
from monitoring.weekly import drift_dataset
from orchestration.plan import PlannedRun, release_run, weekly_run
from orchestration.reactions.days import on_unfinished_days
from orchestration.reactions.look import Answer, Look, Quiet, Request, unless_tried


def on_week(look: Look) -> Answer:
    """Train the newest whole week that nobody has trained."""
    week = _newest_week(look)
    if isinstance(week, Quiet):
        return week
    if _trained(look.workspace, week.as_of):
        return Quiet(f"the week as of {week.as_of} is trained; what changes it is the business of the sensors")
    return unless_tried(look, replace(week, why=f"the week as of {week.as_of} is whole"))


def on_changed_week(look: Look) -> Answer:
    """Train the newest week again where its rows have changed, or at last where its hour passed without anybody."""
    week = _newest_week(look)
    if isinstance(week, Quiet):
        return week
    if _trained(look.workspace, week.as_of):
        drift_alone = all(key[-1] == "drift" for key in week.assets)
        what = "drift was not checked" if drift_alone else "rows or labels have changed"
        return unless_tried(look, replace(week, why=f"as of {week.as_of}: {what}"))
    if week.as_of and overdue(week.as_of, now=look.now, pace=look.pace):
        return unless_tried(look, replace(week, why=f"the week as of {week.as_of} is whole and overdue"))
    return Quiet(f"the week as of {week.as_of} is trained by its schedule")


def on_drift(look: Look, handled: Mapping[str, Any]) -> Answer:
    """Train the newest week before its hour where the last report raised the alarm.

    The week of the report itself is not trained again: the same rows give the same model. The request says which
    report it answers, as `<model>:<digest>`; `handled` holds, by model, what was answered last (see `answered`).
    """
    quiet = []
    for alarm in alarms(look.workspace):
        if why_not := answered(alarm, handled.get(alarm.model, {}), now=look.now, pace=look.pace):
            quiet.append(why_not)
            continue
        week = _newest_week(look)
        if isinstance(week, Quiet):
            quiet.append(f"{alarm.model}: {week.why}")
            continue
        if week.as_of is None or week.as_of <= alarm.as_of:
            quiet.append(f"{alarm.model}: no whole week has passed since the report of {alarm.as_of}")
            continue
        why = f"drift of {alarm.model} as of {alarm.as_of}: {'; '.join(alarm.reasons[:3])}"
        found = unless_tried(look, replace(week, why=why))
        answers = f"{alarm.model}:{alarm.digest}"
        return replace(found, answers=answers) if isinstance(found, Request) else found
    return Quiet("; ".join(quiet) or "no report raises the alarm")


def on_matured_labels(look: Look) -> Answer:
    """Train the newest week before its hour where enough labels have matured since the last training."""
    week = _newest_week(look)
    if isinstance(week, Quiet):
        return week
    if week.as_of is None or _trained(look.workspace, week.as_of) or alarms(look.workspace):
        return Quiet("nothing to train that is not trained, or called for by drift")
    models = look.workspace.models.present.values()
    positives = [found for model in models if (found := _positives(look.workspace, model, week.as_of))]
    calls = [sentence for found in positives if (sentence := matured_enough(found, look.pace))]
    if not calls:
        return Quiet("too few labels have matured since the last training")
    return unless_tried(look, replace(week, why="; ".join(calls)))


def on_passed_candidates(look: Look) -> Answer:
    """Promote what passed its gates and is newer than the champion, as the registry says; nobody asks Dagster."""
    run = release_run(look.workspace)
    if run:
        return unless_tried(look, run)
    registry, names = look.workspace.registry, look.workspace.models.present
    canaries = {name: canary for name in names if (canary := registry.serving(name).traffic.canary)}
    waits = "".join(f"; {name} waits: {canary_line(canary)}" for name, canary in canaries.items())
    return Quiet(f"no newer candidate has passed its gates{waits}")


def alarms(workspace: Workspace) -> list[Alarm]:
    """Each model's newest drift report, where it raised the alarm."""
    found = []
    for name in workspace.models.present:
        days = workspace.lake.days(drift_dataset(name))
        report = workspace.lake.manifest(drift_dataset(name), days[-1]) if days else None
        if report and report.facts.get("alarm"):
            reasons = tuple(report.facts.get("reasons", ()))
            found.append(Alarm(model=name, as_of=days[-1], digest=report.digest, reasons=reasons))
    return found


def _newest_week(look: Look) -> PlannedRun | Quiet:
    """The run that the newest whole week calls for, once its days have settled and its predecessor is released."""
    end = look.landed[-1] + timedelta(days=1) if look.landed else None
    whole = [as_of for as_of in look.workspace.weeks() if end and as_of <= end]
    if not whole:
        return Quiet("no whole week has landed")
    if look.arriving().deliveries or isinstance(on_unfinished_days(look), Request):
        return Quiet("the days come first")
    if release_run(look.workspace):
        return Quiet("the promotion of the last candidates comes first")
    return weekly_run(look.workspace, whole[-1]) or Quiet(f"the week as of {whole[-1]} is trained from what stands")


def _trained(workspace: Workspace, as_of: date | None) -> bool:
    names = workspace.models.present
    return as_of is not None and all(workspace.lake.manifest(dataset(name), as_of) for name in names)


def _positives(workspace: Workspace, model: Model, as_of: date) -> Positives | None:
    """Matured positives at the last training and before `as_of`; None before any training."""
    weeks = workspace.lake.days(dataset(model.name))
    last = workspace.lake.manifest(dataset(model.name), weeks[-1]) if weeks else None
    if last is None:
        return None
    matured_on = {day: found.facts["positives"] for day, found in workspace.lake.manifests(model.label.dataset).items()}
    return Positives(
        model=model.name,
        at_training=sum(count for day, count in matured_on.items() if day < weeks[-1]),
        now=sum(count for day, count in matured_on.items() if day < as_of),
        at_least=model.spec.gates.matured_positives_at_least,
        skipped=last.facts.get("status") == "skipped",
    )
