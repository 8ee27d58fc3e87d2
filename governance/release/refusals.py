"""Refusals by hand: a person's word that a digest must not be promoted, and that it may be again."""

from datetime import datetime

from governance.errors import ConflictError
from governance.release.records import (
    Refusal,
    candidate_folder,
    decode_refusals,
    encode_refusals,
    model_folder,
    require_signature,
)
from governance.storage.objects import ObjectStore


class Refusals:
    """What people said of digests; the last word on each holds and none is lost."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def standing(self, name: str) -> dict[str, Refusal]:
        """The refusals in force, by digest."""
        folder = f"{model_folder(name)}/refused/"
        keys = self._objects.list(folder)
        words = {key.removeprefix(folder).removesuffix(".json"): self._read(key)[0] for key in keys}
        return {digest: said[-1] for digest, said in words.items() if said and said[-1].refused}

    def of(self, name: str, digest: str) -> Refusal | None:
        """The refusal of this digest that is in force, if any."""
        said, _ = self._read(_key(name, digest))
        return said[-1] if said and said[-1].refused else None

    def say(self, name: str, digest: str, *, refused: bool, who: str, reason: str, at: datetime) -> None:
        """Refuse a digest or allow it again; saying what already holds changes nothing.

        Raises
        ------
        ConflictError
            Somebody spoke of this digest at the same moment.
        """
        require_signature(who=who, reason=reason, at=at)
        key = _key(name, digest)
        said, etag = self._read(key)
        if refused == bool(said and said[-1].refused):
            return
        data = encode_refusals((*said, Refusal(refused=refused, who=who, reason=reason, at=at)))
        try:
            if etag is None:
                self._objects.put_new(key, data)
            else:
                self._objects.replace(key, data, etag=etag)
        except ConflictError as conflict:
            raise ConflictError(f"somebody else spoke of {key} at the same moment: read it again") from conflict

    def _read(self, key: str) -> tuple[tuple[Refusal, ...], str | None]:
        stored = self._objects.get(key)
        return ((), None) if stored is None else (decode_refusals(stored.data, what=key), stored.etag)


def _key(name: str, digest: str) -> str:
    candidate_folder(name, digest)
    return f"{model_folder(name)}/refused/{digest}.json"
