"""Copies of a workspace that cost no rows: every partition is a hard link, and a link is replaced, never written into.

What is done in a copy leaves the original as it is, and what is done to the original leaves the copy: the first
rehearses a backfill, the second keeps what stood before one.
"""

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from governance.workspace import Workspace

_FOLDER = "scratch"


@contextmanager
def linked_copy(workspace: Workspace) -> Iterator[Workspace]:
    """A copy of the workspace's lake and label ledger, gone after use; models and the owner's files are shared.

    Its feature store is an embedded one of its own, whatever the workspace's is: what is done in a copy must not
    reach a catalogue or an online store that serves.
    """
    _remove_leftovers(workspace.root / _FOLDER)
    root = workspace.root / _FOLDER / f"{os.getpid()}-{uuid.uuid4().hex}"
    try:
        _link(workspace.lake.root, root / "lake")
        _copy_ledger(workspace.root / "ledgers" / "labels.sqlite", root / "ledgers" / "labels.sqlite")
        yield replace(workspace, root=root, environment="embedded")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _link(lake: Path, copy: Path) -> None:
    copy.mkdir(parents=True)
    for file in lake.glob("**/dt=*/rows.parquet"):
        target = copy / file.relative_to(lake)
        target.parent.mkdir(parents=True)
        # A partition that a run beside us replaces meanwhile is as good in its new file; one that it drops is gone.
        with suppress(FileNotFoundError):
            target.hardlink_to(file)


def _copy_ledger(ledger: Path, copy: Path) -> None:
    if not ledger.exists():
        return
    copy.parent.mkdir(parents=True)
    with closing(sqlite3.connect(ledger, timeout=60)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _remove_leftovers(folder: Path) -> None:
    """Copies of processes that were killed."""
    for left in folder.glob("*-*"):
        if not _lives(int(left.name.split("-", 1)[0])):
            shutil.rmtree(left, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
