"""The decision ledger as a service writes it: one thread commits what many requests hand in, a batch at a time."""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.decisions.ledger import DecisionLedger, Row, row_of
from governance.decisions.record import Decision, decoded
from governance.errors import InputError, StoreError
from serving.put_aside import files_put_aside, put_aside

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterLimits:
    """How much waits, and for how long.

    Attributes
    ----------
    rows_at_most
        Decisions that wait to be written; further ones are refused, so that a ledger that stands still costs no memory.
    batch_at_most
        Decisions of one commit.
    linger_seconds
        How long a batch waits for more while nobody waits for it: a commit costs the disk the same for one or many.
    wait_seconds
        How long a request waits for its decision to be on disk.
    retry_seconds
        From one attempt at a ledger that fails to the next.
    close_seconds
        How long closing may take.
    """

    rows_at_most: int = 10_000
    batch_at_most: int = 500
    linger_seconds: float = 0.1
    wait_seconds: float = 2.0
    retry_seconds: float = 0.2
    close_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class _Entry:
    """A decision that waits to be written, and who waits for the body that then stands."""

    row: Row
    waiter: "asyncio.Future[str] | None"

    @property
    def request(self) -> tuple[str, str | None]:
        return (self.row.caller, self.row.request_id)

    @property
    def given_up(self) -> bool:
        """Its caller was told that it was not kept, so that it must not be."""
        return self.waiter is not None and self.waiter.done()


class LedgerWriter:
    """Writes and reads a ledger for one event loop.

    What was answered with `durable` is on disk. What was not is on disk a tenth of a second later, and at the latest
    when the writer is closed; a ledger that fails meanwhile is tried again, and nothing that was answered is dropped.

    Parameters
    ----------
    aside
        The folder for what a ledger that never came back did not take before the writer was closed; the next writer
        begins with it.
    """

    def __init__(self, ledger: DecisionLedger, *, aside: Path, limits: WriterLimits | None = None) -> None:
        self._ledger, self._aside = ledger, aside
        self._limits = limits or WriterLimits()
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._queue: deque[_Entry] = deque()
        self._answered: dict[tuple[str, str | None], Row] = {}
        self._urgent = 0
        self._writing: Sequence[_Entry] = ()
        self._closing = self._giving_up = False
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="decision ledger", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Decisions that are not on disk yet."""
        return len(self._queue) + len(self._writing)

    @property
    def failure(self) -> str | None:
        """What the ledger said when it last failed; None once it works again."""
        return self._failure

    async def keep(self, decision: Decision, *, durable: bool) -> Decision:
        """Hand in a decision, and where it must be `durable` wait until it is on disk; return what stands.

        Raises
        ------
        InputError
            A value of it cannot be written down.
        StoreError
            Too much waits, the writer is closed, or it was not on disk in time. Then it is dropped, unless it was being
            written just then: asking again with the same request id tells.
        """
        # Encoded here and now: everything that a decision is made of may go at once.
        row = row_of(decision)
        if not durable:
            self._hand_in(_Entry(row, None))
            return decision
        waiter: asyncio.Future[str] = self._loop.create_future()
        self._hand_in(_Entry(row, waiter))
        try:
            body = await asyncio.wait_for(waiter, self._limits.wait_seconds)
            return decision if body is row.body else decoded(body)
        except TimeoutError:
            why = self._failure or "the disk or the database is slow"
            raise StoreError(
                f"the decision was not on disk after {self._limits.wait_seconds:g} s: {why}; ask again"
            ) from None

    async def find(self, caller: str, request_id: str) -> Decision | None:
        """The decision that was given to this request, written or not."""
        waiting = self._answered.get((caller, request_id))
        if waiting is not None:
            return decoded(waiting.body)
        if self._ledger.quick:
            return self._ledger.find(caller, request_id)
        return await asyncio.to_thread(self._ledger.find, caller, request_id)

    def unwritten(self, decision_id: str) -> Decision | None:
        """The decision of an id, if it was answered and is not on disk yet."""
        with self._changed:
            waiting = (entry.row for entry in (*self._writing, *self._queue) if entry.waiter is None)
            found = next((row for row in waiting if row.decision_id == decision_id), None)
        return decoded(found.body) if found else None

    async def get(self, decision_id: str) -> Decision | None:
        """The decision of an id, once it is written."""
        if self._ledger.quick:
            return self._ledger.get(decision_id)
        return await asyncio.to_thread(self._ledger.get, decision_id)

    async def about(self, entity_id: str, *, at_most: int) -> list[Decision]:
        """The newest decisions about an entity, or with it as a party, that are written."""
        return await asyncio.to_thread(lambda: self._ledger.about(entity_id, at_most=at_most))

    async def close(self) -> None:
        """Write what waits and end; what the ledger does not take in time is put aside.

        Raises
        ------
        StoreError
            It could not be put aside either; the message says how many decisions were lost.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join, self._limits.close_seconds)
        with self._changed:
            self._giving_up = True
            self._changed.notify()
            # Who waits for a decision was told, or will be, that it was not kept.
            left = [entry.row.body for entry in (*self._writing, *self._queue) if entry.waiter is None]
        if left:
            self._put_aside(left)
            return
        self._ledger.close()

    def _put_aside(self, bodies: Sequence[str]) -> None:
        try:
            path = put_aside(self._aside, bodies)
        except OSError as problem:
            raise StoreError(
                f"the decision ledger was closed without {len(bodies)} decisions: {self._failure}; and they could "
                f"not be put aside: {problem}"
            ) from problem
        _LOG.error("%s; %d decisions wait in %s for the next service", self._failure, len(bodies), path)

    def _hand_in(self, entry: _Entry) -> None:
        with self._changed:
            if self._closing:
                raise StoreError("the service is ending; ask another one")
            if self.waiting >= self._limits.rows_at_most:
                why = self._failure or "more comes in than the disk takes"
                raise StoreError(f"the decision ledger is {self.waiting} decisions behind: {why}; ask again later")
            self._queue.append(entry)
            if entry.waiter is not None:
                self._urgent += 1
            elif entry.row.request_id is not None:
                self._answered[entry.request] = entry.row
            # Lingering for more is worth a wake-up only where it ends.
            if self._urgent or len(self._queue) in (1, self._limits.batch_at_most):
                self._changed.notify()

    def _run(self) -> None:
        self._write_what_was_put_aside()
        while batch := self._next_batch():
            self._write(batch)
            with self._changed:
                self._writing = ()

    def _write_what_was_put_aside(self) -> None:
        """Until the ledger takes it or the writer is closed; a decision that is there already changes nothing."""
        for path, decisions in files_put_aside(self._aside):
            while not self._closing and not self._taken(decisions):
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, self._limits.retry_seconds)
            if self._closing:
                return
            path.unlink(missing_ok=True)
            _LOG.warning("%d decisions that an earlier service had put aside are in the ledger", len(decisions))

    def _taken(self, decisions: Sequence[Decision]) -> bool:
        try:
            self._ledger.append(decisions)
        except InputError as error:
            if len(decisions) > 1:
                return all(self._taken([decision]) for decision in decisions)
            _LOG.error("a decision cannot be stored and is dropped: %s", error)
        except StoreError as error:
            self._failure = str(error)
            return False
        self._failure = None
        return True

    def _next_batch(self) -> list[_Entry]:
        """What to commit next; nothing once the writer is closed and everything is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._changed.wait_for(self._is_due, self._limits.linger_seconds)
            batch: list[_Entry] = []
            while self._queue and len(batch) < self._limits.batch_at_most and not self._giving_up:
                batch.append(self._queue.popleft())
            self._urgent -= sum(entry.waiter is not None for entry in batch)
            self._writing = batch
        return batch

    def _is_due(self) -> bool:
        return bool(self._urgent) or self._closing or len(self._queue) >= self._limits.batch_at_most

    def _write(self, batch: Sequence[_Entry]) -> None:
        wanted = [entry for entry in batch if not entry.given_up]
        if not wanted:
            return
        try:
            standing = self._ledger.append_rows([entry.row for entry in wanted])
        except InputError as error:
            self._write_apart(wanted, error)
        except StoreError as error:
            self._try_again(wanted, error)
        else:
            self._failure = None
            self._forget(wanted)
            self._tell([(entry.waiter, body) for entry, body in zip(wanted, standing, strict=True)])

    def _write_apart(self, batch: Sequence[_Entry], error: InputError) -> None:
        """One decision of a batch cannot be stored by anybody: the others must not suffer."""
        if len(batch) > 1:
            for entry in batch:
                self._write([entry])
            return
        _LOG.error("a decision cannot be stored and is dropped: %s", error)
        self._forget(batch)
        self._tell([(entry.waiter, StoreError(str(error))) for entry in batch])

    def _try_again(self, batch: Sequence[_Entry], error: StoreError) -> None:
        """Who waits is told at once; what was answered already goes back to the front."""
        if self._failure is None:
            _LOG.error("%s; what was answered is kept in memory and tried again", error)
        self._failure = str(error)
        self._tell([(entry.waiter, error) for entry in batch])
        answered = [entry for entry in batch if entry.waiter is None]
        with self._changed:
            self._queue.extendleft(reversed(answered))
            self._writing = ()
            self._changed.wait_for(lambda: self._giving_up, self._limits.retry_seconds)

    def _forget(self, batch: Sequence[_Entry]) -> None:
        for entry in batch:
            self._answered.pop(entry.request, None)

    def _tell(self, news: "Sequence[tuple[asyncio.Future[str] | None, str | StoreError]]") -> None:
        """Wake all who wait for a batch by one call into the event loop."""
        due = [(waiter, said) for waiter, said in news if waiter]
        if due:
            # The loop is gone when a service ends while the last requests are cut off.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_resolve, due)


def _resolve(due: "Sequence[tuple[asyncio.Future[str], str | StoreError]]") -> None:
    for waiter, said in due:
        if waiter.done():
            continue
        if isinstance(said, StoreError):
            waiter.set_exception(said)
        else:
            waiter.set_result(said)
