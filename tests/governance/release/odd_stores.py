"""Object stores for tests: one in memory, and one in which something happens around a write."""

from collections.abc import Callable
from itertools import count

from governance.errors import ConflictError
from governance.release.records import sha256
from governance.storage.objects import ObjectStore, Stored


class Interrupted:
    """A store in which something happens right before, or right after, the write of that number."""

    def __init__(self, inner: ObjectStore, *, write: int, what: Callable[[], object], after: bool = False) -> None:
        self._inner, self._what, self._write, self._after = inner, what, write, after
        self._writes = count(1)

    def get(self, key: str) -> Stored | None:
        return self._inner.get(key)

    def list(self, prefix: str = "") -> list[str]:
        return self._inner.list(prefix)

    def put_new(self, key: str, data: bytes) -> str:
        return self._around(lambda: self._inner.put_new(key, data))

    def replace(self, key: str, data: bytes, *, etag: str) -> str:
        return self._around(lambda: self._inner.replace(key, data, etag=etag))

    def _around(self, write: Callable[[], str]) -> str:
        due = next(self._writes) == self._write
        if due and not self._after:
            self._what()
        try:
            return write()
        finally:
            if due and self._after:
                self._what()


class InMemory:
    """A store for one thread, so that many histories can be tried."""

    def __init__(self) -> None:
        self._objects: dict[str, Stored] = {}

    def get(self, key: str) -> Stored | None:
        return self._objects.get(key)

    def put_new(self, key: str, data: bytes) -> str:
        if key in self._objects:
            raise ConflictError(key)
        return self._put(key, data)

    def replace(self, key: str, data: bytes, *, etag: str) -> str:
        if key not in self._objects or self._objects[key].etag != etag:
            raise ConflictError(key)
        return self._put(key, data)

    def list(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self._objects if key.startswith(prefix))

    def _put(self, key: str, data: bytes) -> str:
        self._objects[key] = Stored(data, sha256(data))
        return self._objects[key].etag


class Killed(BaseException):
    """The process ends here."""


def kill() -> None:
    raise Killed
