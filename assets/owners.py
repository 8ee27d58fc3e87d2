"""Who answers for an asset: shown in the UI, and the address of its alerts."""

from enum import StrEnum


class Owner(StrEnum):
    """Teams, in Dagster's notation."""

    PLATFORM = "team:ml-platform"
    RISK_CONTROL = "team:risk-control"
    AFTER_SALES = "team:after-sales"

    @classmethod
    def of(cls, team: str) -> "Owner":
        """The owner with a team's plain name.

        >>> Owner.of("after-sales")
        <Owner.AFTER_SALES: 'team:after-sales'>
        """
        return cls(f"team:{team}")
