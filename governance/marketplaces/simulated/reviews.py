"""Reviews: when buyers write them and how many stars they give."""

import numpy as np
import polars as pl

from governance.contracts.tables import REVIEWS
from governance.marketplaces.simulated.causes import NAMES
from governance.marketplaces.simulated.chance import DAY, Bools, Ints, Today, known_after, micros
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.writing import review_texts

LATE_REVIEWS = 0.04

_REVIEWED = 0.3


def put_reviews(outbox: Outbox, today: Today, lines: pl.DataFrame) -> None:
    """Reviews of today's lines: written some days after delivery, or in anger when nothing came."""
    chance = today.chance("reviews")
    came = (~lines["withheld"] & ~lines["lost"] & ~lines["cancelled"]).to_numpy()
    waited = np.where(came, lines["delivered"].to_numpy(), lines["deliver_by"].to_numpy() + 2 * DAY)
    written = waited + micros(0.05 + chance.exponential(2.5, lines.height))
    share = np.where(came, _REVIEWED, np.where(lines["cancelled"].to_numpy(), 0.0, 0.1))
    rating = _ratings(lines, came, chance)
    chosen = pl.Series(chance.random(lines.height) < share)
    texts = review_texts(lines["where"].to_numpy(), rating, chance)
    known = known_after(written, chance, minutes=3.0, late_share=LATE_REVIEWS, late_hours=(3, 72))
    reviews = lines.with_columns(
        review_id=pl.format("review-{}", "order_line_id"),
        occurred_at=pl.Series(written),
        known_at=pl.Series(known),
        rating=pl.Series(rating),
        text=texts,
        moderation=pl.Series(np.where(chance.random(lines.height) < 0.02, "held", "published")),
    )
    outbox.put(REVIEWS, reviews.filter(chosen))


def _ratings(lines: pl.DataFrame, came: Bools, chance: np.random.Generator) -> Ints:
    """Stars: fewer for delay and defects, one or two for what never came, and taste."""
    cause = lines["cause"].to_numpy()
    defect = np.isin(cause, [NAMES.index("defect"), NAMES.index("mix_up")])
    taste = chance.normal(0.0, 0.9, lines.height)
    mood = 4.7 - 0.45 * np.minimum(lines["late_days"].to_numpy(), 6) - 2.2 * defect + taste
    return np.clip(np.rint(np.where(came, mood, 1.3)), 1, 5).astype(np.int64)
