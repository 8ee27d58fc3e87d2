"""The categories of the simulated world: what things cost, weigh, and how often they disappoint."""

from dataclasses import dataclass

import numpy as np

from governance.marketplaces.simulated.chance import Floats


@dataclass(frozen=True, slots=True)
class Category:
    """One category. `defects` and `second_thoughts` are relative to an ordinary category, which has 1."""

    name: str
    demand: float
    price_dollars: float
    price_spread: float
    grams: int
    defects: float
    second_thoughts: float
    nouns: tuple[str, ...]


CATEGORIES = (
    Category("phones", 0.07, 160.0, 0.55, 450, 1.7, 0.9, ("smartphone", "phone", "handset")),
    Category("electronics", 0.11, 45.0, 0.80, 900, 1.6, 0.8, ("earbuds", "speaker", "power bank", "webcam")),
    Category("fashion", 0.17, 18.0, 0.55, 350, 0.9, 2.4, ("dress", "shirt", "jacket", "skirt")),
    Category("shoes", 0.09, 32.0, 0.50, 1100, 0.9, 2.2, ("sneakers", "sandals", "boots")),
    Category("beauty", 0.13, 12.0, 0.50, 200, 0.8, 0.4, ("serum", "lipstick", "sunscreen", "shampoo")),
    Category("home", 0.10, 26.0, 0.70, 2500, 1.1, 0.8, ("lamp", "curtain", "shelf", "cushion")),
    Category("kitchen", 0.08, 21.0, 0.60, 1600, 1.2, 0.6, ("pan", "kettle", "knife set")),
    Category("toys", 0.07, 15.0, 0.55, 800, 1.1, 0.6, ("puzzle", "doll", "building set")),
    Category("sports", 0.06, 28.0, 0.65, 1500, 0.9, 1.0, ("yoga mat", "racket", "dumbbell")),
    Category("books", 0.05, 9.0, 0.40, 500, 0.3, 0.3, ("novel", "cookbook", "atlas")),
    Category("grocery", 0.05, 8.0, 0.45, 1800, 0.6, 0.2, ("coffee", "snack box", "tea")),
    Category("jewellery", 0.02, 60.0, 0.90, 80, 1.3, 1.5, ("necklace", "ring", "bracelet")),
)

DEMAND: Floats = np.array([category.demand for category in CATEGORIES])
PRICE: Floats = np.array([category.price_dollars for category in CATEGORIES])
SPREAD: Floats = np.array([category.price_spread for category in CATEGORIES])
GRAMS: Floats = np.array([category.grams for category in CATEGORIES], dtype=np.float64)
DEFECTS: Floats = np.array([category.defects for category in CATEGORIES])
SECOND_THOUGHTS: Floats = np.array([category.second_thoughts for category in CATEGORIES])
