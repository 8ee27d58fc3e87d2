"""From named values to a probability in microseconds, with the very bits of the batch scorer."""

import math
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

import numpy as np

from governance.errors import InputError, StoreError
from governance.models.artifact import MODEL, Scorer, load_scorer
from governance.models.explain import Reason
from governance.models.rows import Floats
from serving.line import Line
from serving.row_lightgbm import RowBooster

REASONS = 3
_PROBES = 32
_BATCH_THREADS = min(2, os.cpu_count() or 1)
"""Of 100 rows each thread scores half: 500 trees take one core 4 ms, most of what a batch may take."""


class RowScorer:
    """Scores single rows of one model.

    `score` belongs to one thread, the event loop's, because it writes every row into the same memory. `score_many`
    and `reasons` may be called in any thread, and let others compute meanwhile.

    Attributes
    ----------
    features : what the model reads.
    threshold : act from this probability on.
    direct : whether LightGBM is called directly. Where that cannot be done or gives other bits, `Booster.predict`
        answers, in twice the time.

    Raises
    ------
    StoreError
        The files are no model.
    """

    def __init__(self, files: Mapping[str, bytes], *, reason_codes: Mapping[str, str] | None = None) -> None:
        self._scorer = _batch_scorer(files, reason_codes)
        self.features = self._scorer.features
        self.threshold = self._scorer.threshold.value
        self._pick = _values_of(self.features)
        calibrator = self._scorer.calibrator
        self._calibrated = Line(calibrator.raw, calibrator.probability)
        self._row = _direct(files[MODEL], self._scorer)

    @property
    def direct(self) -> bool:
        """See the class."""
        return self._row is not None

    def score(self, values: Mapping[str, float | None]) -> float:
        """The calibrated probability of one row, None or NaN where a value is missing.

        Raises
        ------
        InputError
            A feature of the model is not among the values, or is no number.
        """
        try:
            row = self._pick(values)
        except KeyError as absent:
            raise InputError(f"the model reads {absent.args[0]}, which is not among the values") from None
        if self._row is None:
            return float(self._scorer.score(self._matrix([row]))[0])
        try:
            raw = self._row.predict(row)
        except struct.error:
            raw = self._row.predict(_numbers(row))
        return self._calibrated(raw)

    def score_many(self, rows: Sequence[Mapping[str, float | None]]) -> list[float]:
        """The calibrated probabilities of several rows."""
        matrix = self._matrix([self._pick(row) for row in rows])
        raw = self._scorer.booster.predict(matrix, num_threads=_BATCH_THREADS)
        found: list[float] = self._scorer.calibrator(np.asarray(raw)).tolist()
        return found

    def reasons(self, values: Mapping[str, float | None], *, top: int = REASONS) -> tuple[Reason, ...]:
        """The codes that raise a row's score most; milliseconds, so only where somebody is hurt."""
        return self._scorer.contributions(self._matrix([self._pick(values)]), top=top)[0]

    def _matrix(self, rows: Sequence[Sequence[float | None]]) -> Floats:
        return np.array([_numbers(row) for row in rows], dtype=np.float64)


def _batch_scorer(files: Mapping[str, bytes], reason_codes: Mapping[str, str] | None) -> Scorer:
    from lightgbm.basic import LightGBMError

    try:
        return load_scorer(files, reason_codes=reason_codes)
    except (LightGBMError, ValueError, KeyError, TypeError) as problem:
        raise StoreError(f"these files are no model: {problem}; train it again") from problem


def _values_of(features: Sequence[str]) -> Callable[[Mapping[str, float | None]], tuple[float | None, ...]]:
    """A function from a row to the values of these features; KeyError where one is not there."""
    if len(features) == 1:
        (only,) = features
        return lambda values: (values[only],)
    return itemgetter(*features)


def _numbers(row: Sequence[float | None]) -> list[float]:
    try:
        return [math.nan if value is None else float(value) for value in row]
    except (TypeError, ValueError) as problem:
        raise InputError(f"a value of the row is no number: {problem}") from problem


def _direct(model: bytes, scorer: Scorer) -> RowBooster | None:
    """The direct way into LightGBM, if it gives the same bits on rows of every magnitude."""
    try:
        row = RowBooster(model, features=len(scorer.features))
    except StoreError:
        return None
    chance = np.random.default_rng(0)
    probes = chance.normal(size=(_PROBES, len(scorer.features))) * 10.0 ** chance.integers(-2, 7, (_PROBES, 1))
    probes[chance.random(probes.shape) < 0.2] = np.nan
    probes[0], probes[1] = np.nan, 0.0
    expected = np.asarray(scorer.booster.predict(probes, num_threads=1))
    answered = [row.predict(probe) for probe in probes.tolist()]
    return row if np.array_equal(expected, answered) else None
