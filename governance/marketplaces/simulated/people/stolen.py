"""Logins as an observer sees them, whose they were, what owners say of it later, and what thieves do once inside.

Networks, countries, hours and wrong passwords are judged exactly, by each buyer's own habits; how new a device is, with
whom it is shared, and what failed before from the same network has no formula and is counted (`learnt`). Thieves are
judged by the ordinary numbers of their trade, whatever a campaign overrides.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from governance.marketplaces.simulated.chance import DAY, HOUR, Bools, Floats, Ints, Today
from governance.marketplaces.simulated.markets import MARKETS
from governance.marketplaces.simulated.odds import Odds
from governance.marketplaces.simulated.people.buyers import Buyers
from governance.marketplaces.simulated.people.company import times_used
from governance.marketplaces.simulated.people.learnt import Learnt, crossed, guessed
from governance.marketplaces.simulated.people.sessions import (
    ELSEWHERE,
    ELSEWHERE_SHARE,
    HOME,
    LOGINS,
    PUBLIC,
    RELAY,
    RELAY_ABROAD,
    RELAYED,
    VISITS_PER_BUYER_AND_DAY,
    WRONG_PASSWORDS,
    rhythm,
)
from governance.marketplaces.simulated.people.takeover import Thief, Thieving
from governance.marketplaces.simulated.said import Saying

LABEL = "account_takeover"

SAYING = Saying(
    label=LABEL,
    labeler="owner_report",
    found=0.85,
    delay_days=3.0,
    delay_spread=0.9,
    delay_by_segment={"ID": 1.3, "GB": 0.7},
    mistaken=0.0002,
    audited=0.001,
    reason="not_me",
)

FAILURES_REMEMBERED_DAYS = 3
BLOCKED_FAILURES = 10
YOUNG_DAYS = 14

_STEPS = (1, 3, 8)
_THIEF = Thieving()
_HOURS: Floats = np.array([market.utc_hours() for market in MARKETS])


@dataclass(slots=True)
class Traces:
    """How often thieves and owners leave what nobody set."""

    device: Learnt = field(
        default_factory=lambda: guessed(
            crossed((0.15, 0.35, 0.5), (0.5, 0.3, 0.2)), crossed((0.88, 0.07, 0.05), (0.93, 0.068, 0.002))
        )
    )
    network: Learnt = field(
        default_factory=lambda: guessed(
            crossed((0.01, 0.3, 0.4, 0.29), (0.6, 0.2, 0.15, 0.05)),
            crossed((0.6, 0.33, 0.03, 0.04), (0.97, 0.02, 0.009, 0.001)),
        )
    )
    tried: Learnt = field(default_factory=lambda: guessed((0.95, 0.05), (0.995, 0.005)))


@dataclass(frozen=True, slots=True)
class Seen:
    """Kinds of traces of logins, as numbered in `Traces`, and how many logins failed from the same device lately."""

    device: Ints
    network: Ints
    tried: Ints
    failures: Ints


def no_failures() -> pl.DataFrame:
    """No login has failed lately."""
    return pl.DataFrame(schema={name: pl.Int64() for name in ("day", "buyer", "device", "network")})


def failures_with(failures: pl.DataFrame, sessions: pl.DataFrame, today: Today) -> pl.DataFrame:
    """The failed logins of the last days with today's."""
    new = sessions.filter(pl.col("outcome") != "succeeded").select_seq(
        pl.lit(today.index, pl.Int64).alias("day"), "buyer", device="device_number", network="network_number"
    )
    return pl.concat([failures.filter(pl.col("day") > today.index - FAILURES_REMEMBERED_DAYS), new], rechunk=True)


def look(logins: pl.DataFrame, failures: pl.DataFrame, thefts: pl.DataFrame, buyers: Buyers, today: Today) -> Seen:
    """What successful logins show, beside the failures of the last days and today."""
    device = logins["device_number"].to_numpy()
    failed = times_used(failures["device"].to_numpy(), logins["device_number"].to_numpy())
    others = np.maximum(
        _shared(buyers, logins["buyer"].to_numpy(), device),
        times_used(thefts["device"].to_numpy(), logins["device_number"].to_numpy()) - 1,
    )
    age = today.index - logins["since"].to_numpy()
    newness = np.where(age <= 0, 2, np.where(age < YOUNG_DAYS, 1, 0))
    around = np.searchsorted(
        _STEPS, times_used(failures["network"].to_numpy(), logins["network_number"].to_numpy()), side="right"
    )
    return Seen(
        device=newness * 3 + np.minimum(np.maximum(others, failed), 2),
        network=logins["place"].to_numpy() * 4 + around,
        tried=(times_used(failures["buyer"].to_numpy(), logins["buyer"].to_numpy()) > 0).astype(np.int64),
        failures=failed,
    )


def posterior(traces: Traces, seen: Seen, logins: pl.DataFrame, buyers: Buyers, *, prior: float) -> Floats:
    """Chance of each login to be a thief's."""
    odds = Odds(np.full(logins.height, prior))
    buyer = logins["buyer"].to_numpy()
    odds.weigh(*_places(logins, buyers.public[buyer], buyers.travel[buyer]))
    wrong = np.minimum(logins["wrong_passwords"].to_numpy(), 2)
    odds.weigh(
        np.array([_THIEF.clean, _THIEF.once, 1 - _THIEF.clean - _THIEF.once])[wrong], np.array(WRONG_PASSWORDS)[wrong]
    )
    usual = _HOURS[buyers.market[buyer], logins["at"].to_numpy() // HOUR % 24]
    odds.weigh(_THIEF.night / 24 + (1 - _THIEF.night) * usual, usual)
    # The place itself was judged above: only what failed around it is new.
    around = traces.network.log_ratio(seen.network) - traces.network.log_ratio_of_groups(4)[seen.network // 4]
    found = traces.device.log_ratio(seen.device) + traces.tried.log_ratio(seen.tried)
    odds.log_odds = odds.log_odds + around + found
    return odds.posterior


def learn(traces: Traces, seen: Seen, thief: Bools) -> None:
    """Count the traces, now that the truth is known."""
    for name in ("device", "network", "tried"):
        getattr(traces, name).learn(getattr(seen, name), thief)


def expected_share(playing: list[Thief], today: Today, *, size: int) -> float:
    """Share of today's logins that one would expect to be thieves', knowing which campaigns run."""
    stolen = sum(one.logins_a_day for one in playing if one.campaign.runs(today.index))
    honest = VISITS_PER_BUYER_AND_DAY * size * rhythm(today) * LOGINS
    return max(stolen / (stolen + honest), 1e-5)


def reported(thefts: pl.DataFrame, said: pl.DataFrame, today: Today) -> pl.DataFrame:
    """Stolen accounts with the day on which each owner gets it back; `said` has `buyer`, `campaign` and `known_at`."""
    day = (pl.col("known_at") - today.start) // DAY + today.index + 1
    first = said.group_by("buyer", "campaign", maintain_order=True).agg(back=day.min())
    both = thefts.join(first, on=["buyer", "campaign"], how="left", maintain_order="left")
    earlier = pl.when(pl.col("found") < 0).then(pl.col("back")).otherwise(pl.min_horizontal("found", "back"))
    return both.with_columns_seq(found=pl.coalesce(earlier, "found")).select_seq(thefts.columns)


def _places(logins: pl.DataFrame, public: Floats, travel: Floats) -> tuple[Floats, Floats]:
    """Likelihoods of network and country, if a thief's and if the owner's."""
    place, abroad = logins["place"].to_numpy(), logins["abroad"].to_numpy()
    usual = (1 - travel) * (1 - RELAYED - ELSEWHERE_SHARE)
    relay = np.where(abroad, RELAY_ABROAD, 1 - RELAY_ABROAD)
    owner = np.zeros(len(place))
    thief = np.full(len(place), 1e-4)
    for kind, if_owner, if_thief in (
        (HOME, usual * (1 - public), _THIEF.at_home),
        (PUBLIC, np.where(abroad, travel, usual * public), np.where(abroad, 1e-3, _THIEF.public)),
        (RELAY, (1 - travel) * RELAYED * relay, _THIEF.relayed * relay),
        (ELSEWHERE, (1 - travel) * ELSEWHERE_SHARE, _THIEF.places[ELSEWHERE]),
    ):
        owner = np.where(place == kind, if_owner, owner)
        thief = np.where(place == kind, if_thief, thief)
    return thief, owner


def _shared(buyers: Buyers, buyer: Ints, device: Ints) -> Ints:
    """Whether a neighbour uses the device too: households share theirs, and neighbours have neighbouring numbers."""
    last = len(buyers) - 1
    before, after = buyers.device[np.maximum(buyer - 1, 0)], buyers.device[np.minimum(buyer + 1, last)]
    shared: Ints = (((before == device) & (buyer > 0)) | ((after == device) & (buyer < last))).astype(np.int64)
    return shared
