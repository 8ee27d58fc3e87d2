"""How the command line shows what a backfill changes: the same table before and after."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from governance.backfill.changes import AssetChange, Impact, ModelChange, OnlineChange
from orchestration import show
from orchestration.backfills import Reconciliation
from orchestration.impact import Preview

_NOTHING = "Nothing changes: every day that is delivered stands as it was delivered."
_DAYS_SHOWN = 3


def preview(found: Preview) -> RenderableType:
    """The runs of a backfill, what they would change, and how long they should take."""
    if not found.runs:
        return Text(_NOTHING)
    parts: list[RenderableType] = [show.planned(run) for run in found.runs]
    if found.impact.changes_nothing:
        parts.append(Text("No digest and no key online would change."))
    return Group(*parts, impact(found.impact, would=True), Text(_time(found)))


def _time(found: Preview) -> str:
    never = f"{len(found.unmeasured)} asset(s) have not been timed here yet"
    if not found.seconds:
        return f"How long it takes cannot be said: {never}." if found.unmeasured else "It should take no time."
    return f"It should take about {spoken(found.seconds)}" + (f"; {never}." if found.unmeasured else ".")


def reconciliation(found: Reconciliation) -> RenderableType:
    """What a backfill has changed."""
    if not found.runs:
        return Text(_NOTHING)
    parts = [impact(found.impact, would=False)]
    if found.impact.changes_nothing:
        parts.append(Text("No digest and no key online has changed."))
    if found.stopped:
        days = f"{found.wanted.first}..{found.wanted.last}"
        parts.append(Text(f"Stopped: whole days stand. To go on: govern backfill {days}", style="yellow"))
    return Group(*parts, Text(f"It took {spoken(found.seconds)}."))


def impact(found: Impact, *, would: bool) -> RenderableType:
    """By asset the partitions and rows, then keys online, models, and days that did not land."""
    parts: list[RenderableType] = [_assets(found.assets, would=would)] if found.assets else []
    parts += [_online(table, would=would) for table in found.online]
    parts += [line for model in found.models for line in _model(model)]
    for one in found.unlanded:
        verb = "would not land" if would else "did not land"
        parts.append(Text(f"{one.asset} of {one.day} {verb}{': ' if one.why else ''}{one.why}", style="red"))
    return Group(*parts)


def spoken(seconds: float) -> str:
    """A duration as people say it.

    >>> spoken(0.4), spoken(72), spoken(400)
    ('1 s', '72 s', '7 min')
    """
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(1, round(seconds))} s"


def days_in_words(days: Sequence[date]) -> str:
    """Days as ranges, the first few of them.

    >>> days_in_words([date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 5)])
    '2024-01-01..2024-01-02, 2024-01-05'
    """
    ranges = [
        [day for _, day in found] for _, found in groupby(enumerate(days), lambda one: one[1].toordinal() - one[0])
    ]
    words = [str(one[0]) if len(one) == 1 else f"{one[0]}..{one[-1]}" for one in ranges]
    return ", ".join(words[:_DAYS_SHOWN]) + (
        f" and {len(words) - _DAYS_SHOWN} more" if len(words) > _DAYS_SHOWN else ""
    )


def _assets(found: Sequence[AssetChange], *, would: bool) -> Table:
    table = Table(title="What would change" if would else "What has changed", title_justify="left")
    for name in ("asset", "written", "of these new or different", "rows before", "rows after", "+", "-", "keys"):
        table.add_column(name, no_wrap=name == "asset")
    for one in found:
        changed = [day for day, _ in one.changed]
        figures = [one.rows_before, one.rows_after, one.rows_added, one.rows_removed, one.keys]
        days = f"{len(changed)}: {days_in_words(changed)}" if changed else "none"
        table.add_row(
            one.asset, f"{len(one.written)}", days, *(f"{figure:,}" if changed else "-" for figure in figures)
        )
    return table


def _online(found: OnlineChange, *, would: bool) -> Text:
    verb = "would be" if would else "were"
    line = Text(f"online {found.table}: {len(found.changed):,} keys {verb} changed, {len(found.added):,} added")
    if found.left_over:
        left = f"; {len(found.left_over):,} keys are online but no longer offline: govern repair online"
        line.append(left, style="red")
    return line


def _model(found: ModelChange) -> list[Text]:
    lines = []
    if found.current:
        lines.append(Text(f"{found.model}: this week's candidate is stale and will be trained again", style="yellow"))
    if found.older:
        weeks = ", ".join(str(as_of) for as_of, _ in found.older)
        lines.append(Text(f"{found.model}: marked as trained on superseded data: as of {weeks}", style="yellow"))
    return lines
