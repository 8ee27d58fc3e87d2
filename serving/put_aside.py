"""Decisions that a service could not write before it ended: a file beside the ledger, which the next one writes."""

import logging
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from governance.decisions.record import Decision, decoded

_LOG = logging.getLogger(__name__)
_SUFFIX = ".jsonl"


def put_aside(folder: Path, bodies: Sequence[str]) -> Path:
    """Write encoded decisions into a file of their own, on disk when this returns; OSError if it cannot be."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}{_SUFFIX}"
    temporary = path.with_suffix(".part")
    try:
        with temporary.open("wb") as file:
            file.writelines(body.encode() + b"\n" for body in bodies)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(folder)
    return path


def files_put_aside(folder: Path) -> Iterator[tuple[Path, list[Decision]]]:
    """What earlier services put aside; a file that cannot be read stays, under a name that says so."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            yield path, [decoded(line) for line in path.read_bytes().splitlines()]
        except FileNotFoundError:
            # Another worker has written it meanwhile.
            continue
        except msgspec.DecodeError as problem:
            unreadable = path.with_suffix(".unreadable")
            path.rename(unreadable)
            _LOG.error("%s holds no decisions: %s", unreadable, problem)


def _sync(folder: Path) -> None:
    """Let the name of a new file outlive a power cut as well."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
