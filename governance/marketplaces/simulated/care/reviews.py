"""Reviews: when buyers write them and how many stars they give."""

import numpy as np
import polars as pl

from governance.contracts.tables import REVIEWS
from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.care.causes import NAMES, NUMBER
from governance.marketplaces.simulated.chance import DAY, Bools, Draw, Floats, Ints, Today, known_after, micros
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.shops.brushed import REVIEW_WORDS, written_to_order

LATE_REVIEWS = 0.04

_REVIEWED, _ANGRY, _AGREED = 0.3, 0.1, 0.9
_HELD, _DISPLEASED = 0.02, 0.09
_TOLD = {
    "not_shipped": "not_received",
    "lost": "not_received",
    "bad_label": "not_received",
    "late": "late",
    "missed_pickup": "late",
    "mix_up": "wrong_item",
    "wrong_item": "wrong_item",
    "defect": "defective",
    "damaged": "damaged",
    "poor_packing": "damaged",
    "misdescribed": "not_as_described",
    "mistranslated": "not_as_described",
    "misuse": "defective",
    "misdelivered": "marked_delivered",
    "overlooked": "marked_delivered",
    "overcharged": "overcharged",
}
_STORIES: Ints = np.array([words.STORY[_TOLD[name]] if name in _TOLD else -1 for name in NAMES])
_DISAPPOINTING = [
    NUMBER[name]
    for name in ("defect", "mix_up", "wrong_item", "damaged", "poor_packing", "misdescribed", "mistranslated", "misuse")
]


def put_reviews(outbox: Outbox, today: Today, lines: pl.DataFrame) -> None:
    """Reviews of today's lines: written some days after delivery, or in anger when nothing came.

    Where a review was agreed on, it mostly comes, with as many stars.
    """
    draw, key = today.draw("reviews"), lines["line_key"].to_numpy()
    came = (~lines["withheld"] & ~lines["lost"] & ~lines["cancelled"]).to_numpy()
    agreed = (lines["stars"] > 0).to_numpy()
    waited = np.where(came | agreed, lines["delivered"], lines["deliver_by"] + 2 * DAY)
    written = waited + micros(0.05 + draw.exponential(key, 2.5))
    share = np.where(came, _REVIEWED, np.where(lines["cancelled"], 0.0, _ANGRY))
    rating = np.where(agreed, lines["stars"], _ratings(lines, came, draw, key))
    known = known_after(written, key, draw, minutes=3.0, late_share=LATE_REVIEWS, late_hours=(3, 72))
    reviews = lines.with_columns_seq(
        occurred_at=pl.Series(written),
        known_at=pl.Series(known),
        rating=pl.Series(rating),
        moderation=pl.Series(np.where(draw.happens(key, _HELD), "held", "published"), dtype=pl.String),
    ).filter(pl.Series(draw.happens(key, np.where(agreed, _AGREED, share))))
    if reviews.height:
        outbox.put(REVIEWS, _with_texts(today, reviews.rechunk()))


def _with_texts(today: Today, reviews: pl.DataFrame) -> pl.DataFrame:
    """Reviews with ids and texts; what was wrong is told by some of those whom it happened to."""
    cause = reviews["cause"].to_numpy()
    late = (reviews["late_days"] > 0).to_numpy()
    story = np.where(cause >= 0, _STORIES[np.maximum(cause, 0)], np.where(late, words.STORY["late"], -1))
    about = reviews.select_seq(
        category="what", listing="listing", author="buyer", story=pl.Series(story), amount_minor="price_minor",
        days=pl.col("late_days").clip(lower_bound=1.0),
    )  # fmt: skip
    texts = words.review(
        today.draw(REVIEW_WORDS),
        reviews["line_key"].to_numpy(),
        reviews["where"].to_numpy(),
        reviews["rating"].to_numpy(),
        about,
        bought=written_to_order(reviews),
    )
    return reviews.with_columns_seq(review_id=pl.format("review-{}", "order_line_id"), text=texts)


def _ratings(lines: pl.DataFrame, came: Bools, draw: Draw, key: Ints) -> Ints:
    """Stars: fewer for delay and defects, one or two for what never came; taste, and some whom nothing pleases.

    The shares of stars, also among what came late, are near those of the Olist sample (docs/world/calibration.md).
    """
    disappointed = np.isin(lines["cause"].to_numpy(), _DISAPPOINTING)
    late = lines["late_days"].to_numpy()
    taste: Floats = draw.normal(key, 0.0, 0.9)
    displeased = draw.happens(key, _DISPLEASED) * draw.uniform(key, 2.5, 4.0)
    mood = 4.9 - 1.3 * (late > 0) - 0.4 * np.minimum(late, 6) - 2.6 * disappointed - displeased + taste
    return np.clip(np.rint(np.where(came, mood, 1.3)), 1, 5).astype(np.int64)
