"""The markets of the simulated world: currency, clock, cities and how its people pay."""

import math
from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import Floats

CARRIERS = 3
"""Carriers of each market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One country. All three currencies have two decimals in ISO 4217, so a minor unit is a hundredth.

    `utc_offset_hours` is fixed: summer time would blur the daily rhythm without teaching anything.
    """

    name: str
    currency: str
    dollars: float
    price_step_minor: int
    utc_offset_hours: int
    evening_peak: float
    share: float
    language: str
    cities: tuple[tuple[float, float], ...]
    payment_methods: tuple[tuple[str, float], ...]

    def utc_hours(self) -> Floats:
        """Share of the day's orders in each UTC hour: a noon bump, an evening peak and a quiet night."""
        hour = np.arange(24)
        noon = np.exp(-(((hour - 12.5) / 3.0) ** 2))
        evening = np.exp(-(((hour - self.evening_peak) / 2.2) ** 2))
        local = 0.06 + 0.6 * noon + evening
        return np.roll(local / local.sum(), -self.utc_offset_hours)

    def reference_rate(self, day: int) -> float:
        """Dollars for one unit of the currency: a slow swing of one per cent."""
        return round(self.dollars * (1 + 0.01 * math.sin(2 * math.pi * day / 97 + self.utc_offset_hours)), 12)


MARKETS = (
    Market(
        name="ID",
        currency="IDR",
        dollars=0.000061,
        price_step_minor=100_000,
        utc_offset_hours=7,
        evening_peak=20.0,
        share=0.45,
        language="id",
        cities=((-6.2, 106.8), (-7.3, 112.7), (3.6, 98.7), (-6.9, 107.6), (-5.1, 119.4)),
        payment_methods=(("wallet", 0.5), ("bank_slip", 0.3), ("card", 0.2)),
    ),
    Market(
        name="MX",
        currency="MXN",
        dollars=0.054,
        price_step_minor=100,
        utc_offset_hours=-6,
        evening_peak=21.0,
        share=0.30,
        language="es",
        cities=((19.4, -99.1), (20.7, -103.3), (25.7, -100.3), (21.0, -89.6), (32.5, -117.0), (19.0, -98.2)),
        payment_methods=(("card", 0.6), ("cash", 0.25), ("wallet", 0.15)),
    ),
    Market(
        name="GB",
        currency="GBP",
        dollars=1.27,
        price_step_minor=10,
        utc_offset_hours=0,
        evening_peak=20.5,
        share=0.25,
        language="en",
        cities=((51.5, -0.1), (53.5, -2.2), (55.9, -4.3), (52.5, -1.9)),
        payment_methods=(("card", 0.75), ("wallet", 0.25)),
    ),
)
