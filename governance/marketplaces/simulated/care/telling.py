"""What buyers and sellers write when they open a case, told from the facts they know and in the tone they take."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.care.traces import REASONS, TONES
from governance.marketplaces.simulated.chance import DAY, Bools, Draw, Floats, Ints, Today

MANIPULATING = TONES.index("manipulating")

_STORY: Ints = np.array([words.STORY[reason] for reason in REASONS])
_TEMPERS = {"plain": (0.2, 0.7), "polite": (0.0, 0.3), "angry": (0.65, 1.0), "manipulating": (0.1, 0.8)}
_TEMPER: Floats = np.array([_TEMPERS[tone] for tone in TONES])
_SILENT = 0.05
_WORDS, _MOOD = "texts of cases", "moods of cases"


def case_texts(today: Today, cases: pl.DataFrame) -> pl.Series:
    """Texts of cases, null for those who only fill in the form; what they say depends on the traces, not the cause."""
    key, tone = cases["line_key"].to_numpy(), cases["tone"].to_numpy()
    mood = _mood(today, key, tone)
    texts = words.complaint(
        today.draw(_WORDS),
        key,
        cases["where"].to_numpy(),
        _STORY[cases["reason"].to_numpy()],
        facts(cases),
        manipulation=tone == MANIPULATING,
        temper=mood.temper,
    )
    return (
        pl.DataFrame({"text": texts, "silent": pl.Series(mood.silent)})
        .select_seq(pl.when(~pl.col("silent")).then("text"))
        .to_series()
    )


def heard(today: Today, cases: pl.DataFrame) -> Floats:
    """How likely the texts of cases are in each tone (n, tones), to a reader who feels every temper."""
    key, tone, reason = (cases[name].to_numpy() for name in ("line_key", "tone", "reason"))
    mood = _mood(today, key, tone)
    low, high = _TEMPER.T
    felt = mood.temper[:, None]
    likely = np.where((felt >= low) & (felt < high), 1 / (high - low), 0.0)
    pushing = words.complaint_log_odds(today.draw(_WORDS), key, _STORY[reason], tone == MANIPULATING)
    likely[:, MANIPULATING] *= np.exp(pushing)
    return np.where(mood.silent[:, None], 1.0, likely)


@dataclass(frozen=True, slots=True)
class _Mood:
    """How heated the writers of cases are, and which of them write nothing."""

    temper: Floats
    silent: Bools


def _mood(today: Today, key: Ints, tone: Ints) -> _Mood:
    draw = today.draw(_MOOD)
    return _Mood(temper(draw, key, tone), draw.happens(key, _SILENT))


def facts(cases: pl.DataFrame) -> pl.DataFrame:
    """What texts about cases may speak of."""
    late = np.maximum((cases["opened"] - cases["deliver_by"]).to_numpy() / DAY, 1.0)
    return cases.select_seq(
        category="what",
        listing="listing",
        author="buyer",
        story=pl.Series(_STORY[cases["reason"].to_numpy()]),
        amount_minor=pl.col("price_minor") + pl.col("shipping_minor") - pl.col("discount_minor"),
        days=pl.Series(late),
        grams="grams",
    )


def temper(draw: Draw, key: Ints, tone: Ints) -> Floats:
    """How heated somebody of each tone writes, 0 (calm) to 1 (furious)."""
    return draw.uniform(key, _TEMPER[tone, 0], _TEMPER[tone, 1])
