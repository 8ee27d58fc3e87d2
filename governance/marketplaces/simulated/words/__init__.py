"""What people write in the simulated world, in the language of their market: pure functions of draws and facts."""

import polars as pl

from governance.marketplaces.simulated.chance import Ints
from governance.marketplaces.simulated.words.appeals import grounds
from governance.marketplaces.simulated.words.captions import caption, caption_log_odds
from governance.marketplaces.simulated.words.complaints import STORIES, STORY, complaint, complaint_log_odds
from governance.marketplaces.simulated.words.facts import nouns
from governance.marketplaces.simulated.words.listings import EVASIONS, listing, listing_log_odds
from governance.marketplaces.simulated.words.messages import AUTHOR, MOVE, MOVES, message, message_log_odds
from governance.marketplaces.simulated.words.parts import LANGUAGES
from governance.marketplaces.simulated.words.reviews import review, review_log_odds

__all__ = [
    "AUTHOR",
    "EVASIONS",
    "MOVE",
    "MOVES",
    "STORIES",
    "STORY",
    "caption",
    "caption_log_odds",
    "comment",
    "complaint",
    "complaint_log_odds",
    "grounds",
    "items",
    "languages",
    "listing",
    "listing_log_odds",
    "message",
    "message_log_odds",
    "review",
    "review_log_odds",
]


def items(language: Ints, category: Ints, listing: Ints) -> pl.Series:
    """The nouns that the texts about listings use, without an article."""
    found = pl.Series(nouns(language, category, listing), dtype=pl.String)
    return found.str.strip_prefix("el ").str.strip_prefix("la ")


def languages(language: Ints) -> pl.Series:
    """Codes of languages (ISO 639-1) by the number of the market."""
    return pl.Series(LANGUAGES, dtype=pl.String)[language]
