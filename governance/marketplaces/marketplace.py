"""A marketplace as data: `<folder>/marketplace.toml` and one `<table>.sql` for each contract table that it can fill."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from governance.contracts.tables import TABLES
from governance.errors import ConfigurationError
from governance.marketplaces.pace import Pace
from governance.models.spec import GateBounds, ModelSpec

_HERE = Path(__file__).parent
_CONFIGURATION = "marketplace.toml"
EXCLUSIONS = "exclusions.sql"
"""Counts what the other SQL files leave out or change, with the reason."""


@dataclass(frozen=True, kw_only=True)
class Marketplace:
    """One marketplace.

    `files` maps names in the SQL schema `source` to paths inside the owner's folder; a path that holds
    `{day}` means one file a day. `models` names the models that make sense here, with what they override.
    Decisions of the first `burn_in_days` train no model. `clock` says what time it is there: `wall` where days are
    delivered as they pass; `delivered` where history is replayed or simulated, and the newest delivered day is today.
    """

    folder: Path
    name: str
    currency: str
    time_zone: str
    first_day: date
    quarantine_share_at_most: float
    files: Mapping[str, str]
    last_day: date | None = None
    pseudonymous: bool = False
    synthetic: bool = False
    dated: bool = False
    burn_in_days: int = 0
    clock: str = "wall"
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    automation: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Contract tables that have a SQL file here, in contract order."""
        return tuple(name for name in TABLES if self.sql_path(name).exists())

    @cached_property
    def pace(self) -> Pace:
        """How fast it is looked after, and past which bounds a person is asked."""
        return Pace.of(self.automation)

    @property
    def missing_tables(self) -> tuple[str, ...]:
        """Contract tables that this marketplace cannot fill; what needs them is skipped."""
        return tuple(name for name in TABLES if name not in self.tables)

    @property
    def trains_from(self) -> date:
        """The first day whose decisions train models."""
        return self.first_day + timedelta(days=self.burn_in_days)

    @property
    def needs_secret_key(self) -> bool:
        """Whether personal values here are somebody's, so that the published key would not protect them."""
        return not (self.pseudonymous or self.synthetic)

    def sql_path(self, table: str) -> Path:
        """Where the SELECT of a table lies."""
        return self.folder / f"{table}.sql"

    def sql(self, table: str) -> str:
        """The SELECT of a table."""
        return self.sql_path(table).read_text(encoding="utf-8")


def known_marketplaces() -> tuple[str, ...]:
    """Names of the marketplaces that come with the project."""
    return tuple(sorted(path.parent.name for path in _HERE.glob(f"*/{_CONFIGURATION}")))


def load_marketplace(name_or_path: str | Path) -> Marketplace:
    """Load a marketplace by its name, or from the folder that holds its TOML and SQL.

    Raises
    ------
    ConfigurationError
        Nothing is there, or the TOML or the SQL files are not what they should be.
    """
    folder = _folder(name_or_path)
    path = folder / _CONFIGURATION
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    _require_keys(path, settings)
    for key, value in settings.items():
        _require_type(path, key, value)
    marketplace = Marketplace(folder=folder, **settings)
    _require_values(path, marketplace)
    _require_models(path, marketplace)
    _require_sql(marketplace)
    return marketplace


def _folder(name_or_path: str | Path) -> Path:
    folder = _HERE / name_or_path if str(name_or_path) in known_marketplaces() else Path(name_or_path)
    if not (folder / _CONFIGURATION).exists():
        known = ", ".join(known_marketplaces())
        raise ConfigurationError(
            f"no marketplace {str(name_or_path)!r}: name one of {known}, or a folder that holds {_CONFIGURATION}"
        )
    return folder


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text_table(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())


def _is_table_of_tables(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


def _is_a(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("text", _is_a(str)),
    "currency": ("text", _is_a(str)),
    "time_zone": ("text", _is_a(str)),
    "first_day": ("a date", _is_a(date)),
    "last_day": ("a date", _is_a(date)),
    "quarantine_share_at_most": ("a number", _is_number),
    "pseudonymous": ("true or false", _is_a(bool)),
    "synthetic": ("true or false", _is_a(bool)),
    "dated": ("true or false", _is_a(bool)),
    "burn_in_days": ("a whole number", _is_a(int)),
    "clock": ("wall or delivered", lambda value: value in ("wall", "delivered")),
    "files": ("a table of paths", _is_text_table),
    "models": ("a table for each model", _is_table_of_tables),
    "automation": ("a table", _is_a(dict)),
}
_REQUIRED = {
    entry.name for entry in fields(Marketplace) if entry.default is MISSING and entry.default_factory is MISSING
} - {"folder"}


def _require_keys(path: Path, settings: Mapping[str, Any]) -> None:
    if unknown := sorted(settings.keys() - _TYPES.keys()):
        raise ConfigurationError(f"{path}: unknown key {', '.join(unknown)}; known are {', '.join(_TYPES)}")
    if missing := sorted(_REQUIRED - settings.keys()):
        raise ConfigurationError(f"{path}: {', '.join(missing)} must be given")


def _require_type(path: Path, key: str, value: Any) -> None:
    wanted, holds = _TYPES[key]
    if not holds(value):
        raise ConfigurationError(f"{path}: {key} must be {wanted}, not {value!r}")


def _require_values(path: Path, marketplace: Marketplace) -> None:
    try:
        ZoneInfo(marketplace.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigurationError(f"{path}: time_zone {marketplace.time_zone!r} is not an IANA time zone") from error
    if not (len(marketplace.currency) == 3 and marketplace.currency.isalpha() and marketplace.currency.isupper()):
        raise ConfigurationError(f"{path}: currency {marketplace.currency!r} is not an ISO 4217 code such as BRL")
    if not 0 <= marketplace.quarantine_share_at_most <= 1:
        raise ConfigurationError(f"{path}: quarantine_share_at_most must lie between 0 and 1")
    if marketplace.last_day is None and not marketplace.dated:
        raise ConfigurationError(f"{path}: last_day must be given where dated = false: no file's name tells it")
    if marketplace.last_day is not None and marketplace.last_day < marketplace.first_day:
        raise ConfigurationError(f"{path}: last_day lies before first_day")
    try:
        Pace.of(marketplace.automation)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if marketplace.burn_in_days < 0:
        raise ConfigurationError(f"{path}: burn_in_days must not be below 0")
    for name, file in marketplace.files.items():
        if not name.isidentifier() or Path(file).is_absolute() or ".." in Path(file).parts:
            raise ConfigurationError(f"{path}: files.{name} must name a path inside the owner's folder, not {file!r}")
        if "truth" in Path(file).parts:
            raise ConfigurationError(f"{path}: files.{name}: truth/ is for judging models; nothing there may land")
    if marketplace.dated != any("{day}" in file for file in marketplace.files.values()):
        raise ConfigurationError(f"{path}: paths in [files] hold {{day}} where dated = true, and only there")


def _require_models(path: Path, marketplace: Marketplace) -> None:
    known = {entry.name for entry in fields(ModelSpec)} - {"name", "family"} | {"maturity_days"}
    for model, overrides in marketplace.models.items():
        gates = overrides.get("gates", {})
        unknown = sorted(overrides.keys() - known)
        unknown += sorted(f"gates.{bound}" for bound in gates.keys() - {entry.name for entry in fields(GateBounds)})
        if unknown:
            raise ConfigurationError(f"{path}: models.{model} overrides {', '.join(unknown)}, which no model has")


def _require_sql(marketplace: Marketplace) -> None:
    found = {path.stem for path in marketplace.folder.glob("*.sql") if path.name != EXCLUSIONS}
    if unknown := sorted(found - TABLES.keys()):
        raise ConfigurationError(
            f"{marketplace.folder}: {unknown[0]}.sql fills no table of the contracts; they are {', '.join(TABLES)}"
        )
    if not found:
        raise ConfigurationError(f"{marketplace.folder}: no <table>.sql is there, so nothing can land")
