"""Small objects by key, with the two atomic writes that every store worth using has: put if new, replace if unmoved.

This module holds the promise (`ObjectStore`) and its local folder; `objects_s3` keeps the same promise on S3.
"""

import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from governance.errors import ConfigurationError, ConflictError, InputError, StoreError

KEY_LENGTH_AT_MOST = 512
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]{0,199}")


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes and the tag that changes whenever they do."""

    data: bytes
    etag: str


class ObjectStore(Protocol):
    """Objects by key. A key is an object or a folder of objects, never both; nothing is ever deleted.

    Of several writers at once one wins, unless they write the same bytes: then each may be told that it did.
    """

    def get(self, key: str) -> Stored | None:
        """The object, or None where there is none."""

    def put_new(self, key: str, data: bytes) -> str:
        """Write an object that must not exist yet and return its tag; ConflictError where it does."""

    def replace(self, key: str, data: bytes, *, etag: str) -> str:
        """Overwrite the object that `etag` was read from and return its new tag; ConflictError where it has moved."""

    def list(self, prefix: str = "") -> list[str]:
        """Keys that start with `prefix`, sorted."""


def put_same(objects: ObjectStore, key: str, data: bytes) -> str:
    """Write an immutable object and return its tag: the same bytes again are fine, other bytes a ConflictError."""
    try:
        return objects.put_new(key, data)
    except ConflictError as conflict:
        standing = objects.get(key)
        if standing is None or standing.data != data:
            raise ConflictError(f"{key} is immutable and already holds other bytes; nothing was written") from conflict
        return standing.etag


def open_objects(url: str, *, endpoint_url: str | None = None, region: str = "us-east-1") -> ObjectStore:
    """Open a store by its address: a plain path, `file:///folder` or `s3://bucket/prefix`.

    Parameters
    ----------
    endpoint_url, region
        Where an S3 server is that is not Amazon's, and its region; ignored for folders.

    Raises
    ------
    ConfigurationError
        The address is of a kind that nothing here can open.
    StoreError
        The S3 server does not refuse a second writer (see `S3Objects.probe`).
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from governance.storage.objects_s3 import open_s3

        return open_s3(url, endpoint_url=endpoint_url, region=region)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalObjects(Path(unquote(parts.path)))
    if url and "://" not in url and parts.scheme != "file":
        return LocalObjects(Path(url))
    raise ConfigurationError(f"{url!r} is no object store; give a folder, file:///folder or s3://bucket/prefix")


def valid_key(key: str) -> str:
    """The key itself, when every segment begins with a letter, digit or underscore and nothing can escape its folder.

    >>> valid_key("models/claim/serving.json")
    'models/claim/serving.json'
    """
    if len(key) > KEY_LENGTH_AT_MOST or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise InputError(f"{key[:80]!r} is no object key: letters, digits and _ . = - in segments parted by /")
    return key


def valid_prefix(prefix: str) -> str:
    """The prefix itself, when it is empty or, but for one closing slash, a key."""
    if prefix:
        valid_key(prefix.removesuffix("/"))
    return prefix


class LocalObjects:
    """Objects as files under one root folder, safe between threads and between processes of one machine.

    Files are written under a temporary name, synced and then named, so that a killed process leaves
    the old bytes or the new ones. What it leaves in `.tmp` is never read and may be deleted.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def __repr__(self) -> str:
        return f"LocalObjects({str(self.root)!r})"

    def get(self, key: str) -> Stored | None:
        """The object, or None where there is none."""
        try:
            data = self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        return Stored(data, _etag(data))

    def put_new(self, key: str, data: bytes) -> str:
        """Write an object that must not exist yet and return its tag; ConflictError where it does."""
        path = self._path(key)
        self._make_folder(path.parent)
        with self._temporary(data) as temporary:
            try:
                # A hard link fails where the name is taken; a rename would overwrite it.
                path.hardlink_to(temporary)
            except FileExistsError as taken:
                raise ConflictError(f"{key} is already there") from taken
        self._sync_folders(path.parent)
        return _etag(data)

    def replace(self, key: str, data: bytes, *, etag: str) -> str:
        """Overwrite the object that `etag` was read from and return its new tag; ConflictError where it has moved."""
        path = self._path(key)
        with self._locked():
            current = self.get(key)
            if current is None or current.etag != etag:
                raise ConflictError(f"{key} is no longer what was read: somebody else wrote first")
            with self._temporary(data) as temporary:
                temporary.replace(path)
            self._sync_folders(path.parent)
        return _etag(data)

    def list(self, prefix: str = "") -> list[str]:
        """Keys that start with `prefix`, sorted."""
        folder = self.root / valid_prefix(prefix).rpartition("/")[0]
        keys = (path.relative_to(self.root).as_posix() for path in folder.rglob("*") if path.is_file())
        return sorted(key for key in keys if key.startswith(prefix) and not key.startswith("."))

    def _path(self, key: str) -> Path:
        return self.root / valid_key(key)

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as clash:
            raise StoreError(f"{folder} lies below an object: a key is an object or a folder, never both") from clash

    @contextmanager
    def _temporary(self, data: bytes) -> Iterator[Path]:
        temporary = self.root / ".tmp" / uuid.uuid4().hex
        self._make_folder(temporary.parent)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # Every caller opens the file itself: flock excludes open files, so it works between threads too.
        self._make_folder(self.root)
        with (self.root / ".lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _sync_folders(self, folder: Path) -> None:
        # A name survives a power cut only when every folder above it, which may be new as well, is synced.
        while folder != self.root.parent:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            folder = folder.parent


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
