"""The immutable half of the registry: recorded candidates, their files and their verdicts."""

from collections.abc import Mapping
from typing import Any

from governance.errors import ConflictError, InputError, ReleaseRefused, StoreError
from governance.release import verdicts
from governance.release.documents import Untrusted
from governance.release.evidence import Verdict
from governance.release.promotion import Candidate
from governance.release.records import (
    RECORD_FILE,
    VERDICT_FILE,
    Record,
    candidate_folder,
    model_folder,
    sha256,
    short,
)
from governance.release.refusals import Refusals
from governance.storage.objects import ObjectStore, put_same


class Candidates:
    """Candidates by model and digest. What is written once stays; what is read back is checked."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._refusals = Refusals(objects)

    def record(self, name: str, digest: str, files: Mapping[str, bytes], record: Mapping[str, Any]) -> Record:
        """Keep a candidate for ever and return its record.

        Parameters
        ----------
        files
            Bytes by file name.
        record
            Facts as JSON values (dates allowed): `as_of`, the exclusive end of what it knew, and whatever else
            the trainer states.

        Returns
        -------
        Record
            Where the digest is recorded already, the first record: its facts stand, a commit or a time of
            recording that differ now are not taken over.

        Raises
        ------
        ConflictError
            The digest is recorded with other files.
        """
        entry = Record.of(name, digest, files, record)
        folder = candidate_folder(name, digest)
        _require_same_files(self.recorded(name, digest), entry)
        for file, data in sorted(files.items()):
            put_same(self._objects, f"{folder}/{file}", data)
        try:
            # Last, because a digest exists once its record does: a killed recording leaves no candidate.
            self._objects.put_new(f"{folder}/{RECORD_FILE}", entry.encoded())
        except ConflictError:
            return _require_same_files(self.recorded(name, digest), entry)
        return entry

    def attach(self, verdict: Verdict) -> None:
        """Bind a verdict to its digest for ever; the same verdict again changes nothing.

        Raises
        ------
        ReleaseRefused
            No such digest is recorded.
        Untrusted
            The verdict contradicts itself: its status does not follow from its gates.
        ConflictError
            The digest was judged before and otherwise: the first verdict stands.
        """
        name, digest = verdict.model, verdict.digest
        if self.recorded(name, digest) is None:
            raise ReleaseRefused(f"{name} {short(digest)} is not recorded, so nothing can be said of it")
        data = verdicts.to_json(verdict)
        verdicts.from_json(data, what=f"the verdict on {name} {short(digest)}")
        try:
            put_same(self._objects, f"{candidate_folder(name, digest)}/{VERDICT_FILE}", data)
        except ConflictError as conflict:
            raise ConflictError(f"{name} {short(digest)} was judged before, and otherwise; that stands") from conflict

    def recorded(self, name: str, digest: str) -> Record | None:
        """The record of a digest, None where there is none; Untrusted where it is not this digest's."""
        stored = self._objects.get(f"{candidate_folder(name, digest)}/{RECORD_FILE}")
        return None if stored is None else Record.decoded(stored.data, name=name, digest=digest)

    def verdict(self, name: str, digest: str) -> Verdict | None:
        """The verdict bound to a digest, None where there is none; Untrusted where it is not this digest's."""
        key = f"{candidate_folder(name, digest)}/{VERDICT_FILE}"
        stored = self._objects.get(key)
        if stored is None:
            return None
        verdict = verdicts.from_json(stored.data, what=key)
        if (verdict.model, verdict.digest) != (name, digest):
            raise Untrusted(f"{key} speaks of another model or digest")
        return verdict

    def files(self, name: str, digest: str) -> dict[str, bytes]:
        """A candidate's files by name, each proved to be what was recorded.

        Raises
        ------
        StoreError
            No such digest is recorded; its subclass Untrusted where a file is missing or has other bytes.
        """
        record = self.recorded(name, digest)
        if record is None:
            raise StoreError(f"{name} {short(digest)} is not recorded")
        return {file: self._file(record, file) for file in record.files}

    def candidates(self, name: str) -> list[Candidate]:
        """Every candidate whose record and verdict can be trusted, oldest `as_of` first."""
        return sorted(self._survey(name)[0], key=lambda one: (one.as_of, one.digest))

    def damaged(self, name: str) -> dict[str, str]:
        """Digests whose record or verdict cannot be trusted, each with the sentence that says why."""
        return self._survey(name)[1]

    def _survey(self, name: str) -> tuple[list[Candidate], dict[str, str]]:
        folder, closing = f"{model_folder(name)}/", f"/{RECORD_FILE}"
        refused = self._refusals.standing(name)
        found: list[Candidate] = []
        damaged: dict[str, str] = {}
        for key in self._objects.list(folder):
            if key.endswith(closing):
                digest = key.removeprefix(folder).removesuffix(closing)
                try:
                    found.append(self._candidate(name, digest, refused=digest in refused))
                except (InputError, Untrusted) as error:
                    damaged[digest] = str(error)
        return found, damaged

    def _candidate(self, name: str, digest: str, *, refused: bool) -> Candidate:
        record, verdict = self.recorded(name, digest), self.verdict(name, digest)
        if record is None:
            raise Untrusted(f"{name} {short(digest)}: the record is gone")
        return Candidate(digest, record.as_of, verdict.status if verdict else None, refused)

    def _file(self, record: Record, file: str) -> bytes:
        key = f"{candidate_folder(record.model, record.digest)}/{file}"
        stored = self._objects.get(key)
        if stored is None or sha256(stored.data) != record.files[file]:
            raise Untrusted(f"{key} is missing or is not what was recorded")
        return stored.data


def _require_same_files(standing: Record | None, entry: Record) -> Record:
    if standing is not None and standing.files != entry.files:
        raise ConflictError(f"{entry.model} {short(entry.digest)} is recorded with other files; that record stands")
    return standing or entry
