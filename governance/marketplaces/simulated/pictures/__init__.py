"""Pictures of the simulated world: a sample is really rendered, the rest follows what was measured on it."""

from governance.marketplaces.simulated.pictures.evidence import (
    densities,
    distances,
    evidence,
    listing_hash,
    looks,
    of_listing,
)
from governance.marketplaces.simulated.pictures.kinds import ABUSE, ABUSES, STATE, STATES

__all__ = [
    "ABUSE",
    "ABUSES",
    "STATE",
    "STATES",
    "densities",
    "distances",
    "evidence",
    "listing_hash",
    "looks",
    "of_listing",
]
