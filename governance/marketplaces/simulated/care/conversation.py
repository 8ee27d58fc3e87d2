"""Conversations: what buyer, seller, carrier and platform write to each other before the seller's deadline."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from governance.contracts.tables import MESSAGES
from governance.marketplaces.simulated import words
from governance.marketplaces.simulated.care.telling import MANIPULATING, facts, temper
from governance.marketplaces.simulated.care.traces import ANSWERS, NOTES, REPLIES, STATEMENTS
from governance.marketplaces.simulated.chance import MINUTE, Draw, Floats, Ints, Today, joint, micros
from governance.marketplaces.simulated.rows import Outbox

_ACKNOWLEDGED, _URGED = 0.3, 0.25
_SELLERS = np.int64(1) << 40
"""Added to a seller's number, so that no seller writes like the buyer of that number."""

_MOVES = {
    "accepts": ("seller_accepts", "seller_apologises", "seller_promises"),
    "denies": ("seller_denies", "seller_blames_buyer", "seller_asks_withdrawal"),
    "blames_carrier": ("seller_blames_carrier",),
    "offers_part": ("seller_offers_part",),
    "asks": ("seller_asks_photo", "seller_asks_return", "seller_stalls"),
    "no_stock": ("seller_had_no_stock",),
    "details": ("buyer_details", "buyer_sends_photo"),
    "insists": ("buyer_insists", "buyer_threatens", "buyer_rejects"),
    "evasive": ("buyer_chats", "buyer_chases"),
    "withdraws": ("buyer_accepts", "buyer_admits", "buyer_thanks"),
    "proven": ("logistics_confirms_delivery", "logistics_weighed"),
    "unproven": ("logistics_address",),
    "damage": ("logistics_damaged",),
    "missing": ("logistics_lost",),
    "late_pickup": ("logistics_late",),
    "admits": ("platform_admits",),
    "acknowledges": ("platform_greets", "platform_asks_evidence", "platform_reminds"),
    "urges": ("buyer_chases", "buyer_insists"),
}
"""What each value of a trace may sound like."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """One turn: the trace that says what is said (`values`, the first of them nothing), between which days."""

    trace: str
    values: tuple[str, ...]
    from_days: float
    to_days: float


_TURNS = (
    _Turn("acknowledged", ("none", "acknowledges"), 0.002, 0.02),
    _Turn("reply", REPLIES, 0.05, 1.4),
    _Turn("urged", ("none", "urges"), 0.5, 1.4),
    _Turn("answer", ANSWERS, 1.42, 2.1),
    _Turn("statement", STATEMENTS, 0.6, 2.5),
    _Turn("note", NOTES, 1.0, 2.6),
)
_MOST = max(len(moves) for moves in _MOVES.values())
_NEEDED = (
    *(
        "line_key",
        "case_id",
        "known_at",
        "market",
        "where",
        "what",
        "listing",
        "buyer",
        "seller",
        "opened",
        "deliver_by",
        "grams",
    ),
    *("price_minor", "shipping_minor", "discount_minor", "reason", "tone", "reply", "answer", "statement", "note"),
)


def _moves() -> Ints:
    """The moves that say each value of each turn (turns, values, choices); what nobody says has any."""
    table = np.zeros((len(_TURNS), max(len(turn.values) for turn in _TURNS), _MOST), dtype=np.int64)
    for number, turn in enumerate(_TURNS):
        for value, name in enumerate(turn.values):
            if name in _MOVES:
                table[number, value] = np.resize([words.MOVE[move] for move in _MOVES[name]], _MOST)
    return table


_MOVE = _moves()
_FROM: Floats = np.array([turn.from_days for turn in _TURNS])
_TO: Floats = np.array([turn.to_days for turn in _TURNS])


def put_messages(outbox: Outbox, today: Today, cases: pl.DataFrame) -> None:
    """The conversations of today's cases; cancellations have none. Who says nothing leaves no row."""
    contested = cases.filter(pl.col("respond_by").is_not_null()).select_seq(_NEEDED)
    if contested.is_empty():
        return
    draw, key = today.draw("conversations"), contested["line_key"].to_numpy()
    values = {turn.trace: contested[turn.trace].to_numpy() for turn in _TURNS if turn.trace in contested.columns}
    values["acknowledged"] = draw.happens(key, _ACKNOWLEDGED).astype(np.int64)
    values["urged"] = draw.happens(key, _URGED).astype(np.int64)
    turn, row = np.nonzero(np.array([values[turn.trace] for turn in _TURNS]))
    said = np.array([values[one.trace] for one in _TURNS])[turn, row]
    outbox.put(MESSAGES, _with_texts(draw, _spoken(draw, contested[row], turn, said)))


def _spoken(draw: Draw, cases: pl.DataFrame, turn: Ints, said: Ints) -> pl.DataFrame:
    """The lines that are spoken, with `move`, `key` and times; one entry of `turn` and of `said` for each."""
    key = joint(cases["line_key"].to_numpy(), turn)
    at = cases["opened"].to_numpy() + micros(draw.uniform(key, _FROM[turn], _TO[turn]))
    return cases.with_columns_seq(
        message_id=pl.format("message-{}-{}", "case_id", pl.Series(turn)),
        key=pl.Series(key),
        move=pl.Series(_MOVE[turn, said, draw.integers(key, 0, _MOST)]),
        occurred_at=pl.Series(at),
        known_at=pl.Series(np.maximum(at, cases["known_at"].to_numpy()) + draw.integers(key, 0, 3 * MINUTE)),
    )


def _with_texts(draw: Draw, spoken: pl.DataFrame) -> pl.DataFrame:
    key, where, move = (spoken[name].to_numpy() for name in ("key", "where", "move"))
    role, tone = words.AUTHOR[move], spoken["tone"].to_numpy()
    buyers = spoken["buyer"].to_numpy()
    author = np.select([role == "buyer", role == "seller"], [buyers, spoken["seller"].to_numpy() + _SELLERS], key)
    about = facts(spoken).with_columns_seq(author=pl.Series(author))
    texts = words.message(
        draw,
        key,
        where,
        move,
        about,
        manipulation=(tone == MANIPULATING) & (role == "buyer"),
        temper=np.where(role == "buyer", temper(draw, key, tone), draw.uniform(key, 0.0, 0.6)),
    )
    return spoken.with_columns_seq(
        author_role=pl.Series(role, dtype=pl.String), language=words.languages(where), text=texts
    )
