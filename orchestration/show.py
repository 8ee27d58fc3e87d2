"""How the command line shows things to a person."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from orchestration.plan import PlannedRun


def progress(console: Console) -> Progress:
    """A progress bar that leaves the screen when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def planned(run: PlannedRun) -> RenderableType:
    """One line about a run that is to start."""
    window = f", {run.first} to {run.last}" if run.first else f", as of {run.as_of}" if run.as_of else ""
    return Text.assemble((run.job, "bold cyan"), f"{window}: {run.why} ({len(run.assets)} assets)")


def status(found: Mapping[str, Any]) -> RenderableType:
    """Champions, views, drift and skips in a few tables."""
    parts: list[RenderableType] = [_champions(found["models"])]
    parts += [line for model in found["models"] for line in (*_exceptions(model), *_traffic(model))]
    parts += [_refused(model) for model in found["models"] if _is_refused(model)]
    parts += [*_skill(found["models"]), *_readings(found["models"])]
    parts += [_views(found["feature_views"]), *(_drift(entry) for entry in found["drift"])]
    parts += [Text(f"skipped: {entry['reason']}", style="yellow") for entry in found["skipped"]]
    parts += [_disk(found["disk"])]
    parts += [red(entry) for entry in found["red"]]
    return Group(*parts)


def red(finding: Mapping[str, Any]) -> Text:
    """What is not as it should be in one line, why it is red, and what to do first."""
    style = {"SEV1": "bold red", "SEV2": "bold red", "SEV3": "red"}.get(finding["severity"], "yellow")
    return Text.assemble(
        (finding["headline"], style),
        ("\n  why: " + finding["why"], ""),
        "\n  do:  ",
        (finding["first_action"], "bold"),
        f"   ({finding['runbook']})",
    )


def alerts(listed: Mapping[str, Any]) -> RenderableType:
    """Open alerts with all parts, causes under their symptom, and channels that fail."""
    if not listed["open"]:
        parts: list[RenderableType] = [Text("No alert is open.", style="green")]
    else:
        parts = [_alert(one) for one in listed["open"]]
    parts += [Text(f"{name} fails: {why}", style="yellow") for name, why in listed["failing_channels"].items()]
    parts += [Text(f"{one['at'][:16]} {one['event']}: {one['headline']}") for one in listed.get("history", ())]
    return Group(*parts)


def _alert(one: Mapping[str, Any]) -> Text:
    text = red(one).append(f"\n  open since {one['opened_at'][:16]}, ")
    told = f"told {one['told_at'][:16]}" if one["told_at"] else "nobody told yet"
    text.append(f"grouped under {one['under']}" if one["under"] else told)
    if one["run"]:
        text.append(f"\n  run: {one['run']}")
    if last := one["last_change"]:
        text.append(f"\n  last change: {last['what']}, {last['at'][:16]}, {last['who']} ({last['why']})")
    return text


def models(found: Mapping[str, Any]) -> RenderableType:
    """Each model with its gates."""
    parts: list[RenderableType] = [_champions(found["models"])]
    for model in found["models"]:
        parts += [*_exceptions(model), *_traffic(model)]
        parts += [_gates(model)] if model["verdict"] else []
        parts += [_refused(model)] if _is_refused(model) else []
    parts += [*_skill(found["models"]), *_readings(found["models"]), _candidates(found["models"])]
    parts += _overrides(found["models"])
    parts += [Text(f"skipped: {entry['reason']}", style="yellow") for entry in found["skipped"]]
    return Group(*parts)


def how_to_go_on(marketplace: str) -> RenderableType:
    """What a newcomer may want to do next."""
    named = "" if marketplace == "simulated" else f" MARKETPLACE={marketplace}"
    return Text.assemble(
        "Look: ", (f"make ui{named}", "bold"), " (Dagster on http://127.0.0.1:3000), ", ("govern models", "bold"), "."
    )


def _champions(found: list[Mapping[str, Any]]) -> Table:
    table = Table(title="Champions", title_justify="left")
    for name in ("model", "champion", "as of", "mature until", "positives", "prevalence", "AUC", "AP", "rules AP"):
        table.add_column(name, no_wrap=True)
    for model in found:
        metrics = model["metrics"] or {}
        champion = model["champion"][:12] if model["champion"] else "[red]none[/red]"
        table.add_row(
            model["name"],
            champion,
            model["as_of"] or "-",
            (model["mature_until"] or "-")[:10],
            str(model["positives"] if model["positives"] is not None else "-"),
            _share(model["prevalence"]),
            _interval(metrics, "auc"),
            _interval(metrics, "ap"),
            _interval(metrics, "rules_ap"),
        )
    return table


def _skill(found: list[Mapping[str, Any]]) -> list[Table]:
    """How much of what an ideal observer knows beyond the rules the model knows, where the truth is known."""
    table = Table(title="Skill at the natural prevalence [95 % interval]", title_justify="left")
    for name in ("model", "against", "rules AP", "AP", "oracle AP", "skill"):
        table.add_column(name)
    measured = [model for model in found if (model["metrics"] or {}).get("oracle_ap") is not None]
    for model in measured:
        figures = model["metrics"]
        said = [_interval(figures, name) for name in ("natural_rules_ap", "natural_ap", "oracle_ap", "skill")]
        true = [_interval(figures, name) for name in ("true_rules_ap", "true_ap", "true_oracle_ap", "true_skill")]
        table.add_row(model["name"], "what was said", *said)
        table.add_row(model["name"], "what was so", *true)
    return [table] if measured else []


def _readings(found: list[Mapping[str, Any]]) -> list[Table]:
    """AUC beside the overall one: without weights, for each reason of the label alone, on unseen entities, of rules."""
    table = Table(title="AUC in other readings [95 % interval]", title_justify="left")
    for name in ("model", "rows", "weighted", "unweighted"):
        table.add_column(name)
    measured = [model for model in found if model["metrics"]]
    for model in measured:
        metrics = model["metrics"]
        table.add_row(model["name"], "all", _interval(metrics, "auc"), _interval(metrics, "unweighted_auc"))
        for reason in _reasons(metrics):
            alone = (_interval(metrics, f"{reason}_auc"), _interval(metrics, f"{reason}_unweighted_auc"))
            table.add_row(model["name"], f"{reason} alone", *alone)
        table.add_row(model["name"], "unseen entities", _interval(metrics, "unseen_auc"), "")
        table.add_row(model["name"], "the expert rules", _interval(metrics, "rules_auc"), "")
    return [table] if measured else []


def _reasons(metrics: Mapping[str, Any]) -> list[str]:
    """Label reasons that were measured alone."""
    suffix = "_unweighted_auc"
    return [name.removesuffix(suffix) for name in sorted(metrics) if name.endswith(suffix)]


def _gates(model: Mapping[str, Any]) -> Table:
    table = Table(title=f"{model['name']}: gates of {(model['champion'] or 'the newest candidate')[:20]}")
    table.title_justify = "left"
    for name in ("gate", "kind", "passed", "reason"):
        table.add_column(name)
    for gate in model["verdict"]["gates"]:
        passed = "yes" if gate["passed"] else "[red]no[/red]"
        table.add_row(gate["name"], gate["kind"], passed, gate["reason"])
    return table


def _is_refused(model: Mapping[str, Any]) -> bool:
    return model["newest"].get("status") in ("kept", "failed") or _refusal(model) is not None


def _refusal(model: Mapping[str, Any]) -> str | None:
    """Why a person refused the newest candidate, if one did."""
    newest = model["newest"].get("digest")
    return next((one["refused"] for one in model["candidates"] if one["digest"] == newest), None)


def _exceptions(model: Mapping[str, Any]) -> list[Text]:
    """Red lines on a champion that did not pass its gates."""
    if model["untrusted"]:
        return [Text(model["untrusted"], style="red")]
    if (one := model["override"]) is None:
        return []
    said = f"{model['name']}: champion {one['digest'][:12]} serves by override until {one['until']}"
    return [Text(f"{said}: {one['reason']} ({one['who']} and {one['second']})", style="red")]


def _overrides(found: list[Mapping[str, Any]]) -> list[Table]:
    """Every override there was."""
    table = Table(title="Overrides", title_justify="left")
    for name in ("model", "digest", "given", "until", "who", "second", "reason"):
        table.add_column(name)
    for model in found:
        for one in model["overrides"]:
            moment = (one["at"][:16], one["until"][:16])
            table.add_row(model["name"], one["digest"][:12], *moment, one["who"], one["second"], one["reason"])
    return [table] if table.row_count else []


def _refused(model: Mapping[str, Any]) -> Text:
    newest, refusal = model["newest"], _refusal(model)
    said = f"refused by hand: {refusal}" if refusal else f"{newest['status']}: {newest['reason']}"
    return Text(f"{model['name']}: candidate {newest['digest'][:12]} as of {newest['as_of']} was {said}", style="red")


def _traffic(model: Mapping[str, Any]) -> list[Text]:
    """What answers or listens beside the champion, a line each."""
    return [Text(f"{model['name']}: {line}", style="cyan") for line in model["in_traffic"]]


def _candidates(found: list[Mapping[str, Any]]) -> Table:
    table = Table(title="Candidates, newest first", title_justify="left")
    for name in ("model", "as of", "digest", "verdict", "trained on superseded data", "refused by hand"):
        table.add_column(name)
    for model in found:
        for one in model["candidates"]:
            serving = f" (champion, generation {model['generation']})" if one["digest"] == model["champion"] else ""
            verdict = (one["status"] or "not judged") + serving
            words = (one["superseded"] or "", one["refused"] or "")
            table.add_row(model["name"], one["as_of"], one["digest"][:12], verdict, *words)
    return table


def _views(found: list[Mapping[str, Any]]) -> Table:
    table = Table(title="Feature views", title_justify="left")
    for name in ("view", "rows online", "newest"):
        table.add_column(name)
    for view in found:
        rows = "offline only" if view["online_rows"] is None else f"{view['online_rows']:,}"
        table.add_row(view["name"], rows, (view["newest_event_time"] or "-")[:16])
    return table


def _drift(entry: Mapping[str, Any]) -> Text:
    if entry["skipped"]:
        return Text(f"drift of {entry['model']}: not judged: {entry['skipped']}", style="yellow")
    found = f"drift of {entry['model']}: {_share(entry['share_drifted'])} of the features"
    line = Text(found, style="yellow" if entry["alarm"] else "")
    for reason in entry["reasons"][:3]:
        line.append(f"\n  {reason}")
    return line.append(f"\n  {entry['report']}")


def _disk(found: Mapping[str, int]) -> Text:
    free, size, a_day = (found[name] / 1e9 for name in ("free_bytes", "size_bytes", "day_bytes"))
    growth = f", a day takes {a_day:.2g} GB" if a_day else ""
    return Text(f"disk: {free:.3g} of {size:.3g} GB are free{growth}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"


def _interval(metrics: Mapping[str, Any], name: str) -> str:
    value = metrics.get(name)
    if value is None:
        return "-"
    return f"{value:.3f} [{metrics[f'{name}_low']:.3f}, {metrics[f'{name}_high']:.3f}]"
