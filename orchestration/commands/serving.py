"""The scoring service: starting it, and the keys that open it."""

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from governance.workspace import Workspace
from orchestration.commands.shared import MarketplaceOption, ReasonOption, WhoOption, console, login, open_workspace
from orchestration.environments import current_workspace
from serving.keys import SCOPES, Key, KeyLedger, keys_of
from serving.settings import Settings

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key's id: the part after mg_.")]
_DEFAULT = Settings()


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(serve)
    keys = typer.Typer(help="API keys of the scoring service. What was done to them, by whom and why, stays on record.")
    for name, command in (("add", add), ("list", list_), ("rotate", rotate), ("revoke", revoke), ("history", history)):
        keys.command(name)(command)
    app.add_typer(keys, name="keys")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = _DEFAULT.host,
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.")] = _DEFAULT.port,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = _DEFAULT.workers,
    marketplace: MarketplaceOption = None,
) -> None:
    """Answer live decisions over HTTP from the champions and features that stand; Ctrl-C ends it."""
    workspace = open_workspace(marketplace)
    settings = replace(_DEFAULT, host=host, port=port, workers=workers)
    if not any(key.valid(datetime.now(UTC)) for key in _keys(workspace).ring().all()):
        console.print("No key opens anything yet: govern keys add NAME --scope score --reason ...")
    if workers > 1:
        _share_figures(workspace)
    # Before Feast, which would have the library keep the figures of a single worker in files as well.
    import prometheus_client  # noqa: F401

    from serving.run import serve as answer

    os.environ["MARKETPLACE"] = str(workspace.marketplace.folder)
    answer(
        current_workspace,
        settings,
        ready=_say_where,
    )


def add(
    caller: Annotated[str, typer.Argument(metavar="NAME", help="The service that will use it.")],
    reason: ReasonOption,
    scope: Annotated[list[str], typer.Option("--scope", help=f"What it opens: {', '.join(SCOPES)}; repeatable.")],
    days: Annotated[int | None, typer.Option(min=1, help="Expires after so many days.")] = None,
    who: WhoOption = None,
    marketplace: MarketplaceOption = None,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=days) if days else None
    ledger = _keys(open_workspace(marketplace))
    _tell(ledger.add(caller, scope, who=who or login(), reason=reason, at=now, expires_at=expires_at))


def list_(marketplace: MarketplaceOption = None) -> None:
    """The keys with their callers, scopes and ends; never the keys themselves."""
    now = datetime.now(UTC)
    for key in _keys(open_workspace(marketplace)).ring().all():
        console.print(f"{key.key_id}  {key.caller}  {','.join(sorted(key.scopes))}  {_standing(key, now)}")


def history(marketplace: MarketplaceOption = None) -> None:
    """Everything that was done to keys: when, by whom, what and why."""
    for change in _keys(open_workspace(marketplace)).changes():
        console.print(f"{change.at:%Y-%m-%d %H:%M}  {change.who}  {change.what} {change.key_id}: {change.reason}")


def rotate(
    key: KeyArgument,
    reason: ReasonOption,
    overlap_hours: Annotated[int, typer.Option(min=0, help="The old key opens for so long.")] = 24,
    who: WhoOption = None,
    marketplace: MarketplaceOption = None,
) -> None:
    """Give a key's caller another one, and let the old one end after an overlap."""
    ledger, overlap = _keys(open_workspace(marketplace)), timedelta(hours=overlap_hours)
    _tell(ledger.rotate(key, who=who or login(), reason=reason, at=datetime.now(UTC), overlap=overlap))
    console.print(f"{key} opens for another {overlap_hours} h")


def revoke(
    key: KeyArgument, reason: ReasonOption, who: WhoOption = None, marketplace: MarketplaceOption = None
) -> None:
    """End a key at once; the service notices within a second."""
    _keys(open_workspace(marketplace)).revoke(key, who=who or login(), reason=reason, at=datetime.now(UTC))
    console.print(f"{key} opens nothing any more")


def _say_where(url: str) -> None:
    console.print(f"Decisions at {url}, its documentation at {url}/docs")


def _share_figures(workspace: Workspace) -> None:
    """Let all workers add to the same figures; prometheus_client looks for the folder when it is imported."""
    folder = workspace.root / "serving" / "figures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _keys(workspace: Workspace) -> KeyLedger:
    return keys_of(workspace.root)


def _tell(token: str) -> None:
    # Not wrapped, so that it can be piped.
    typer.echo(token)


def _standing(key: Key, now: datetime) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if key.expires_at is None:
        return "valid"
    return f"{'valid until' if key.valid(now) else 'expired'} {key.expires_at:%Y-%m-%d %H:%M}"
