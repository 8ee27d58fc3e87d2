"""The one place that reads the environment: where a marketplace's workspace lies and what opens it.

| variable | meaning | default |
|---|---|---|
| MARKETPLACE | name of a marketplace, or a folder with its TOML and SQL | simulated |
| GOVERNANCE_ROOT | folder of all workspaces | var |
| GOVERNANCE_SOURCE | folder of the owner's files | what the last run named, else `<workspace>/source` |
| GOVERNANCE_OBJECTS | where models lie: a folder or s3://bucket/prefix | `<workspace>/objects` |
| GOVERNANCE_HMAC_KEY | key of personal data's hashes, at least 16 bytes | none; marketplaces of real people need it |
| GOVERNANCE_HMAC_KEY_ID | name of that key, kept beside each hash | k1 |
| GOVERNANCE_ALERTS | addresses that alerts go to, as in docs/alerts.md | none: the log alone |
| GOVERNANCE_UI | where people open the Dagster UI, for links | http://127.0.0.1:3000 |
| GOVERNANCE_DOCS | where people read the project's folder `docs/`, for links | this folder, as file:// |
| GOVERNANCE_ENVIRONMENT | feature store: `embedded` (SQLite) or `production` (Postgres and Redis) | embedded |
| GOVERNANCE_REGISTRY | production: the catalogue, postgresql+psycopg2://user:password@host/database | none |
| GOVERNANCE_DAGSTER | Dagster's runs and schedules in Postgres, postgresql+psycopg2://... | none: SQLite |
| GOVERNANCE_LEDGER | decisions in Postgres, postgresql://user:password@host/database | SQLite in the workspace |
| GOVERNANCE_REDIS | production: online values, host:port,db=0,username=...,password=...,ssl=true | none |
"""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from governance.contracts.personal import PUBLISHED, KeyedHash
from governance.errors import ConfigurationError
from governance.marketplaces.marketplace import Marketplace, load_marketplace
from governance.storage.files import write_text
from governance.workspace import Workspace

PROJECT = Path(__file__).parent.parent
_DAGSTER = "GOVERNANCE_DAGSTER"
_CONNECTIONS = ("GOVERNANCE_REGISTRY", "GOVERNANCE_REDIS", "GOVERNANCE_LEDGER", _DAGSTER)
_IN_POSTGRES = f"""
storage:
  postgres:
    postgres_url:
      env: {_DAGSTER}
"""
"""What dagster.yaml says in addition there: the name of the variable, so that the password stays out of the file."""
_IN_SQLITE = """
event_log_storage:
  module: orchestration.event_log
  class: BatchingEventLog
  config:
    base_dir: {folder}
"""
"""What it says in addition elsewhere: where Dagster itself would keep events, and who writes them."""


def workspace_from(
    environ: Mapping[str, str], *, marketplace: str | None = None, source: Path | None = None
) -> Workspace:
    """The workspace that the environment and the command line name."""
    loaded = load_marketplace(marketplace or environ.get("MARKETPLACE") or "simulated")
    root = Path(environ.get("GOVERNANCE_ROOT") or PROJECT / "var").resolve() / loaded.name
    named = source or (Path(environ["GOVERNANCE_SOURCE"]) if environ.get("GOVERNANCE_SOURCE") else None)
    return Workspace(
        root=root,
        marketplace=loaded,
        source_root=named.resolve() if named else _remembered_source(root),
        keyed_hash=_keyed_hash(loaded, environ),
        objects_url=environ.get("GOVERNANCE_OBJECTS") or str(root / "objects"),
        environment=environ.get("GOVERNANCE_ENVIRONMENT") or "embedded",
        connections={name: environ[name] for name in _CONNECTIONS if environ.get(name)},
        commit=_commit(),
        docs_url=environ.get("GOVERNANCE_DOCS") or PROJECT.as_uri(),
        machine=f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
    )


def current_workspace() -> Workspace:
    """The workspace of this process's environment."""
    return workspace_from(os.environ)


def alert_addresses(environ: Mapping[str, str]) -> str:
    """Addresses that alerts go to, separated by white space; they may hold passwords."""
    return environ.get("GOVERNANCE_ALERTS", "")


def ui_url(environ: Mapping[str, str]) -> str:
    """Where people open the Dagster UI."""
    return environ.get("GOVERNANCE_UI") or "http://127.0.0.1:3000"


def remember_source(workspace: Workspace) -> None:
    """Keep the folder of the owner's files for later commands and for the UI, once there proves to be something in it.

    Raises
    ------
    SourceError
        There is no such folder, or nothing has been delivered into it; what was remembered before stands.
    """
    with workspace.source():
        workspace.days()
    write_text(_source_file(workspace.root), json.dumps({"source": str(workspace.source_root)}))


def prepare_dagster_home(workspace: Workspace) -> Path:
    """The Dagster instance of a workspace: its folder with the project's dagster.yaml in it."""
    home = workspace.root / "dagster"
    where = _IN_POSTGRES if _DAGSTER in workspace.connections else sqlite_log(home)
    write_text(home / "dagster.yaml", (PROJECT / "dagster.yaml").read_text() + where)
    return home


def sqlite_log(home: Path) -> str:
    """The part of `dagster.yaml` that keeps events in SQLite; a string of JSON is one of YAML, whatever is in it."""
    return _IN_SQLITE.format(folder=json.dumps(str(home / "history" / "runs"), ensure_ascii=False))


def _source_file(root: Path) -> Path:
    return root / "source.json"


def _remembered_source(root: Path) -> Path:
    path = _source_file(root)
    if path.exists():
        return Path(json.loads(path.read_text())["source"])
    return root / "source"


def _keyed_hash(marketplace: Marketplace, environ: Mapping[str, str]) -> KeyedHash:
    if not marketplace.needs_secret_key:
        return PUBLISHED
    secret = environ.get("GOVERNANCE_HMAC_KEY")
    if not secret:
        raise ConfigurationError(
            f"{marketplace.name} holds data of real people: set GOVERNANCE_HMAC_KEY to a secret of at least 16 bytes"
        )
    return KeyedHash(environ.get("GOVERNANCE_HMAC_KEY_ID") or "k1", secret.encode())


def _commit() -> str | None:
    found = subprocess.run(  # noqa: S603 - fixed words, no input
        ["git", "-C", str(PROJECT), "rev-parse", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None
