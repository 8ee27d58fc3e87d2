"""Conversations of a case: what buyers, sellers, the platform and carriers say to each other, one move at a time."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import Bools, Draw, Floats, Ints
from governance.marketplaces.simulated.words.complaints import SAYABLE, STORIES, TEMPERS
from governance.marketplaces.simulated.words.facts import Facts
from governance.marketplaces.simulated.words.leaning import Turn, nobody
from governance.marketplaces.simulated.words.parts import joined, part
from governance.marketplaces.simulated.words.style import written

MOVES = (
    "buyer_insists",
    "buyer_details",
    "buyer_sends_photo",
    "buyer_accepts",
    "buyer_rejects",
    "buyer_threatens",
    "buyer_chases",
    "buyer_thanks",
    "buyer_chats",
    "buyer_admits",
    "seller_apologises",
    "seller_asks_photo",
    "seller_denies",
    "seller_blames_carrier",
    "seller_blames_buyer",
    "seller_offers_part",
    "seller_promises",
    "seller_asks_return",
    "seller_stalls",
    "seller_accepts",
    "seller_asks_withdrawal",
    "seller_had_no_stock",
    "platform_greets",
    "platform_asks_evidence",
    "platform_reminds",
    "platform_decides",
    "platform_admits",
    "logistics_confirms_delivery",
    "logistics_lost",
    "logistics_damaged",
    "logistics_late",
    "logistics_address",
    "logistics_weighed",
)
MOVE = {name: number for number, name in enumerate(MOVES)}
AUTHOR = np.array([move.split("_")[0] for move in MOVES])
"""Who makes each move."""

_ROLES = ("buyer", "seller", "platform", "logistics")
_ROLE: Ints = np.array([_ROLES.index(author) for author in AUTHOR])
_BUYER, _SELLER = _ROLES.index("buyer"), _ROLES.index("seller")
_DETAILS = MOVE["buyer_details"]
_PUSHES = Turn(if_honest=0.1, if_not=0.3)


def message(
    draw: Draw,
    key: Ints,
    language: Ints,
    move: Ints,
    facts: pl.DataFrame,
    *,
    manipulation: Bools | None = None,
    temper: Floats | None = None,
) -> pl.Series:
    """Lines of conversations; `move` is an index into `MOVES`, one entry for each line.

    `facts["author"]` is whoever writes. Platform and carriers write from templates, without slips.
    """
    about = Facts.read(language, key, facts)
    pushing = _PUSHES.taken(draw, key, nobody(key) if manipulation is None else manipulation)
    heat = draw.uniform(key) ** 1.3 if temper is None else temper
    role = _ROLE[move]
    mood = np.digitize(heat + draw.normal(key, 0.0, 0.12), (0.4, 0.75))
    chats = (role == _BUYER) | (role == _SELLER)
    buyer = role == _BUYER
    told = buyer & (about.story >= 0) & SAYABLE[about.story] & ((move == _DETAILS) | draw.happens(key, 0.12))
    story = np.maximum(about.story, 0)
    ends, takes_leave = draw.happens(key, 0.3), draw.happens(key, 0.15)
    text = joined(
        part("messages", "hello", *_ROLES).pick(draw, key, language, role, said=draw.happens(key, 0.4)),
        part("messages", "core", *MOVES).pick(draw, key, language, move),
        part("cases", "problem", *STORIES).pick(draw, key, language, story, said=told),
        part("cases", "detail", *STORIES).pick(draw, key, language, story, said=told & draw.happens(key, 0.5)),
        part("cases", "pressure").pick(draw, key, language, said=buyer & pushing),
        part("cases", "aside").pick(draw, key, language, said=buyer & draw.happens(key, 0.07)),
        part("messages", "bye", *_ROLES).pick(draw, key, language, role, said=ends),
        part("cases", "closing", *TEMPERS).pick(draw, key, language, mood, said=buyer & takes_leave & ~ends),
    )
    return written(text, about, draw, key, heat, careful=~chats)


def message_log_odds(draw: Draw, key: Ints, move: Ints, manipulation: Bools) -> Floats:
    """What lines of `message` add to the log odds of manipulation; `draw` is a fresh one of the same purpose."""
    pushing = _PUSHES.log_odds(_PUSHES.taken(draw, key, manipulation))
    return np.where(_ROLE[move] == _BUYER, pushing, 0.0)
