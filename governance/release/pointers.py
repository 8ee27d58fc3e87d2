"""The pointer of each model as a compare-and-set register with a log; who may move it is decided elsewhere."""

from dataclasses import dataclass
from typing import NoReturn

from governance.errors import ConflictError
from governance.release.documents import Untrusted
from governance.release.records import Pointer, model_folder, short
from governance.release.traffic import NO_TRAFFIC, Traffic
from governance.storage.objects import ObjectStore, put_same


@dataclass(frozen=True, slots=True)
class Serving:
    """A model's pointer as it was read (None: none yet), with the tag that its replacement must name."""

    name: str
    pointer: Pointer | None
    etag: str

    @property
    def champion(self) -> Pointer | None:
        """The pointer, None where it says that nothing serves."""
        return None if self.pointer is None or self.pointer.vacant else self.pointer

    @property
    def traffic(self) -> Traffic:
        """What answers or listens beside the champion; shadows may listen where there is none yet."""
        return self.pointer.traffic if self.pointer else NO_TRAFFIC

    @property
    def generation(self) -> int:
        """How often the pointer has moved."""
        return self.pointer.generation if self.pointer else 0


class Pointers:
    """Reads and moves pointers. Of two that move from one generation, one wins and the other is told who did."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def read(self, name: str) -> Serving:
        """The pointer and its tag; Untrusted where the pointer is damaged."""
        key = _key(name)
        stored = self._objects.get(key)
        if stored is None:
            return Serving(name, None, "")
        return Serving(name, Pointer.decoded(stored.data, what=key), stored.etag)

    def history(self, name: str) -> list[Pointer]:
        """Every pointer there was, in order of generation, the present one last."""
        keys = self._objects.list(_log_folder(name))
        logged = [(key, self._objects.get(key)) for key in keys]
        past = [Pointer.decoded(stored.data, what=key) for key, stored in logged if stored]
        present = self.read(name).pointer
        # A process killed right after a move has not logged it: the pointer itself tells it.
        return past if present is None or present in past else [*past, present]

    def served_since_promotion(self, serving: Serving) -> bool:
        """Whether, by the log, the champion has served without a break since the move that its pointer names."""
        pointer = serving.pointer
        if pointer is None or pointer.promoted is None:
            return True
        since, last = pointer.promoted.generation, pointer.generation
        keys = [f"{_log_folder(serving.name)}{generation:08d}.json" for generation in range(since, last)]
        logged = [(key, self._objects.get(key)) for key in keys]
        passed = [Pointer.decoded(stored.data, what=key) for key, stored in logged if stored]
        same = all((one.champion, one.promotion) == (pointer.champion, pointer.promoted) for one in passed)
        return same and len(passed) == len(keys)

    def expect(self, serving: Serving, generation: int | None) -> None:
        """Raise ConflictError, saying who moved it, where the pointer is not of the generation that was expected."""
        if generation is not None and generation != serving.generation:
            _refuse_late(serving.name, serving.pointer)

    def move(self, serving: Serving, pointer: Pointer) -> Pointer:
        """Replace the pointer that was read, and log it.

        A kill leaves the old pointer or the new one. The log may then lack the new one; the next move completes it.

        Raises
        ------
        ConflictError
            Somebody else moved it since; the message says who. Nothing changed.
        Untrusted
            The pointer was deleted or changed without the log: the log's last entry should be put back.
        """
        if serving.pointer:
            self._log(serving.name, serving.pointer)
        else:
            self._require_no_log(serving.name)
        try:
            if serving.pointer:
                self._objects.replace(_key(serving.name), pointer.encoded(), etag=serving.etag)
            else:
                self._objects.put_new(_key(serving.name), pointer.encoded())
        except ConflictError:
            _refuse_late(serving.name, self.read(serving.name).pointer)
        self._log(serving.name, pointer)
        return pointer

    def _log(self, name: str, pointer: Pointer) -> None:
        key = f"{_log_folder(name)}{pointer.generation:08d}.json"
        try:
            put_same(self._objects, key, pointer.encoded())
        except ConflictError as conflict:
            raise Untrusted(f"{_key(name)} is not what {key} says it was; put that back") from conflict

    def _require_no_log(self, name: str) -> None:
        # Read again after listing: another process may have made the first move in between.
        if self._objects.list(_log_folder(name)) and self.read(name).pointer is None:
            raise Untrusted(f"{_key(name)} is gone; put back the last entry of {_log_folder(name)}")


def _refuse_late(name: str, pointer: Pointer | None) -> NoReturn:
    now = "nothing serves"
    if pointer:
        champion = "nothing" if pointer.vacant else short(pointer.champion)
        now = (
            f"{pointer.who} moved it first, to {champion} "
            f"(generation {pointer.generation}, at {pointer.at.isoformat()}: {pointer.reason})"
        )
    raise ConflictError(f"{name}: the pointer is not what was decided on: {now}. Read it and decide again")


def _key(name: str) -> str:
    return f"{model_folder(name)}/serving.json"


def _log_folder(name: str) -> str:
    return f"{model_folder(name)}/history/"
