"""Changes of history that wait for a person, because they reach past the bounds of the marketplace."""

from collections.abc import Sequence
from datetime import timedelta

from governance.automation.held import Held
from governance.oncall.arrivals import LANDING
from governance.oncall.finding import Figure, Finding, Severity, Unit
from governance.oncall.kinds import Kind
from governance.oncall.look import PLATFORM, Look


def held_changes(look: Look, waiting: Sequence[Held]) -> list[Finding]:
    """One finding for all changes that wait; a page once they have kept everything behind them waiting for long."""
    if not waiting:
        return []
    oldest = min(waiting, key=lambda one: one.since)
    stops = look.wall - oldest.since > timedelta(hours=look.bounds.very_late_hours)
    plan = oldest.plan[:12]
    return [
        Finding(
            kind=Kind.HELD_CHANGE,
            subject=LANDING,
            severity=Severity.SEV2 if stops else Severity.SEV3,
            owner=PLATFORM,
            what="changes of history that ask for leave:",
            why=(
                f"{oldest.why}. {oldest.what}. Meanwhile features stay as they were. Preview it: "
                f"{look.govern(f'backfill {oldest.first}..{oldest.last} --preview')}; let it go: "
                f"{look.govern(f'approve {plan} --reason ...')}"
            ),
            first_action=look.govern(f"approve {plan} --dry-run"),
            figure=Figure(len(waiting), Unit.COUNT),
            since=oldest.since,
            where=f"{oldest.first}..{oldest.last}",
        )
    ]
