"""What one day hands to the next survives on disk; what cannot be kept is refused."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from governance.marketplaces.simulated.state import extended, restore, save


@dataclass
class Herd:
    age: np.ndarray
    tame: np.ndarray

    def __len__(self) -> int:
        return len(self.age)


@dataclass
class Farm:
    name: str = field(metadata={"kept": False})
    day: int
    price: float
    owner: str | None
    herd: Herd
    crops: pl.DataFrame
    barns: dict[str, pl.DataFrame]


def farm() -> Farm:
    herd = Herd(np.array([1.5, 2.5]), np.array([True, False]))
    return Farm("north", 3, 1.25, None, herd, pl.DataFrame({"kind": ["rye"]}), {"a": pl.DataFrame({"hay": [1]})})


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    save(farm(), tmp_path / "state")
    other = Farm("south", 0, 0.0, "?", Herd(np.empty(0), np.empty(0, bool)), pl.DataFrame(), {})
    restore(other, tmp_path / "state")
    was = farm()
    assert (other.name, other.day, other.price, other.owner) == ("south", 3, 1.25, None)
    assert other.herd.age.tolist() == was.herd.age.tolist()
    assert other.herd.tame.dtype == np.bool_
    assert other.crops.equals(was.crops)
    assert list(other.barns) == ["a"]
    other.herd.age[0] = 9.0


def test_saving_twice_leaves_nothing_of_the_first_time(tmp_path: Path) -> None:
    save(farm(), tmp_path / "state")
    later = farm()
    later.barns = {}
    save(later, tmp_path / "state")
    restored = farm()
    restore(restored, tmp_path / "state")
    assert restored.barns == {}


def test_what_cannot_be_kept_is_refused_by_name(tmp_path: Path) -> None:
    broken = farm()
    broken.owner = object()  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"Farm\.owner is a object"):
        save(broken, tmp_path / "state")


def test_arrays_are_extended_field_by_field() -> None:
    both = extended(farm().herd, farm().herd)
    assert both.age.tolist() == [1.5, 2.5, 1.5, 2.5]
    assert len(both) == 4
