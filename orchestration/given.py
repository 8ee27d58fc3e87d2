"""What people give in words, on the command line and in the launchpad: models, digests, days and moments."""

from datetime import date, datetime

from governance.contracts.calendar import midnight
from governance.errors import ConfigurationError
from governance.workspace import Workspace

_A_DAY = len("2024-03-08")


def require_model(workspace: Workspace, model: str) -> None:
    """Refuse a name that is none of the marketplace's models."""
    if model not in workspace.models.present:
        known = ", ".join(workspace.models.present) or "none"
        raise ConfigurationError(f"{workspace.marketplace.name} has no model {model!r}; its models are {known}")


def whole_digest(workspace: Workspace, model: str, beginning: str) -> str:
    """The digest of the one candidate that begins so."""
    require_model(workspace, model)
    found = [one.digest for one in workspace.registry.candidates(model) if one.digest.startswith(beginning)]
    if len(found) != 1:
        problem = f"{model}: {len(found)} candidates begin with {beginning!r}"
        raise ConfigurationError(f"{problem}; `govern models` lists them")
    return found[0]


def day_range(text: str) -> tuple[date, date]:
    """First and last day of `FROM..TO`."""
    try:
        first, last = (date.fromisoformat(part) for part in text.split(".."))
    except ValueError as problem:
        raise ConfigurationError(f"{text!r} is not FROM..TO, such as 2024-02-01..2024-02-29") from problem
    if last < first:
        raise ConfigurationError(f"{text}: the last day comes before the first")
    return first, last


def monday(text: str) -> date:
    """The `as_of` of a week."""
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise ConfigurationError(f"{text!r} is no day, such as 2024-02-05") from problem


def moment(text: str) -> datetime:
    """A time with its zone; days are UTC days everywhere here, so a day alone is the midnight that begins it."""
    try:
        return midnight(date.fromisoformat(text)) if len(text) == _A_DAY else datetime.fromisoformat(text)
    except ValueError as problem:
        raise ConfigurationError(f"{text!r} is no date and time, such as 2024-03-08T12:00+00:00") from problem
