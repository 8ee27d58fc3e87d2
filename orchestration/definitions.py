"""The code location that Dagster loads."""

import dagster as dg

from orchestration.build import build_defs
from orchestration.environments import current_workspace


@dg.definitions
def defs() -> dg.Definitions:
    """The assets and jobs of the marketplace that the environment names."""
    return build_defs(current_workspace())
