"""Who may serve next, decided from values alone: the rules of promotion and rollback."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from governance.errors import ReleaseRefused
from governance.release.evidence import Verdict
from governance.release.records import Pointer, Record, Refusal, short


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recorded digest: its `as_of`, the status of its verdict (None: not judged yet), whether a person refused it."""

    digest: str
    as_of: date
    status: Literal["passed", "kept", "failed"] | None
    refused: bool


def newest_passing(candidates: Iterable[Candidate], *, newer_than: date | None) -> Candidate | None:
    """The candidate that automation promotes next: of those that passed and are not refused, the newest `as_of`.

    It must be newer than the champion, strictly: a model trained again for the same week waits for a person.
    Of several with one `as_of` the greatest digest is taken, so that everybody takes the same.

    Parameters
    ----------
    newer_than
        The champion's `as_of`; None where there is no champion.
    """
    fit = (one for one in candidates if one.status == "passed" and not one.refused)
    newer = (one for one in fit if newer_than is None or one.as_of > newer_than)
    return max(newer, key=lambda one: (one.as_of, one.digest), default=None)


def earlier_champion(pointer: Pointer, history: Sequence[Pointer], *, refused: Collection[str]) -> Pointer | None:
    """The earlier pointer that a rollback returns to, None where there is none.

    From each champion the way leads to the one that it replaced, past those that are refused. As a rollback
    refuses the digest that it leaves, rolling back again goes one champion further back, never forth.

    Parameters
    ----------
    history
        Every pointer so far, in order of generation.
    """
    latest = {one.champion: one for one in history}
    seen = {pointer.champion}
    digest = pointer.previous
    while digest is not None and digest not in seen and digest in latest:
        if digest not in refused:
            return latest[digest]
        seen.add(digest)
        digest = latest[digest].previous
    return None


def objection(verdict: Verdict | None, refusal: Refusal | None, *, past_merit: bool) -> str | None:
    """Why a candidate may not serve, None where it may.

    Parameters
    ----------
    past_merit
        Two people agreed to let it past its merit gates, which only a candidate needs that they kept back.
    """
    if verdict is None:
        return "was never judged"
    failing = " ".join(f"{gate.name}: {gate.reason}" for gate in verdict.gates if not gate.passed)
    if past_merit and verdict.passed:
        return "passed its gates and needs no override; promote it"
    if past_merit and verdict.status == "failed":
        return f"failed a safety gate, and no override reaches past one. {failing}"
    if not past_merit and not verdict.passed:
        return f"did not pass its gates ({verdict.status}). {failing}"
    if refusal:
        return f"was refused by {refusal.who} at {refusal.at.isoformat()}: {refusal.reason}"
    return None


def shadow_objection(verdict: Verdict | None, refusal: Refusal | None) -> str | None:
    """Why a candidate may not even be scored beside the champion, None where it may: its merit is not asked."""
    if verdict is None:
        return "was never judged"
    if verdict.status == "failed":
        failing = " ".join(f"{gate.name}: {gate.reason}" for gate in verdict.gates if not gate.passed)
        return f"failed a safety gate, and does not get near requests. {failing}"
    if refusal:
        return f"was refused by {refusal.who} at {refusal.at.isoformat()}: {refusal.reason}"
    return None


def refuse_older(record: Record, champion: Pointer | None) -> None:
    """Raise ReleaseRefused where a candidate is older than what serves."""
    if champion and record.as_of < champion.as_of:
        raise ReleaseRefused(
            f"{record.model} {short(record.digest)} is as of {record.as_of}, older than the champion "
            f"{short(champion.champion)} as of {champion.as_of}; to go back, roll back"
        )
