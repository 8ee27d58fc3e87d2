"""The model registry: which candidate serves, who decided it, and the way back.

The registry trusts no caller: it reads the verdict bound to the exact digest itself before it moves the pointer.
"""

from datetime import datetime

from governance.errors import ReleaseRefused
from governance.release.candidates import Candidates
from governance.release.documents import Untrusted
from governance.release.evidence import Verdict
from governance.release.pointers import Pointers
from governance.release.promotion import Candidate, earlier_champion, newest_passing
from governance.release.records import Pointer, Record, Refusal, require_signature, short
from governance.storage.objects import ObjectStore


class Registry(Candidates):
    """Models in an object store: `Candidates`, and for each model a pointer that moves by compare-and-set.

    Every change takes `who`, `reason` and `at` (with a time zone). A move may take `expect`, the generation of
    the pointer that the caller decided on (0: none yet), and is a ConflictError where it finds another. Repeat
    a move after a crash with the same `expect`, so that it cannot happen twice.
    """

    def __init__(self, objects: ObjectStore) -> None:
        super().__init__(objects)
        self._pointers = Pointers(objects)

    def pointer(self, name: str) -> Pointer | None:
        """What serves, None before the first promotion."""
        return self._pointers.read(name).pointer

    def history(self, name: str) -> list[Pointer]:
        """Every pointer there was, in order of generation, the present one last."""
        return self._pointers.history(name)

    def next_champion(self, name: str) -> Candidate | None:
        """The candidate that automation should promote now, None where the champion stays (see `newest_passing`)."""
        pointer = self.pointer(name)
        return newest_passing(self.candidates(name), newer_than=pointer.as_of if pointer else None)

    def promote(
        self, name: str, digest: str, *, who: str, reason: str, at: datetime, expect: int | None = None
    ) -> Pointer:
        """Make a candidate the champion and return the pointer; for the champion itself, change nothing.

        Raises
        ------
        ReleaseRefused
            The digest is not recorded, was not judged, did not pass, was refused by hand, is older than the
            champion, or was tampered with.
        ConflictError
            Somebody else moved the pointer first; the message says who, and nothing changed.
        """
        require_signature(who=who, reason=reason, at=at)
        serving = self._pointers.read(name)
        champion = serving.pointer
        if champion and champion.champion == digest:
            return champion
        self._pointers.expect(serving, expect)
        record = self._fit_to_serve(name, digest)
        if champion and record.as_of < champion.as_of:
            raise ReleaseRefused(
                f"{name} {short(digest)} is as of {record.as_of}, older than the champion "
                f"{short(champion.champion)} as of {champion.as_of}; to go back, roll back"
            )
        pointer = Pointer(
            champion=digest,
            as_of=record.as_of,
            previous=champion.champion if champion else None,
            generation=serving.generation + 1,
            who=who,
            reason=reason,
            at=at,
        )
        return self._pointers.move(serving, pointer)

    def rollback(self, name: str, *, who: str, reason: str, at: datetime, expect: int | None = None) -> Pointer:
        """Return to the champion before this one, refuse the one that is left, and return the pointer.

        The refusal keeps automation from promoting what was just taken back; `allow` lifts it. Champions that
        are refused themselves are passed over. Rolling back again goes further back, never forth.

        Raises
        ------
        ReleaseRefused
            No earlier champion may serve, or the one to return to was tampered with.
        ConflictError
            Somebody else moved the pointer first; the message says who.
        """
        require_signature(who=who, reason=reason, at=at)
        serving = self._pointers.read(name)
        self._pointers.expect(serving, expect)
        if serving.pointer is None:
            raise ReleaseRefused(f"{name} has no champion, so there is nothing to roll back")
        target = earlier_champion(serving.pointer, self.history(name), refused=self._refusals.standing(name))
        if target is None:
            raise ReleaseRefused(f"{name} has no earlier champion to return to; promote another candidate instead")
        record = self._fit_to_serve(name, target.champion)
        # Refused before the pointer moves: the other way round, automation could undo a rollback that was killed.
        self._refusals.say(name, serving.pointer.champion, refused=True, who=who, reason=reason, at=at)
        pointer = Pointer(
            champion=target.champion,
            as_of=record.as_of,
            previous=target.previous,
            generation=serving.generation + 1,
            who=who,
            reason=reason,
            at=at,
        )
        return self._pointers.move(serving, pointer)

    def refuse(self, name: str, digest: str, *, who: str, reason: str, at: datetime) -> None:
        """Forbid the promotion of a digest until `allow`; refusing it again changes nothing.

        Raises
        ------
        ReleaseRefused
            The digest is not recorded, or it serves now: then roll back, which refuses it as well.
        """
        if self.recorded(name, digest) is None:
            raise ReleaseRefused(f"{name} {short(digest)} is not recorded")
        pointer = self.pointer(name)
        if pointer and pointer.champion == digest:
            raise ReleaseRefused(f"{name} {short(digest)} is serving; roll back instead, which refuses it as well")
        self._refusals.say(name, digest, refused=True, who=who, reason=reason, at=at)

    def allow(self, name: str, digest: str, *, who: str, reason: str, at: datetime) -> None:
        """Lift the refusal of a digest; where there is none, change nothing."""
        self._refusals.say(name, digest, refused=False, who=who, reason=reason, at=at)

    def refusal(self, name: str, digest: str) -> Refusal | None:
        """The refusal of a digest that is in force, if any."""
        return self._refusals.of(name, digest)

    def _fit_to_serve(self, name: str, digest: str) -> Record:
        subject = f"{name} {short(digest)}"
        try:
            record, verdict = self.recorded(name, digest), self.verdict(name, digest)
            if record is None:
                raise ReleaseRefused(f"{subject} is not recorded")
            if objection := _objection(verdict, self.refusal(name, digest)):
                raise ReleaseRefused(f"{subject} {objection}")
            self.files(name, digest)
        except Untrusted as error:
            raise ReleaseRefused(f"{subject} cannot be trusted: {error}") from error
        return record


def _objection(verdict: Verdict | None, refusal: Refusal | None) -> str | None:
    if verdict is None:
        return "was never judged"
    if not verdict.passed:
        failing = " ".join(f"{gate.name}: {gate.reason}" for gate in verdict.gates if not gate.passed)
        return f"did not pass its gates ({verdict.status}). {failing}"
    if refusal:
        return f"was refused by {refusal.who} at {refusal.at.isoformat()}: {refusal.reason}"
    return None
