"""What is written together, and therefore by one run at a time: the pools of the assets and the names of the locks."""

from collections.abc import Sequence
from enum import StrEnum


class Family(StrEnum):
    """A family of datasets.

    `DAYS` are raw rows, features and labels, `WEEKS` training sets, candidates and drift reports, `ONLINE` what
    services read: Feast loses intervals when one view is materialized twice at a time, `DECISIONS` what the service
    decided. Champions belong to none: the registry compares and sets.
    """

    DAYS = "days"
    WEEKS = "weeks"
    ONLINE = "online"
    DECISIONS = "decisions"

    @classmethod
    def of(cls, key: Sequence[str]) -> "Family | None":
        """What is written with an asset.

        >>> Family.of(("raw", "orders")), Family.of(("models", "claim", "scores"))
        (<Family.DAYS: 'days'>, <Family.ONLINE: 'online'>)
        >>> Family.of(("models", "claim", "champion"))
        """
        if key[0] in ("raw", "features", "labels"):
            return cls.DAYS
        if key[0] == "decisions":
            return cls.DECISIONS
        if key[0] == "online" or key[-1] == "scores":
            return cls.ONLINE
        return cls.WEEKS if key[-1] in ("training_set", "candidate", "drift") else None

    @property
    def reads(self) -> "tuple[Family, ...]":
        """What is read while this is written, and must not change meanwhile."""
        return () if self is Family.DAYS else (Family.DAYS,)
