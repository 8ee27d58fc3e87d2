"""What only a person decides, as jobs for the launchpad, in the words of `govern rollback`, `override`, `approve`."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from assets.failures import as_failures
from governance.errors import ConfigurationError
from governance.release.overrides import DAYS_AT_MOST
from governance.workspace import Workspace
from orchestration import repair_words as words
from orchestration.given import moment, require_model, whole_digest

Space = dg.ResourceParam[Workspace]


_EXPECT: Any = Field(default=None, description="Only if the pointer is of this generation (`govern models` shows it).")
_DRY_RUN: Any = Field(default=False, description="Say what would change, and stop.")


class Decision(dg.Config):
    """Who decides, and why; kept for ever."""

    reason: str = Field(description="Why; it is kept for ever.")
    who: str = Field(description="Who signs.")


class Signed(Decision):
    """A decision about a model."""

    model: str = Field(description="Such as claim.")


class SignedDigest(Signed):
    """A decision about a candidate."""

    digest: str = Field(description="The candidate's digest, or enough of its beginning.")


class RollBack(Signed):
    """A champion to take back."""

    expect: int | None = _EXPECT
    dry_run: bool = _DRY_RUN


class Promotion(SignedDigest):
    """A candidate to promote."""

    expect: int | None = _EXPECT


class Consent(SignedDigest):
    """A candidate to let past its merit gates."""

    second: str = Field(description="Another person, who agreed.")
    until: str = Field(description=f"When it ends: a UTC day such as 2024-03-08, {DAYS_AT_MOST} days off at most.")
    expect: int | None = _EXPECT
    dry_run: bool = _DRY_RUN


class Leave(Decision):
    """A change of history that waits."""

    plan: str = Field(description="The change as `govern approve` and the alert name it, or enough of its beginning.")
    dry_run: bool = _DRY_RUN


@dg.op
def roll_back(context: dg.OpExecutionContext, config: RollBack, workspace: Space) -> None:
    """Return to the champion before the present one, and refuse the one that is left."""
    with as_failures():
        require_model(workspace, config.model)
        pointer = workspace.registry.rollback(
            config.model,
            who=config.who,
            reason=config.reason,
            at=_now(),
            expect=config.expect,
            dry_run=config.dry_run,
        )
    context.log.info(words.moved(config.model, pointer, dry_run=config.dry_run))


@dg.op
def promote_candidate(context: dg.OpExecutionContext, config: Promotion, workspace: Space) -> None:
    """Make a candidate the champion; refused unless its own verdict passed."""
    with as_failures():
        digest = whole_digest(workspace, config.model, config.digest)
        pointer = workspace.registry.promote(
            config.model, digest, who=config.who, reason=config.reason, at=_now(), expect=config.expect
        )
    context.log.info(words.moved(config.model, pointer, dry_run=False))


@dg.op
def let_past_merit_gates(context: dg.OpExecutionContext, config: Consent, workspace: Space) -> None:
    """Let a candidate serve past its merit gates until a stated time; nothing reaches past a safety gate."""
    with as_failures():
        pointer = workspace.registry.override(
            config.model,
            whole_digest(workspace, config.model, config.digest),
            who=config.who,
            second=config.second,
            reason=config.reason,
            at=_now(),
            until=moment(config.until),
            expect=config.expect,
            dry_run=config.dry_run,
        )
    context.log.info(words.moved(config.model, pointer, dry_run=config.dry_run))


@dg.op
def refuse_candidate(context: dg.OpExecutionContext, config: SignedDigest, workspace: Space) -> None:
    """Forbid the promotion of a candidate, whatever its gates said."""
    with as_failures():
        digest = whole_digest(workspace, config.model, config.digest)
        workspace.registry.refuse(config.model, digest, who=config.who, reason=config.reason, at=_now())
    context.log.info(f"{config.model}: {digest[:12]} is refused")


@dg.op
def allow_candidate(context: dg.OpExecutionContext, config: SignedDigest, workspace: Space) -> None:
    """Lift the refusal of a candidate; its gates decide again."""
    with as_failures():
        digest = whole_digest(workspace, config.model, config.digest)
        workspace.registry.allow(config.model, digest, who=config.who, reason=config.reason, at=_now())
    context.log.info(f"{config.model}: {digest[:12]} is allowed")


@dg.op
def let_go(context: dg.OpExecutionContext, config: Leave, workspace: Space) -> None:
    """Let a change of history go that waits for a person."""
    with as_failures():
        if not config.reason:
            raise ConfigurationError("say why: the reason is kept for ever")
        found = workspace.held.one(config.plan)
        if not config.dry_run:
            found = workspace.held.approve(config.plan, who=config.who, reason=config.reason, at=_now())
    state = f"let go by {found.approved_by}" if found.approved else "would be let go"
    context.log.info(f"{found.plan[:12]} {state}: {found.why}. {found.what}")


@dg.job(description="Return a model to the champion before this one; the one that is left is refused.")
def rollback() -> None:
    """Roll a model back."""
    roll_back()


@dg.job(description="Make a candidate that passed its gates the champion, also one of the champion's own week.")
def promote() -> None:
    """Promote a candidate by hand."""
    promote_candidate()


@dg.job(description="Let a candidate past its merit gates until a stated time; two people, never past a safety gate.")
def override() -> None:
    """Override merit gates."""
    let_past_merit_gates()


@dg.job(description="Forbid the promotion of a candidate until somebody allows it again.")
def refuse() -> None:
    """Refuse a candidate."""
    refuse_candidate()


@dg.job(description="Lift the refusal of a candidate; its gates decide again.")
def allow() -> None:
    """Allow a candidate."""
    allow_candidate()


@dg.job(description="Let a change of history go that waits for a person; the sensor changed_days starts it.")
def approve() -> None:
    """Approve a change."""
    let_go()


def build_decision_jobs(workspace: Workspace) -> list[dg.JobDefinition]:
    """Every decision as a job."""
    return [approve, *([promote, rollback, override, refuse, allow] if workspace.models.present else [])]


def _now() -> datetime:
    return datetime.now(UTC)
