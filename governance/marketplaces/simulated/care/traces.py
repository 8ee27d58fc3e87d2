"""What a cause makes likely: the kind and reason of its case, photos, tones, answers and what carriers say.

Each trace is one of a few values, drawn from a distribution that depends on the cause and on nothing else. Given the
cause, traces are independent; what they say together is therefore a sum of logarithms (`weighed`), exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.marketplaces.simulated.care.causes import CAUSES, NAMES
from governance.marketplaces.simulated.chance import Draw, Floats, Ints

KINDS = ("refund", "return", "cancellation", "dispute", "complaint")
REASONS = (
    "changed_mind",
    "out_of_stock",
    "not_received",
    "late",
    "defective",
    "not_as_described",
    "wrong_item",
    "damaged",
    "empty_box",
    "overcharged",
)
TONES = ("plain", "polite", "angry", "manipulating")
MAKES = ("genuine", "recompressed", "cropped", "reused", "edited", "mismatched")
CAPTURED = ("untold", "afterwards", "before")
REPLIES = ("silent", "accepts", "denies", "blames_carrier", "offers_part", "asks", "no_stock")
PROOFS = ("none", "photo", "receipt")
STATEMENTS = ("none", "proven", "unproven", "damage", "missing", "late_pickup")
NOTES = ("none", "admits")
ANSWERS = ("none", "details", "insists", "evasive", "withdraws")

Shares = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace: its values, how likely each is ordinarily, and where a cause makes them otherwise."""

    name: str
    values: tuple[str, ...]
    usual: Shares
    by_cause: Mapping[str, Shares]

    @property
    def shares(self) -> Floats:
        """Probabilities (causes, values)."""
        rows = np.array([self.by_cause.get(name, self.usual) for name in NAMES], dtype=np.float64)
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float64)


def _reasons(**weights: float) -> Shares:
    """Weights of the stated reasons; one in fourteen states any other."""
    usual = sum(weights.values()) / 13 / len(REASONS)
    return tuple(weights.get(reason, 0.0) + usual for reason in REASONS)


_CANCELLED = (0.0, 0.0, 1.0, 0.0, 0.0)
_ON_THE_WAY = (0.55, 0.0, 0.0, 0.3, 0.15)
_FAULTY = (0.45, 0.36, 0.0, 0.06, 0.13)
_ALL_ALIKE = tuple(1.0 for _ in REASONS)

OPENING = (
    Trace(
        "kind",
        KINDS,
        _FAULTY,
        {
            "buyer_cancels": _CANCELLED,
            "seller_cancels": _CANCELLED,
            "not_shipped": (0.5, 0.0, 0.08, 0.3, 0.12),
            "lost": _ON_THE_WAY,
            "bad_label": _ON_THE_WAY,
            "late": (0.3, 0.0, 0.0, 0.12, 0.58),
            "missed_pickup": (0.3, 0.0, 0.0, 0.12, 0.58),
            "second_thoughts": (0.07, 0.86, 0.0, 0.01, 0.06),
            "misdelivered": (0.62, 0.0, 0.0, 0.28, 0.1),
            "overlooked": (0.6, 0.0, 0.0, 0.18, 0.22),
            "overcharged": (0.5, 0.0, 0.0, 0.1, 0.4),
            "false_story": (0.62, 0.17, 0.0, 0.13, 0.08),
        },
    ),
    Trace(
        "reason",
        REASONS,
        _ALL_ALIKE,
        {
            "buyer_cancels": _reasons(changed_mind=1),
            "seller_cancels": _reasons(out_of_stock=1),
            "not_shipped": _reasons(not_received=0.7, late=0.3),
            "lost": _reasons(not_received=0.9, late=0.1),
            "bad_label": _reasons(not_received=0.9, late=0.1),
            "late": _reasons(late=0.7, not_received=0.3),
            "missed_pickup": _reasons(late=0.7, not_received=0.3),
            "mix_up": _reasons(wrong_item=0.8, not_as_described=0.2),
            "wrong_item": _reasons(wrong_item=0.75, not_as_described=0.15, empty_box=0.1),
            "defect": _reasons(defective=0.62, not_as_described=0.22, damaged=0.1, wrong_item=0.06),
            "damaged": _reasons(damaged=0.6, defective=0.32, empty_box=0.08),
            "poor_packing": _reasons(damaged=0.62, defective=0.28, empty_box=0.1),
            "misdescribed": _reasons(not_as_described=0.8, wrong_item=0.1, defective=0.1),
            "mistranslated": _reasons(not_as_described=0.85, wrong_item=0.15),
            "second_thoughts": _reasons(changed_mind=0.62, not_as_described=0.28, defective=0.1),
            "misuse": _reasons(defective=0.68, damaged=0.24, not_as_described=0.08),
            "misdelivered": _reasons(not_received=1),
            "overlooked": _reasons(not_received=1),
            "overcharged": _reasons(overcharged=0.85, not_as_described=0.15),
            "false_story": _reasons(
                not_received=0.26, empty_box=0.14, defective=0.22, damaged=0.14, wrong_item=0.12, not_as_described=0.12
            ),
        },
    ),
    Trace(
        "photos",
        ("0", "1", "2", "3"),
        (0.32, 0.35, 0.24, 0.09),
        {
            "buyer_cancels": (1.0, 0.0, 0.0, 0.0),
            "seller_cancels": (1.0, 0.0, 0.0, 0.0),
            "not_shipped": (0.93, 0.05, 0.01, 0.01),
            "lost": (0.93, 0.05, 0.01, 0.01),
            "bad_label": (0.93, 0.05, 0.01, 0.01),
            "late": (0.94, 0.04, 0.01, 0.01),
            "missed_pickup": (0.94, 0.04, 0.01, 0.01),
            "second_thoughts": (0.9, 0.07, 0.02, 0.01),
            "misdelivered": (0.9, 0.07, 0.02, 0.01),
            "overlooked": (0.93, 0.05, 0.01, 0.01),
            "overcharged": (0.6, 0.34, 0.04, 0.02),
            "false_story": (0.47, 0.31, 0.16, 0.06),
        },
    ),
)
"""Seen when the case is opened."""

TONE = Trace(
    "tone",
    TONES,
    (0.5, 0.25, 0.2, 0.05),
    {
        "not_shipped": (0.41, 0.15, 0.41, 0.03),
        "lost": (0.41, 0.15, 0.41, 0.03),
        "late": (0.42, 0.17, 0.37, 0.04),
        "second_thoughts": (0.45, 0.42, 0.07, 0.06),
        "misuse": (0.42, 0.29, 0.19, 0.1),
        "false_story": (0.41, 0.28, 0.18, 0.13),
    },
)
"""Heard in what the writer writes: a little at the opening, and better in every message."""

PHOTO = (
    Trace(
        "make",
        MAKES,
        (0.67, 0.25, 0.045, 0.012, 0.013, 0.01),
        {
            "mix_up": (0.42, 0.22, 0.03, 0.012, 0.008, 0.31),
            "wrong_item": (0.42, 0.22, 0.03, 0.012, 0.008, 0.31),
            "misuse": (0.58, 0.25, 0.09, 0.02, 0.04, 0.02),
            "false_story": (0.46, 0.25, 0.09, 0.1, 0.05, 0.05),
        },
    ),
    Trace(
        "captured",
        CAPTURED,
        (0.38, 0.57, 0.05),
        {"overcharged": (0.5, 0.25, 0.25), "false_story": (0.44, 0.43, 0.13)},
    ),
)
"""Seen when the case is opened, where there is a photo."""

HEARING = (
    Trace(
        "reply",
        REPLIES,
        (0.2, 0.25, 0.22, 0.08, 0.14, 0.11, 0.01),
        {
            "not_shipped": (0.52, 0.1, 0.06, 0.22, 0.02, 0.08, 0.16),
            "lost": (0.2, 0.16, 0.08, 0.48, 0.03, 0.05, 0.01),
            "bad_label": (0.24, 0.2, 0.1, 0.37, 0.04, 0.05, 0.01),
            "late": (0.26, 0.17, 0.08, 0.34, 0.1, 0.05, 0.01),
            "missed_pickup": (0.14, 0.08, 0.14, 0.54, 0.06, 0.04, 0.01),
            "mix_up": (0.14, 0.12, 0.42, 0.12, 0.06, 0.14, 0.01),
            "wrong_item": (0.2, 0.36, 0.17, 0.03, 0.12, 0.12, 0.01),
            "defect": (0.22, 0.3, 0.17, 0.04, 0.19, 0.08, 0.01),
            "damaged": (0.15, 0.12, 0.18, 0.41, 0.08, 0.06, 0.01),
            "poor_packing": (0.22, 0.24, 0.14, 0.22, 0.13, 0.05, 0.01),
            "misdescribed": (0.24, 0.24, 0.22, 0.02, 0.2, 0.08, 0.01),
            "second_thoughts": (0.18, 0.36, 0.22, 0.02, 0.12, 0.1, 0.01),
            "misuse": (0.12, 0.12, 0.44, 0.03, 0.17, 0.12, 0.01),
            "misdelivered": (0.14, 0.09, 0.32, 0.35, 0.02, 0.08, 0.01),
            "overlooked": (0.14, 0.08, 0.42, 0.26, 0.02, 0.08, 0.01),
            "false_story": (0.13, 0.11, 0.43, 0.1, 0.09, 0.14, 0.01),
        },
    ),
    Trace(
        "proof",
        PROOFS,
        (0.84, 0.11, 0.05),
        {
            "not_shipped": (0.94, 0.02, 0.04),
            "missed_pickup": (0.54, 0.04, 0.42),
            "damaged": (0.64, 0.3, 0.06),
            "poor_packing": (0.86, 0.09, 0.05),
            "mix_up": (0.62, 0.26, 0.12),
            "wrong_item": (0.88, 0.07, 0.05),
            "misuse": (0.66, 0.27, 0.07),
            "false_story": (0.64, 0.26, 0.1),
        },
    ),
    Trace(
        "statement",
        STATEMENTS,
        (0.9, 0.08, 0.01, 0.006, 0.002, 0.002),
        {
            "not_shipped": (0.7, 0.0, 0.02, 0.0, 0.24, 0.04),
            "lost": (0.3, 0.0, 0.05, 0.02, 0.6, 0.03),
            "bad_label": (0.36, 0.0, 0.06, 0.02, 0.52, 0.04),
            "late": (0.72, 0.14, 0.02, 0.01, 0.03, 0.08),
            "missed_pickup": (0.34, 0.14, 0.02, 0.01, 0.02, 0.47),
            "damaged": (0.5, 0.16, 0.04, 0.28, 0.01, 0.01),
            "poor_packing": (0.54, 0.2, 0.04, 0.2, 0.01, 0.01),
            "misdelivered": (0.24, 0.24, 0.48, 0.01, 0.02, 0.01),
            "overlooked": (0.24, 0.6, 0.13, 0.01, 0.01, 0.01),
            "false_story": (0.5, 0.42, 0.05, 0.01, 0.01, 0.01),
        },
    ),
    Trace(
        "note",
        NOTES,
        (0.97, 0.03),
        {
            "mix_up": (0.55, 0.45),
            "wrong_item": (0.93, 0.07),
            "misdescribed": (0.88, 0.12),
            "mistranslated": (0.55, 0.45),
            "overcharged": (0.36, 0.64),
        },
    ),
    Trace(
        "answer",
        ANSWERS,
        (0.46, 0.29, 0.17, 0.05, 0.03),
        {
            "second_thoughts": (0.46, 0.21, 0.16, 0.08, 0.09),
            "misuse": (0.38, 0.18, 0.22, 0.17, 0.05),
            "overlooked": (0.36, 0.2, 0.14, 0.04, 0.26),
            "false_story": (0.33, 0.18, 0.26, 0.18, 0.05),
        },
    ),
)
"""Seen by the time that the seller must have answered."""

_SHARES = {trace.name: trace.shares for trace in (*OPENING, TONE, *PHOTO, *HEARING)}
_LEAST = 1e-9


def drawn(draw: Draw, key: Ints, cause: Ints) -> pl.DataFrame:
    """Every trace of some cases, as numbers of its values; photos that are not there have traces that nobody sees."""
    return pl.DataFrame({name: _picked(draw, key, shares, cause) for name, shares in _SHARES.items()})


def _picked(draw: Draw, key: Ints, shares: Floats, cause: Ints) -> Ints:
    return draw.pick(key, shares[cause])


def weighed(traces: tuple[Trace, ...], seen: pl.DataFrame) -> Floats:
    """Log likelihood of what was seen under each cause (n, causes)."""
    total = np.zeros((seen.height, len(CAUSES)))
    for trace in traces:
        total += np.log(np.maximum(_SHARES[trace.name][:, seen[trace.name].to_numpy()].T, _LEAST))
    return total


def overheard(trace: Trace, likely: Floats) -> Floats:
    """Log likelihood under each cause (n, causes) of what is as likely under each value of a trace (n, values)."""
    return np.asarray(np.log(np.maximum(likely @ trace.shares.T, _LEAST)), dtype=np.float64)
