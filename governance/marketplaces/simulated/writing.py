"""Writes the files of a day while the next one is lived."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any, Self

import polars as pl

from governance.marketplaces.simulated.rows import write_day

OnDay = Callable[[date], None]


@dataclass(frozen=True)
class Delivery:
    """Rows of a table that become known on a day."""

    table: str
    day: date
    rows: pl.DataFrame

    def __reduce__(self) -> tuple[Any, ...]:
        """As Arrow's stream, on the way to another process: Polars takes seven times as long to pickle a frame."""
        stream = BytesIO()
        self.rows.write_ipc_stream(stream)
        return _arrived, (self.table, self.day, stream.getvalue())


class Writer:
    """Writes files of one day at a time below a folder, and tells `on_day` once they are all there.

    Parameters
    ----------
    hand
        Writes them, and is shut down at the end; a thread of this process unless another one is given.
    """

    def __init__(self, out: Path, on_day: OnDay | None, hand: Executor | None) -> None:
        self._out, self._on_day = out, on_day
        self._hand = hand or ThreadPoolExecutor(max_workers=1)
        self._pending: tuple[date, Future[None]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._hand.shutdown(cancel_futures=error[0] is not None)
        if error[0] is None:
            self._wait()

    def write(self, day: date, deliveries: Sequence[Delivery]) -> None:
        """Begin to write what was delivered on a day, once the files of the days before it are there."""
        self._wait()
        self._pending = (day, self._hand.submit(_write, self._out, deliveries))

    def _wait(self) -> None:
        if self._pending is None:
            return
        day, written = self._pending
        self._pending = None
        written.result()
        if self._on_day is not None:
            self._on_day(day)


def own_process() -> Executor:
    """A process for a `Writer`.

    Where Polars has one thread, a file that is being written in this process holds up every query meanwhile.
    """
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=_follow)


def _follow() -> None:
    """End with the process that asks for files: one that is killed has no time to say that no more will come."""
    asks = parent_process()
    if asks is not None:
        Thread(target=_end_after, args=(asks,), daemon=True).start()


def _end_after(process: BaseProcess) -> None:
    process.join()
    os._exit(1)


def _write(out: Path, deliveries: Sequence[Delivery]) -> None:
    for one in deliveries:
        write_day(out, one.table, one.day, one.rows)


def _arrived(table: str, day: date, stream: bytes) -> Delivery:
    return Delivery(table, day, pl.read_ipc_stream(BytesIO(stream)))
