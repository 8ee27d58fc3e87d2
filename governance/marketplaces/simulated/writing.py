"""What people write in the simulated world: titles, reviews and cases in the language of the market."""

import numpy as np
import polars as pl

from governance.marketplaces.simulated.categories import CATEGORIES
from governance.marketplaces.simulated.chance import Ints
from governance.marketplaces.simulated.markets import MARKETS

_ADJECTIVES = ("classic", "new", "premium", "compact", "original", "everyday", "limited", "light")

_REVIEWS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "id": (
        ("Kecewa, tidak sesuai pesanan.", "Barang rusak, penjual lambat.", "Pengiriman sangat lama."),
        ("Lumayan untuk harganya.", "Biasa saja.", "Cukup, tetapi agak terlambat."),
        ("Barang bagus, pengiriman cepat!", "Sesuai deskripsi, terima kasih.", "Mantap, akan beli lagi."),
    ),
    "es": (
        ("Muy decepcionada, no es lo que pedí.", "Llegó roto.", "Tardó demasiado en llegar."),
        ("Está bien por el precio.", "Regular.", "Cumple, aunque llegó tarde."),
        ("Excelente producto, llegó rápido.", "Tal como en la foto, gracias.", "Lo volvería a comprar."),
    ),
    "en": (
        ("Disappointed, not what I ordered.", "Arrived broken.", "Took far too long to arrive."),
        ("All right for the price.", "It's okay.", "Does the job, came a bit late."),
        ("Great quality and fast delivery.", "Exactly as described, thanks.", "Would buy again."),
    ),
}

REASONS = (
    "changed_mind",
    "out_of_stock",
    "not_received",
    "late",
    "defective",
    "not_as_described",
    "wrong_item",
)

_CASES: dict[str, tuple[str, ...]] = {
    "id": (
        "Saya berubah pikiran.",
        "Stok barang habis.",
        "Barang belum saya terima.",
        "Pesanan saya terlambat.",
        "Barang tidak berfungsi.",
        "Barang tidak sesuai deskripsi.",
        "Saya menerima barang yang salah.",
    ),
    "es": (
        "Cambié de opinión.",
        "El artículo está agotado.",
        "No he recibido mi pedido.",
        "Mi pedido está retrasado.",
        "El artículo no funciona.",
        "El artículo no coincide con la descripción.",
        "Recibí un artículo equivocado.",
    ),
    "en": (
        "I changed my mind.",
        "The item is out of stock.",
        "I have not received my order.",
        "My order is late.",
        "The item does not work.",
        "The item is not as described.",
        "I received the wrong item.",
    ),
}

_TITLES = [[f"{adjective} {noun}" for adjective in _ADJECTIVES for noun in category.nouns] for category in CATEGORIES]


def titles(category: Ints, pick: Ints) -> pl.Series:
    """Titles of listings; `pick` is any non-negative number that a listing keeps."""
    return _strings([_TITLES[row][number % len(_TITLES[row])] for row, number in zip(category, pick, strict=True)])


def review_texts(market: Ints, rating: Ints, chance: np.random.Generator) -> pl.Series:
    """Texts of reviews, null where the buyer gave stars only."""
    pick = chance.integers(0, 3, len(rating))
    silent = chance.random(len(rating)) < 0.55
    mood = np.digitize(rating, (3, 4))
    return _strings(
        [
            None if quiet else _REVIEWS[MARKETS[where].language][how][which]
            for where, how, which, quiet in zip(market, mood, pick, silent, strict=True)
        ]
    )


def case_texts(market: Ints, reason: Ints) -> pl.Series:
    """Texts of cases; `reason` indexes `REASONS`."""
    return _strings([_CASES[MARKETS[where].language][why] for where, why in zip(market, reason, strict=True)])


def _strings(values: list[str] | list[str | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)
