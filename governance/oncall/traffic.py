"""What the watch over live traffic did by itself: a person should know before the next candidate comes."""

from datetime import timedelta

from governance.models.catalogue import Model
from governance.oncall.champions import pointer_of
from governance.oncall.finding import Finding, Severity
from governance.oncall.kinds import Kind
from governance.oncall.look import Look, champion_change
from governance.release.traffic_verdict import OUT_OF_BAND, WATCH

_TOLD_FOR = timedelta(days=3)
"""Until somebody moves the pointer, but for no longer: after a weekend it is known."""


def taken_back(look: Look) -> list[Finding]:
    """A finding for each model whose canary the watch ended, or whose champion it rolled back, as its last move."""
    return [finding for model in look.workspace.models.present.values() if (finding := _of(look, model))]


def _of(look: Look, model: Model) -> Finding | None:
    pointer = pointer_of(look, model.name)
    if pointer is None or pointer.who != WATCH or not pointer.reason.startswith(OUT_OF_BAND):
        return None
    if look.wall - pointer.at > _TOLD_FOR:
        return None
    canary = pointer.promoted is not None
    return Finding(
        kind=Kind.TAKEN_BACK,
        subject=model.name,
        severity=Severity.SEV3 if canary else Severity.SEV2,
        owner=model.spec.owner,
        what="canary ended by the watch over traffic" if canary else "champion rolled back by the watch over traffic",
        why=f"{pointer.reason}. It is refused until somebody allows it again",
        first_action=look.govern("models"),
        since=pointer.at if look.workspace.marketplace.clock == "wall" else None,
        last_change=champion_change(pointer),
    )
