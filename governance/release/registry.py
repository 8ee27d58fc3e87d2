"""The model registry: candidates, the champion of each model, and who gets what beside it in traffic."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict, Unpack

from governance.errors import ReleaseRefused
from governance.release.champions import Champions
from governance.release.documents import Untrusted
from governance.release.pointers import Serving
from governance.release.promotion import Candidate, refuse_older, shadow_objection
from governance.release.records import NOTHING, Pointer, Record, require_signature, short
from governance.release.traffic import Canary, Experiment, Ramp, Traffic


class Signed(TypedDict):
    """Who makes a change, why and when."""

    who: str
    reason: str
    at: datetime


class Wish(Signed, total=False):
    """A change of traffic, which may name the generation that it was decided on, or be tried without effect."""

    expect: int | None
    dry_run: bool


class Registry(Champions):
    """Models in an object store: what is recorded, which of it serves, and what answers or listens beside it.

    Every change takes `who`, `reason` and `at` (with a time zone). A move may take `expect`, the generation of
    the pointer that the caller decided on (0: none yet), and is a ConflictError where it finds another. Repeat
    a move after a crash with the same `expect`, so that it cannot happen twice. With `dry_run` a move is checked
    and its pointer returned, and nothing is written.

    A change of traffic is a move of the pointer like a promotion: one generation, signed and logged. Asking for what
    holds already changes nothing.
    """

    def serving(self, name: str) -> Serving:
        """The pointer as it stands, with its tag: what a service compares to know whether anything has changed."""
        return self._pointers.read(name)

    def next_champion(self, name: str) -> Candidate | None:
        """The candidate that automation should release now, None where everything stays.

        A canary is waited for: only when its ramp is complete it is next. What passes meanwhile waits as well.
        """
        canary = self.serving(name).traffic.canary
        if canary is None:
            return super().next_champion(name)
        found = (one for one in self.candidates(name) if one.digest == canary.digest and not one.refused)
        return next(found, None) if canary.complete else None

    def release_next(self, name: str, *, who: str, at: datetime) -> Pointer | None:
        """Release what is next and return the pointer; None where nothing is.

        Where the model has a ramp and a champion to compare with, a candidate begins as a canary.
        """
        best, serving = self.next_champion(name), self.serving(name)
        if best is None:
            return None
        reason, traffic = f"newest passing candidate, as of {best.as_of}", serving.traffic
        if traffic.canary:
            reason = f"came to the end of its ramp in traffic, as of {best.as_of}"
        elif traffic.ramp and serving.champion:
            return self.canary(name, best.digest, ramp=traffic.ramp, who=who, reason=reason, at=at)
        return self.promote(name, best.digest, who=who, reason=reason, at=at)

    def shadow(self, name: str, digest: str, **wish: Unpack[Wish]) -> Pointer:
        """Let a candidate score every request without acting, also where there is no champion yet.

        Raises
        ------
        ReleaseRefused
            It is not recorded, was not judged, failed a safety gate, was refused by hand, was tampered with, or
            answers already.
        ConflictError
            Somebody else moved the pointer first; the message says who.
        """
        record = self._fit_to_listen(name, digest)

        def change(serving: Serving) -> Traffic:
            canary = serving.traffic.canary
            if digest in (serving.champion and serving.champion.champion, canary and canary.digest):
                raise ReleaseRefused(f"{name} {short(digest)} answers already, so it cannot only listen")
            return serving.traffic if digest in serving.traffic.shadows else serving.traffic.with_shadow(digest)

        return self._begin(record, change, wish)

    def end_shadow(self, name: str, digest: str, **wish: Unpack[Wish]) -> Pointer | None:
        """Score a candidate no longer; None where it was no shadow."""
        if digest not in self.serving(name).traffic.shadows:
            return None
        return self._redirect(name, lambda serving: serving.traffic.without(digest), **wish)

    def canary(
        self, name: str, digest: str, *, share: float | None = None, ramp: Ramp | None = None, **wish: Unpack[Wish]
    ) -> Pointer:
        """Let a candidate answer for a share of the entities, or set the share of the one that does.

        Parameters
        ----------
        share
            From 0 to 1; where there is a ramp, its first step unless stated.
        ramp
            How the share grows by itself; None keeps it where it is.

        Raises
        ------
        ReleaseRefused
            As for `promote`; there is no champion to compare with, or another canary runs.
        ConflictError
            Somebody else moved the pointer first; the message says who.
        """
        if share is None and ramp is None:
            raise ReleaseRefused(f"{name} {short(digest)}: a canary needs a share or a ramp")
        first = share if share is not None else ramp.steps[0] if ramp else 0.0
        asked = Canary(digest, first, wish["at"], ramp)
        record = self._fit_to_serve(name, digest)

        def change(serving: Serving) -> Traffic:
            _require_comparable(serving, record)
            present = serving.traffic.canary
            goes_on = present is not None and share is None and (present.digest, present.ramp) == (digest, ramp)
            return serving.traffic if goes_on or asked.same_as(present) else serving.traffic.with_canary(asked)

        return self._begin(record, change, wish)

    def advance(self, name: str, digest: str, **wish: Unpack[Wish]) -> Pointer | None:
        """Take a canary to the next share of its ramp; None where it is none, or the present share not held yet."""
        canary = self.serving(name).traffic.canary
        if canary is None or canary.digest != digest or not canary.due(wish["at"]):
            return None
        grown = canary.grown(wish["at"])

        def change(serving: Serving) -> Traffic:
            # Of several who ask at once the later ones find it grown, and change nothing.
            return serving.traffic.with_canary(grown) if serving.traffic.canary == canary else serving.traffic

        return self._redirect(name, change, **wish)

    def end_canary(self, name: str, digest: str | None = None, **wish: Unpack[Wish]) -> Pointer | None:
        """Let the champion answer for everybody and refuse the canary; None where there was none, or another.

        The refusal keeps automation from promoting what was just taken back; `allow` lifts it.
        """
        canary = self.serving(name).traffic.canary
        if canary is None or digest not in (None, canary.digest):
            return None
        if not wish.get("dry_run"):
            self._require_generation(name, wish)
            # Refused before the pointer moves, as in a rollback: a killed end is ended by whoever repeats it.
            self._refusals.say(name, canary.digest, refused=True, **_signature(wish))
        return self._redirect(name, lambda serving: serving.traffic.without(canary.digest), **wish)

    def experiment(self, name: str, experiment: Experiment, **wish: Unpack[Wish]) -> Pointer:
        """Begin an experiment beside the champion; another one, or other arms under its name, must end first."""

        def change(serving: Serving) -> Traffic:
            _require_champion(serving)
            running = serving.traffic.experiment
            if running not in (None, experiment):
                raise ReleaseRefused(f"{name}: experiment {running.name} runs with its arms; end it first")
            return replace(serving.traffic, experiment=experiment)

        return self._redirect(name, change, **wish)

    def end_experiment(self, name: str, **wish: Unpack[Wish]) -> Pointer | None:
        """End the experiment; None where there is none."""
        if self.serving(name).traffic.experiment is None:
            return None
        return self._redirect(name, lambda serving: replace(serving.traffic, experiment=None), **wish)

    def ramp(self, name: str, ramp: Ramp | None, **wish: Unpack[Wish]) -> Pointer:
        """Say how automation releases newer candidates from now on: as canaries on this ramp, or (None) at once."""

        def change(serving: Serving) -> Traffic:
            _require_champion(serving)
            return replace(serving.traffic, ramp=ramp)

        return self._redirect(name, change, **wish)

    def refuse(self, name: str, digest: str, *, who: str, reason: str, at: datetime) -> None:
        """Forbid a digest until `allow`, and end it as a canary or shadow; refusing it again changes nothing.

        Raises
        ------
        ReleaseRefused
            The digest is not recorded, or it serves now: then roll back, which refuses it as well.
        """
        super().refuse(name, digest, who=who, reason=reason, at=at)
        if digest in self.serving(name).traffic.digests:
            self._redirect(name, lambda serving: serving.traffic.without(digest), who=who, reason=reason, at=at)

    def _begin(self, record: Record, change: Callable[[Serving], Traffic], wish: Wish) -> Pointer:
        """Put a candidate into traffic, unless somebody refuses it at this very moment."""
        pointer = self._redirect(record.model, change, record=record, **wish)
        refusal = self.refusal(record.model, record.digest)
        if refusal is None or wish.get("dry_run"):
            return pointer
        # Who refuses writes that and then reads the pointer, here it is the other way round: one of the two sees both.
        self._redirect(record.model, lambda serving: serving.traffic.without(record.digest), **_signature(wish))
        raise ReleaseRefused(f"{record.model} {short(record.digest)} was refused by {refusal.who}: {refusal.reason}")

    def _redirect(
        self,
        name: str,
        change: Callable[[Serving], Traffic],
        *,
        who: str,
        reason: str,
        at: datetime,
        expect: int | None = None,
        dry_run: bool = False,
        record: Record | None = None,
    ) -> Pointer:
        """Move the pointer to other traffic under the same champion."""
        require_signature(who=who, reason=reason, at=at)
        serving = self._pointers.read(name)
        traffic = change(serving)
        if serving.pointer and traffic == serving.traffic:
            return serving.pointer
        self._pointers.expect(serving, expect)
        pointer = _beside(serving, traffic, record, who=who, reason=reason, at=at)
        return pointer if dry_run else self._pointers.move(serving, pointer)

    def _require_generation(self, name: str, wish: Wish) -> None:
        self._pointers.expect(self._pointers.read(name), wish.get("expect"))

    def _fit_to_listen(self, name: str, digest: str) -> Record:
        subject = f"{name} {short(digest)}"
        try:
            record = self.recorded(name, digest)
            if record is None:
                raise ReleaseRefused(f"{subject} is not recorded")
            if why := shadow_objection(self.verdict(name, digest), self.refusal(name, digest)):
                raise ReleaseRefused(f"{subject} {why}")
            self.files(name, digest)
        except Untrusted as error:
            raise ReleaseRefused(f"{subject} cannot be trusted: {error}") from error
        return record


def _signature(wish: Wish) -> Signed:
    return {"who": wish["who"], "reason": wish["reason"], "at": wish["at"]}


def _require_champion(serving: Serving) -> Pointer:
    if serving.champion is None:
        raise ReleaseRefused(f"{serving.name} has no champion to compare with; promote a candidate first")
    return serving.champion


def _require_comparable(serving: Serving, record: Record) -> None:
    """Refuse a canary without a champion, that is the champion, that is older, or beside another canary."""
    champion, canary = _require_champion(serving), serving.traffic.canary
    if champion.champion == record.digest:
        raise ReleaseRefused(f"{serving.name} {short(record.digest)} is the champion: it answers for everybody")
    if canary and canary.digest != record.digest:
        raise ReleaseRefused(f"{serving.name}: {short(canary.digest)} is the canary; end it first, which refuses it")
    refuse_older(record, champion)


def _beside(
    serving: Serving, traffic: Traffic, record: Record | None, *, who: str, reason: str, at: datetime
) -> Pointer:
    """The pointer with other traffic; before the first champion, one that names nothing and dates from its shadow."""
    generation, present = serving.generation + 1, serving.pointer
    moved: dict[str, Any] = {"generation": generation, "who": who, "reason": reason, "at": at, "traffic": traffic}
    if present is not None:
        return replace(present, promoted=present.promotion, **moved)
    if record is None:
        raise ReleaseRefused(f"{serving.name} has no pointer yet; promote a candidate first")
    return Pointer(champion=NOTHING, as_of=record.as_of, previous=None, **moved)
