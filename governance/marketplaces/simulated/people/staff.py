"""Staff of the marketplace, and who reads buyers' personal data: staff to help, sellers to send what was ordered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNTS, DATA_ACCESSES
from governance.marketplaces.simulated.chance import HOUR, MINUTE, SECOND, Ints, Today, joint
from governance.marketplaces.simulated.ids import identifiers
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.people.arrivals import drawn_markets
from governance.marketplaces.simulated.people.buyers import Buyers
from governance.marketplaces.simulated.people.things import names, rented
from governance.marketplaces.simulated.rows import Outbox
from governance.marketplaces.simulated.settings import Settings

if TYPE_CHECKING:
    from governance.marketplaces.simulated.life import World

SHOWN_SUBJECTS = 50
PURPOSES = ("support", "fulfilment", "investigation", "export", "other")

_BUYERS_PER_STAFF = 1_200
_WORKS, _READS_A_DAY = 0.7, 5.0
_PURPOSE = (0.8, 0.0, 0.1, 0.04, 0.06)
_MOST_EXPORTED = 160
_NIGHT_SHIFT = 0.15
_MARKET = pl.Series([market.name for market in MARKETS])
_NUMBER = (1 << 49) - 1
_TEXTS = ("account_id", "market", "role", "purpose", "subject_ids", "device", "network")
_READ = {**dict.fromkeys(_TEXTS, pl.String()), "occurred_at": pl.Int64(), "subjects": pl.Int64()}


@dataclass(slots=True)
class Staff:
    """People who work for the marketplace, one entry each in every array."""

    market: Ints

    def __len__(self) -> int:
        return len(self.market)


def hired(settings: Settings, today: Today, outbox: Outbox) -> Staff:
    """Everybody who works there; their accounts become known at the beginning."""
    number = np.arange(settings.buyers // _BUYERS_PER_STAFF + 8, dtype=np.int64)
    market = drawn_markets(today.draw("staff"), number)
    start = np.full(len(number), today.start)
    frame = pl.DataFrame({"occurred_at": start, "known_at": start, "signed_up_at": start}).with_columns_seq(
        account_id=identifiers("staff", number, seed=settings.seed),
        role=pl.lit("staff"),
        verified=pl.lit(True),
        market=_MARKET[market],
        country=_MARKET[market],
        device=names("device", desk(number), seed=settings.seed),
        network=names("network", office(market), seed=settings.seed),
    )
    outbox.put(ACCOUNTS, frame)
    return Staff(market)


def desk(staff: Ints) -> Ints:
    """The number of the device that one works with."""
    return rented(40, staff)


def office(market: Ints) -> Ints:
    """The number of the network of a market's office."""
    return rented(41, market)


def accesses(account: pl.Series, role: str, market: Ints, at: Ints, purpose: Ints, subjects: Ints) -> pl.DataFrame:
    """Accesses of accounts of one role at some moments (microseconds), for a purpose (its place in `PURPOSES`)."""
    return pl.DataFrame({"occurred_at": at, "subjects": subjects, "market": _MARKET[market]}).with_columns_seq(
        account_id=account,
        role=pl.lit(role),
        purpose=pl.Series(PURPOSES, dtype=pl.String)[purpose],
    )


def support_reads(staff: Staff, today: Today, buyers: Buyers) -> pl.DataFrame:
    """What staff read today."""
    draw, number = today.draw("support"), np.arange(len(staff), dtype=np.int64)
    reads = np.where(draw.happens(number, _WORKS), draw.poisson(number, _READS_A_DAY), 0)
    who = np.repeat(number, reads)
    key = joint(who, np.arange(len(who)))
    purpose = draw.pick(key, _PURPOSE)
    few = 1 + (draw.uniform(key) ** 4 * 5).astype(np.int64)
    subjects = np.where(purpose == 3, draw.integers(key, 5, _MOST_EXPORTED), few)
    night = draw.happens(key, _NIGHT_SHIFT)
    at = np.where(night, draw.moment(key, today), draw.working_time(key, today))
    frame = accesses(identifiers("staff", who, seed=today.seed), "staff", staff.market[who], at, purpose, subjects)
    frame = frame.with_columns_seq(
        device=names("device", desk(who), seed=today.seed),
        network=names("network", office(staff.market[who]), seed=today.seed),
    )
    row, subject = shown_subjects(key, subjects, today, buyers)
    return with_subjects(frame, row, subject, seed=today.seed)


def shown_subjects(key: Ints, subjects: Ints, today: Today, buyers: Buyers) -> tuple[Ints, Ints]:
    """Buyers read about, at most the first fifty of each access: the row of the access, and the buyer's number."""
    shown = np.minimum(subjects, SHOWN_SUBJECTS)
    row = np.repeat(np.arange(len(key)), shown)
    place = np.arange(len(row)) - np.repeat(np.cumsum(shown) - shown, shown)
    subject = today.draw("subjects").integers(joint(key[row], place), 0, len(buyers))
    # The place of a campaign that nobody took is no account; somebody who was there before it is read about instead.
    return row, np.where(buyers.joined[subject] < today.index + 1, subject, subject % 100)


def with_subjects(frame: pl.DataFrame, row: Ints, subject: Ints, *, seed: int) -> pl.DataFrame:
    """Accesses with the ids of those read about."""
    ids = pl.DataFrame({"row": row}).with_columns_seq(subject=identifiers("buyer", subject, seed=seed))
    joined = ids.group_by("row", maintain_order=True).agg(subject_ids=pl.col("subject").str.join(" "))
    return (
        frame.with_row_index("row")
        .with_columns_seq(pl.col("row").cast(pl.Int64))
        .join(joined, on="row", how="left", maintain_order="left")
    )


def fulfilment_reads(world: "World", today: Today, lines: pl.DataFrame) -> pl.DataFrame:
    """Each seller reads once a day to whom it has to send what; some look again and again."""
    bought = lines.group_by("seller", maintain_order=True).agg(
        account_id=pl.col("seller_id").first(),
        market=pl.col("market").first(),
        subjects=pl.col("buyer_id").n_unique(),
        subject_ids=pl.col("buyer_id").unique(maintain_order=True).head(SHOWN_SUBJECTS).str.join(" "),
        last=pl.col("occurred_at").max(),
    )
    seller = bought["seller"].to_numpy()
    sellers, draw = world.shops.sellers, today.draw("fulfilment")
    at = bought["last"].to_numpy() + MINUTE + (draw.exponential(seller, 3.0) * HOUR).astype(np.int64)
    return bought.with_columns_seq(
        occurred_at=pl.Series(at),
        role=pl.lit("seller"),
        purpose=pl.Series(PURPOSES, dtype=pl.String)[draw.pick(seller, (0.0, 0.94, 0.0, 0.03, 0.03))],
        device=names("device", sellers.device[seller], seed=today.seed),
        network=names("network", sellers.network[seller], seed=today.seed),
    )


def put_accesses(outbox: Outbox, today: Today, parts: Sequence[pl.DataFrame]) -> None:
    """Put accesses into the outbox, numbered by account, moment and order."""
    frame = pl.concat([part.select_seq(pl.col(name).cast(kind) for name, kind in _READ.items()) for part in parts])
    nth = pl.int_range(pl.len()).over("account_id", "occurred_at")
    digits = frame.select_seq(pl.col("account_id").str.slice(-16).cast(pl.Int64), nth=nth)
    at = frame["occurred_at"].to_numpy()
    number = joint(digits["account_id"].to_numpy(), at, digits["nth"].cast(pl.Int64).to_numpy()) & _NUMBER
    late = (today.draw("accesses known").exponential(number, 30.0) * SECOND).astype(np.int64)
    outbox.put(
        DATA_ACCESSES,
        frame.with_columns_seq(access_id=identifiers("access", number, seed=today.seed), known_at=pl.Series(at + late)),
    )
