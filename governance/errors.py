"""Everything that this project raises on purpose.

GovernanceError
├── InputError                a fact that running again cannot change
│   ├── ConfigurationError    a TOML file, an option or an environment variable is wrong
│   ├── SourceError           a delivered file is missing or cannot be read
│   └── ContractError         a delivery breaks its table's contract beyond what may be quarantined
├── NotReady                  not enough data yet: the work is skipped, with this sentence as the reason
├── PartialFailure            some days of a range failed; the others stand
├── StoreError                an object store or ledger cannot keep its promises
│   └── ConflictError         somebody else wrote first: read again and decide again
├── ReleaseRefused            the registry will not promote, roll back or record this
└── OnlineMismatch            the online store does not hold what was written to it
"""

from collections.abc import Mapping


class GovernanceError(Exception):
    """Base of every error that this project raises on purpose."""


class InputError(GovernanceError):
    """A fact that running again cannot change."""


class ConfigurationError(InputError):
    """A TOML file, an option or an environment variable is wrong."""


class SourceError(InputError):
    """A delivered file is missing or cannot be read."""


class ContractError(InputError):
    """A delivery breaks its table's contract beyond what may be quarantined."""


class NotReady(GovernanceError):  # noqa: N818 - a state of the world, not a mistake
    """Not enough data yet; the message is the reason that people are shown."""


class PartialFailure(GovernanceError):  # noqa: N818 - reads as what happened
    """Some days of a range failed; the others stand and running again does only what is missing."""

    def __init__(self, what: str, failures: Mapping[str, str]) -> None:
        self.failures = dict(failures)
        listed = "; ".join(f"{day}: {why}" for day, why in self.failures.items())
        super().__init__(f"{what}: {len(self.failures)} day(s) failed, the others stand. {listed}")


class StoreError(GovernanceError):
    """An object store or ledger cannot keep its promises."""


class ConflictError(StoreError):
    """Somebody else wrote first: read again and decide again."""


class ReleaseRefused(GovernanceError):  # noqa: N818 - the registry's answer
    """The registry will not promote, roll back or record this; the message says why."""


class OnlineMismatch(GovernanceError):  # noqa: N818 - reads as what was found
    """The online store does not hold what was written to it."""
