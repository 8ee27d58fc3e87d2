"""Evidence: photos used before are found again, whoever hands them in."""

from itertools import combinations

import numpy as np
import polars as pl

from governance.contracts.tables import EVIDENCE
from governance.marketplaces.simulated import pictures
from governance.marketplaces.simulated.care import traces
from governance.marketplaces.simulated.care.cases import filed
from governance.marketplaces.simulated.care.proof import put_evidence
from governance.marketplaces.simulated.care.traces import MAKES
from governance.marketplaces.simulated.chance import Draw
from governance.marketplaces.simulated.rows import Outbox

from .conftest import Trade


def handed_in(trade: Trade, *, generation: int = 0, make: str | None = None) -> pl.DataFrame:
    """The buyers' evidence of members' cases, all of one make where it is given."""
    cases = trade.lines.filter((pl.col("cause") >= 0) & (pl.col("abuse") > 0)).head(300)
    seen = traces.drawn(Draw(1, 1, "traces"), cases["line_key"].to_numpy(), cases["cause"].to_numpy())
    if make is not None:
        seen = seen.with_columns(make=pl.lit(MAKES.index(make)), photos=pl.lit(1))
    outbox = Outbox()
    shown = cases.hstack(seen).with_columns(picture="listing", pictured="what")
    put_evidence(outbox, trade.today, filed(trade.today, shown), np.full(cases.height, generation))
    return pl.concat(outbox._new[EVIDENCE.name]).filter(pl.col("submitted_by") == "buyer")


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_borrowed_photos_come_from_one_album_and_another_generation_has_another(trade: Trade) -> None:
    first, rotated = (
        handed_in(trade, generation=number, make="reused")["perceptual_hash"].head(80).to_list() for number in (0, 1)
    )
    near = sum(distance(one, other) <= 4 for one, other in combinations(first, 2))
    # A case's own listing, and the buyer's own earlier photos, stay the same.
    across = sum(distance(first[one], rotated[other]) <= 4 for one, other in combinations(range(len(first)), 2))
    assert near > 20
    assert across < near / 5


def test_photos_of_their_own_are_far_from_each_other(trade: Trade) -> None:
    hashes = handed_in(trade, make="genuine")["perceptual_hash"].head(60).to_list()
    assert all(len(one) == 16 for one in hashes)
    assert sum(distance(one, other) <= 4 for one, other in combinations(hashes, 2)) == 0


def test_evidence_comes_with_its_case_and_no_photo_is_from_the_future(trade: Trade) -> None:
    rows = handed_in(trade)
    assert rows["evidence_id"].is_unique().all()
    assert (rows["known_at"] >= rows["occurred_at"]).all()
    assert (rows["captured_at"].drop_nulls() <= rows.drop_nulls("captured_at")["occurred_at"]).all()


def test_some_photos_used_before_are_the_pictures_of_the_listings(trade: Trade) -> None:
    cases = trade.lines.filter((pl.col("cause") >= 0) & (pl.col("abuse") > 0)).head(300)
    rows = handed_in(trade, make="reused")["perceptual_hash"].to_list()
    shown = pictures.listing_hash(cases["listing"].to_numpy(), cases["what"].to_numpy()).to_list()
    near = sum(distance(one, other) <= 6 for one, other in zip(rows, shown, strict=True))
    assert 0.1 < near / len(rows) < 0.3
