"""Evidence: photos and receipts that buyers and sellers hand in."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.contracts.tables import EVIDENCE
from governance.marketplaces.simulated import pictures
from governance.marketplaces.simulated.care.causes import NUMBER
from governance.marketplaces.simulated.care.traces import CAPTURED, MAKES, PROOFS, REASONS
from governance.marketplaces.simulated.chance import HOUR, MINUTE, Draw, Ints, Today, joint, micros
from governance.marketplaces.simulated.pictures.evidence import looks
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.shops.categories import CATEGORIES

_GENUINE, _REUSED = MAKES.index("genuine"), MAKES.index("reused")
_ABUSE: Ints = np.array([pictures.ABUSE["none" if make == "genuine" else make] for make in MAKES])
_SHOWS = {
    "damaged": "damaged",
    "defective": "damaged",
    "empty_box": "empty_box",
    "wrong_item": "wrong_item",
    "not_received": "parcel",
    "late": "parcel",
}
_STATE: Ints = np.array([pictures.STATE[_SHOWS.get(reason, "fine")] for reason in REASONS])
_FINE = pictures.STATE["fine"]
_ALBUM, _FOUND = 40, 12
"""Photos that the members of one campaign and generation pass around, and photos that others find somewhere."""

_PASSED_ON, _OF_LISTING, _OWN = 0.6, 0.2, 0.2
"""Shares of the photos used before that come from others, from the listing, and from the buyer's own cases; the same
for everybody, so that where a photo was seen before tells no more than that it was."""

_RECEIPTS = NUMBER["overcharged"]
_VIDEOS = 0.07


def put_evidence(outbox: Outbox, today: Today, cases: pl.DataFrame, generation: Ints) -> None:
    """Evidence of today's cases: the buyers' with the case, the sellers' before their deadline.

    Parameters
    ----------
    generation
        Of the campaign of each buyer, 0 for those that are members of none.
    """
    draw = today.draw("evidence")
    outbox.put(EVIDENCE, pl.concat([_of_buyers(draw, cases, generation), _of_sellers(draw, cases)]))


def _of_buyers(draw: Draw, cases: pl.DataFrame, generation: Ints) -> pl.DataFrame:
    """One row for each photo; the first has the make of the case, the others are mostly like it."""
    row = np.repeat(np.arange(cases.height), cases["photos"].to_numpy())
    nth = np.arange(len(row)) - np.searchsorted(row, row)
    pieces, key = cases[row], joint(cases["line_key"].to_numpy()[row], nth)
    make = np.where((nth > 0) & draw.happens(key, 0.35), _GENUINE, pieces["make"].to_numpy())
    receipt = (pieces["cause"] == _RECEIPTS).to_numpy() & draw.happens(key, 0.8)
    kind = np.where(receipt, "receipt", np.where(draw.happens(key, _VIDEOS), "video", "photo"))
    look = _looks(draw, key, _shown(draw, key, pieces, make, generation[row]), make)
    return _rows(draw, key, pieces, nth, look, kind=pl.Series(kind, dtype=pl.String), by="buyer", at=pieces["opened"])


def _of_sellers(draw: Draw, cases: pl.DataFrame) -> pl.DataFrame:
    pieces = cases.filter(pl.col("proof") > 0)
    key = joint(pieces["line_key"].to_numpy(), -1)
    kind = pl.Series(np.array(PROOFS)[pieces["proof"].to_numpy()], dtype=pl.String)
    make = draw.pick(key, (0.68, 0.25, 0.04, 0.01, 0.01, 0.01))
    at = pieces["opened"] + pl.Series(micros(draw.uniform(key, 0.1, 2.8)))
    look = _looks(draw, key, _Shown(joint(key, 3), *_what(pieces)), make)
    nth = np.full(len(key), 9)
    return _rows(draw, key, pieces.with_columns_seq(captured=pl.lit(1)), nth, look, kind=kind, by="seller", at=at)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What photos show: the identity of the picture, the category of the goods and their state."""

    image: Ints
    category: Ints
    state: Ints


def _shown(draw: Draw, key: Ints, pieces: pl.DataFrame, make: Ints, generation: Ints) -> _Shown:
    """A photo of its own, or one used before, which shows what it showed then."""
    used, source = make == _REUSED, draw.pick(key, (_PASSED_ON, _OF_LISTING, _OWN))
    abuse, page = pieces["abuse"].to_numpy(), draw.integers(key, 0, _ALBUM)
    passed_on = joint(abuse, generation, np.where(abuse > 0, page, page % _FOUND))
    before = np.where(source == 0, passed_on, joint(pieces["buyer"].to_numpy(), page % 3))
    then, (category, state) = np.abs(before), _what(pieces)
    of_listing = used & (source == 1)
    cases = [of_listing, used]
    return _Shown(
        np.select(cases, [pictures.of_listing(pieces["picture"].to_numpy()), before], joint(key, 1)),
        np.select(cases, [pieces["pictured"].to_numpy(), then % len(CATEGORIES)], category),
        np.select(cases, [np.full(len(key), _FINE), then // len(CATEGORIES) % len(pictures.STATES)], state),
    )


def _what(pieces: pl.DataFrame) -> tuple[Ints, Ints]:
    """The category of the goods and the state in which they arrived."""
    return pieces["what"].to_numpy(), _STATE[pieces["reason"].to_numpy()]


def _looks(draw: Draw, key: Ints, shown: _Shown, make: Ints) -> pl.DataFrame:
    """Perceptual hash and measures of photos."""
    return looks(draw, key, image=shown.image, category=shown.category, state=shown.state, abuse=_ABUSE[make])


def _rows(
    draw: Draw,
    key: Ints,
    pieces: pl.DataFrame,
    nth: Ints,
    look: pl.DataFrame,
    *,
    kind: pl.Series,
    by: str,
    at: pl.Series,
) -> pl.DataFrame:
    opened = at.to_numpy()
    came = np.minimum(pieces["delivered"].to_numpy(), opened)
    after = came + ((opened - came) * draw.uniform(key)).astype(np.int64)
    earlier = pieces["placed"].to_numpy() - micros(draw.exponential(key, 60.0)) - HOUR
    captured = np.select([pieces["captured"].to_numpy() == 1], [after], default=earlier)
    told = pl.Series(pieces["captured"].to_numpy() != CAPTURED.index("untold"))
    known = np.maximum(pieces["known_at"].to_numpy(), opened if by == "buyer" else opened + MINUTE)
    return pl.concat([pieces.select_seq("market", "case_id"), look], how="horizontal").with_columns_seq(
        evidence_id=pl.format("evidence-{}-{}", pieces["case_id"], pl.Series(nth)),
        occurred_at=at,
        known_at=pl.Series(known),
        submitted_by=pl.lit(by),
        kind=kind,
        captured_at=pl.when(told).then(pl.Series(captured)),
    )
