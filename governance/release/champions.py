"""Champions: which candidate serves, who decided it, and the way back.

The registry trusts no caller: it reads the verdict bound to the exact digest itself before it moves the pointer.
"""

from collections.abc import Iterator
from datetime import datetime

from governance.errors import ConflictError, ReleaseRefused
from governance.release.candidates import Candidates
from governance.release.documents import Untrusted
from governance.release.overrides import Override, Overrides
from governance.release.pointers import Pointers, Serving
from governance.release.promotion import Candidate, earlier_champion, newest_passing, objection, refuse_older
from governance.release.records import NOTHING, Pointer, Record, Refusal, require_signature, short
from governance.storage.objects import ObjectStore

EXPIRY = "override expiry"
"""Who signs where an override ends by itself."""


class Champions(Candidates):
    """`Candidates`, and for each model a pointer that moves by compare-and-set: one champion gives way to another.

    Shadows stay when that happens; a canary and what needed it end, because it was compared with the one before.
    """

    def __init__(self, objects: ObjectStore) -> None:
        super().__init__(objects)
        self._pointers = Pointers(objects)
        self._overrides = Overrides(objects)

    def pointer(self, name: str) -> Pointer | None:
        """What serves; None before the first promotion, and where an override expired that nothing stood behind."""
        return self._pointers.read(name).champion

    def generation(self, name: str) -> int:
        """How often the pointer has moved: what `expect` is compared with."""
        return self._pointers.read(name).generation

    def history(self, name: str) -> list[Pointer]:
        """Every pointer there was, in order of generation, the present one last."""
        return self._pointers.history(name)

    def next_champion(self, name: str) -> Candidate | None:
        """The candidate that automation should promote now, None where the champion stays (see `newest_passing`).

        A model that serves by override is a champion like any other here: what passed and is newer replaces it and
        so ends the override; what passed but is not newer waits until the override ends.
        """
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
        champion = serving.champion
        if champion and champion.champion == digest:
            return champion
        self._pointers.expect(serving, expect)
        record = self._fit_to_serve(name, digest)
        refuse_older(record, champion)
        pointer = _next(serving, record, _left_by(champion, digest), who=who, reason=reason, at=at)
        return self._pointers.move(serving, pointer)

    def rollback(
        self, name: str, *, who: str, reason: str, at: datetime, expect: int | None = None, dry_run: bool = False
    ) -> Pointer:
        """Return to the champion before this one, refuse the one that is left, and return the pointer.

        The refusal keeps automation from promoting what was just taken back; `allow` lifts it. Champions that
        are refused themselves, or served by override, are passed over. Rolling back again goes further back,
        never forth.

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
        if serving.champion is None:
            raise ReleaseRefused(f"{name} has no champion, so there is nothing to roll back")
        target = next(self._earlier(serving.champion, name), None)
        if target is None:
            raise ReleaseRefused(f"{name} has no earlier champion to return to; promote another candidate instead")
        record = self._fit_to_serve(name, target.champion)
        pointer = _next(serving, record, target.previous, who=who, reason=reason, at=at)
        if dry_run:
            return pointer
        # Refused before the pointer moves: the other way round, automation could undo a rollback that was killed.
        self._refusals.say(name, serving.champion.champion, refused=True, who=who, reason=reason, at=at)
        return self._pointers.move(serving, pointer)

    def override(
        self,
        name: str,
        digest: str,
        *,
        who: str,
        second: str,
        reason: str,
        at: datetime,
        until: datetime,
        expect: int | None = None,
        dry_run: bool = False,
    ) -> Pointer:
        """Let a candidate that only merit gates kept back serve until a stated time, and return the pointer.

        It ends when a newer candidate that passed is promoted, at a rollback, or at `until` (see `fall_back`). Two
        people may agree on a later end by overriding again; the same once more changes nothing.

        Parameters
        ----------
        second
            Another person than `who`, who agreed.
        until
            At most `overrides.DAYS_AT_MOST` days after `at`.

        Raises
        ------
        ReleaseRefused
            As for `promote`, but for merit gates. A safety gate and a refusal by hand cannot be overridden.
        ConflictError
            Somebody else moved the pointer first; the consent stays on record without effect.
        """
        serving = self._pointers.read(name)
        champion, standing = serving.champion, self._standing(serving)
        consent = Override(
            digest=digest,
            generation=serving.generation + 1,
            who=who,
            second=second,
            reason=reason,
            at=at,
            until=until,
        )
        if champion and standing and standing.agrees_with(consent):
            return champion
        self._pointers.expect(serving, expect)
        consent.require_sound()
        record = self._fit_to_serve(name, digest, past_merit=True)
        refuse_older(record, champion)
        pointer = _next(serving, record, _left_by(champion, digest), who=who, reason=consent.terms, at=at)
        if dry_run:
            return pointer
        # The consent first: a pointer to what did not pass is trusted only with one.
        self._overrides.grant(name, consent)
        return self._pointers.move(serving, pointer)

    def overrides(self, name: str) -> list[Override]:
        """Every consent that was ever given, oldest first; `standing_override` says which one serves."""
        return self._overrides.all(name)

    def standing_override(self, name: str) -> Override | None:
        """The override by which the champion serves, also when it has expired; None where the champion passed.

        Raises
        ------
        Untrusted
            What serves neither passed nor has a consent: roll back, and find out who moved the pointer.
        """
        return self._standing(self._pointers.read(name))

    def fall_back(self, name: str, *, at: datetime) -> Pointer | None:
        """End an override that has expired and return the pointer; None where there was nothing to end.

        The champion before it serves again; where none may, the newest candidate that passed; where there is none
        either, nothing. The digest is not refused: two people may agree on it again. Where somebody moves the
        pointer at the same moment, theirs stands.
        """
        serving = self._pointers.read(name)
        override = self._standing(serving)
        if override is None or serving.champion is None or not override.expired(at):
            return None
        pointer = self._behind(serving, serving.champion, override, at=at)
        try:
            return self._pointers.move(serving, pointer)
        except ConflictError:
            return None

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

    def _standing(self, serving: Serving) -> Override | None:
        pointer, name = serving.champion, serving.name
        if pointer is None:
            return None
        consents = self._overrides.of(name, pointer.champion)
        found = next((one for one in consents if one.allows(pointer)), None)
        if found and not self._pointers.served_since_promotion(serving):
            found = None
        verdict = self.verdict(name, pointer.champion)
        if found is None and not (verdict and verdict.passed):
            raise Untrusted(
                f"{name} {short(pointer.champion)} serves, but neither passed nor has a consent; roll back: "
                f"govern rollback {name} --reason ..."
            )
        return found

    def _behind(self, serving: Serving, champion: Pointer, override: Override, *, at: datetime) -> Pointer:
        """The pointer that follows an override: unattended, so what cannot be trusted is passed over."""
        name, reason = serving.name, f"the {override.terms}"
        for target in self._earlier(champion, name):
            if record := self._fit_or_none(name, target.champion):
                return _next(serving, record, target.previous, who=EXPIRY, reason=reason, at=at)
        newest = newest_passing(self.candidates(name), newer_than=None)
        if newest and (record := self._fit_or_none(name, newest.digest)):
            return _next(serving, record, None, who=EXPIRY, reason=reason, at=at)
        nothing = Record(name, NOTHING, champion.as_of, {}, {})
        return _next(serving, nothing, None, who=EXPIRY, reason=reason, at=at)

    def _earlier(self, champion: Pointer, name: str) -> Iterator[Pointer]:
        """Earlier champions from the newest, without those that were refused or served by override."""
        history = self.history(name)
        barred = {NOTHING, *self._refusals.standing(name), *self._overrides.digests(name)}
        while found := earlier_champion(champion, history, refused=barred):
            yield found
            barred.add(found.champion)

    def _fit_or_none(self, name: str, digest: str) -> Record | None:
        try:
            return self._fit_to_serve(name, digest)
        except ReleaseRefused:
            return None

    def _fit_to_serve(self, name: str, digest: str, *, past_merit: bool = False) -> Record:
        subject = f"{name} {short(digest)}"
        try:
            record, verdict = self.recorded(name, digest), self.verdict(name, digest)
            if record is None:
                raise ReleaseRefused(f"{subject} is not recorded")
            if why := objection(verdict, self.refusal(name, digest), past_merit=past_merit):
                raise ReleaseRefused(f"{subject} {why}")
            self.files(name, digest)
        except Untrusted as error:
            raise ReleaseRefused(f"{subject} cannot be trusted: {error}") from error
        return record


def _left_by(champion: Pointer | None, digest: str) -> str | None:
    """The champion that a move leaves behind; a longer override leaves what the first one did."""
    if champion is None:
        return None
    return champion.previous if champion.champion == digest else champion.champion


def _next(serving: Serving, record: Record, previous: str | None, *, who: str, reason: str, at: datetime) -> Pointer:
    stays = serving.pointer is not None and serving.pointer.champion == record.digest
    return Pointer(
        champion=record.digest,
        as_of=record.as_of,
        previous=previous,
        generation=serving.generation + 1,
        who=who,
        reason=reason,
        at=at,
        traffic=serving.traffic if stays else serving.traffic.under(record.digest),
    )
