"""What a label means: which decisions it is about, who may state it, and when it has matured."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from governance.errors import ConfigurationError
from governance.storage.digests import fingerprint

_FOLDER = Path(__file__).parent / "definitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDefinition:
    """One label. `labelers` go from the best to the least; `needs` are the tables without which it cannot be."""

    name: str
    owner: str
    meaning: str
    decisions: str
    maturity_days: int
    needs: tuple[str, ...]
    labelers: tuple[str, ...]
    version: int

    @property
    def dataset(self) -> str:
        """Where matured labels lie in the lake, by the day on which they matured."""
        return f"labels/{self.name}"

    @property
    def maturity(self) -> timedelta:
        """How long after a decision its label counts as known."""
        return timedelta(days=self.maturity_days)

    @property
    def digest(self) -> str:
        """SHA-256 of the definition."""
        return fingerprint(asdict(self))

    def with_maturity(self, days: int) -> "LabelDefinition":
        """The same label where it takes longer, or less long, to become known."""
        return replace(self, maturity_days=days)


@lru_cache(maxsize=1)
def label_definitions() -> Mapping[str, LabelDefinition]:
    """Every label definition of the project, by name."""
    return {path.stem: parse_definition(tomllib.loads(path.read_text())) for path in sorted(_FOLDER.glob("*.toml"))}


def parse_definition(values: Mapping[str, Any]) -> LabelDefinition:
    """A definition from TOML values.

    Raises
    ------
    ConfigurationError
        A field is missing or unknown, a list of names is none, or the maturity is not at least one whole day.
    """
    fields = dict(values)
    try:
        definition = LabelDefinition(
            needs=_names(fields.pop("needs")), labelers=_names(fields.pop("labelers")), **fields
        )
    except (KeyError, TypeError) as problem:
        raise ConfigurationError(f"label definition {values.get('name', '?')}: {problem}") from problem
    if not isinstance(definition.maturity_days, int) or definition.maturity_days < 1:
        raise ConfigurationError(f"label {definition.name}: maturity_days must be a whole number of at least 1")
    return definition


def _names(listed: Any) -> tuple[str, ...]:
    if not isinstance(listed, list) or not listed or not all(isinstance(name, str) for name in listed):
        raise TypeError(f"{listed!r} is not a list of names")
    return tuple(listed)
