"""Digests say what rows say: nothing that was written differently changes them, everything that differs does."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance.contracts.schema import Kind
from governance.contracts.tables import TABLES
from governance.storage.digests import fingerprint, frame_digest

MOMENT = datetime(2025, 3, 1, 12, tzinfo=UTC)
VALUES: dict[pl.DataType, st.SearchStrategy[Any]] = {
    pl.String(): st.text(max_size=5),
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.floats(),
    pl.Boolean(): st.booleans(),
    pl.Datetime("us", "UTC"): st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
}


@st.composite
def frames(draw: st.DrawFn, *, min_rows: int = 0) -> pl.DataFrame:
    """Frames with a unique key `k` and one column of each kind, nulls among their values."""
    height = draw(st.integers(min_rows, 6))
    keys = draw(st.lists(st.text(max_size=4), min_size=height, max_size=height, unique=True))
    columns = {
        f"c{number}": pl.Series(
            draw(st.lists(st.none() | values, min_size=height, max_size=height)), dtype=dtype, strict=True
        )
        for number, (dtype, values) in enumerate(VALUES.items())
    }
    return pl.DataFrame({"k": pl.Series(keys, dtype=pl.String)} | columns)


def digest(frame: pl.DataFrame) -> str:
    return frame_digest(frame, key=["k"])


def test_the_digest_of_given_rows_never_changes() -> None:
    """Digests are compared across releases and machines."""
    frame = pl.DataFrame(
        {
            "k": ["b", "a"],
            "n": [1, None],
            "x": [float("nan"), -0.0],
            "t": [MOMENT, None],
            "s": ["é", ""],
            "b": [True, False],
        },
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )
    assert digest(frame) == "6e5bc3562bd143ffec15bda171d21c8be3c9ba307d643d38713e1b7644bd512c"


@settings(max_examples=60)
@given(frame=frames(), data=st.data())
def test_row_order_and_chunks_make_no_difference(frame: pl.DataFrame, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(frame.height)))
    pieces = [frame[[row]] for row in order]
    shuffled = pl.concat(pieces, rechunk=False) if pieces else frame
    assert digest(shuffled) == digest(shuffled.rechunk()) == digest(frame)


@settings(max_examples=25)
@given(frame=frames())
def test_files_and_engines_make_no_difference(tmp_path_factory: pytest.TempPathFactory, frame: pl.DataFrame) -> None:
    folder = tmp_path_factory.mktemp("files")
    for number, compression in enumerate(("zstd", "uncompressed")):
        frame.write_parquet(folder / f"{number}.parquet", compression=compression, row_group_size=2)
        assert digest(pl.read_parquet(folder / f"{number}.parquet")) == digest(frame)
    assert digest(pl.DataFrame(frame.to_arrow())) == digest(frame)


@settings(max_examples=60)
@given(frame=frames(min_rows=1), data=st.data())
def test_a_changed_value_changes_the_digest(frame: pl.DataFrame, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, frame.height - 1))
    column = data.draw(st.sampled_from([name for name in frame.columns if name != "k"]))
    dtype = frame.schema[column]
    values = frame[column].to_list()
    values[row] = data.draw(st.none() | VALUES[dtype])
    changed = frame.with_columns(pl.Series(column, values, dtype=dtype))
    assume(not changed.equals(frame, null_equal=True))
    assert digest(changed) != digest(frame)


@settings(max_examples=40)
@given(frame=frames(min_rows=2))
def test_rows_columns_and_names_count(frame: pl.DataFrame) -> None:
    others = {
        "a row less": frame.head(-1),
        "a column less": frame.drop("c1"),
        "another name": frame.rename({"c1": "c9"}),
        "columns in another order": frame.select("k", *reversed(frame.columns[1:])),
        "two names swapped": frame.rename({"c0": "c1", "c1": "c0"}),
    }
    found = {name: digest(other) for name, other in others.items()}
    assert digest(frame) not in found.values()
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("names", [("x", "y"), ("s", "t")], ids=["numbers", "texts"])
def test_values_that_change_places_change_the_digest(names: tuple[str, str]) -> None:
    """Columns of one type are hashed together, so that what separates them has to be their place."""
    frame = pl.DataFrame({"k": ["a", "b"], "x": [1, 2], "y": [3, None], "s": ["ab", "c"], "t": ["", "d"]})
    first, second = names
    swapped = frame.with_columns(pl.col(first).alias(second), pl.col(second).alias(first)).select(frame.columns)
    assert digest(swapped) != digest(frame)
    assert digest(frame.with_columns(pl.col(first).reverse())) != digest(frame)


def test_text_moved_over_the_edge_of_a_row_or_a_column_changes_the_digest() -> None:
    frames = [
        pl.DataFrame({"k": ["a", "b"], "s": first, "t": second})
        for first, second in (
            (["ab", "c"], ["d", "e"]),
            (["a", "bc"], ["d", "e"]),
            (["ab", ""], ["cd", "e"]),
            (["ab", None], ["cd", "e"]),
        )
    ]
    assert len({digest(frame) for frame in frames}) == len(frames)


def test_null_empty_nan_and_zero_are_four_things() -> None:
    numbers = [pl.Series("v", [value], dtype=pl.Float64) for value in (None, float("nan"), 0.0)]
    texts = [pl.Series("v", [value], dtype=pl.String) for value in (None, "")]
    found = {digest(pl.DataFrame({"k": ["a"]}).with_columns(values)) for values in (*numbers, *texts)}
    assert len(found) == 5


def test_minus_zero_counts_as_zero_and_every_nan_as_the_same() -> None:
    def of(values: Any) -> str:
        return digest(pl.DataFrame({"k": ["a", "b"], "v": values}))

    other_nan = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    assert of([0.0, 1.0]) == of([-0.0, 1.0])
    assert of(other_nan) == of([float("nan")] * 2)
    assert of([1.0, 2.0]) != of([1.0, np.nextafter(2.0, 3.0)])


def test_what_lies_beneath_a_null_makes_no_difference() -> None:
    """The same nulls over different buffers, as engines leave them."""
    hidden = [
        pl.DataFrame({"k": ["a", "b"], "n": [1, number], "s": ["x", text], "f": [0.5, float(number)]}).with_columns(
            pl.when(pl.col("k") == "a").then(pl.col("n", "s", "f"))
        )
        for number, text in ((7, "left"), (8, "over"))
    ]
    plain = pl.DataFrame({"k": ["a", "b"], "n": [1, None], "s": ["x", None], "f": [0.5, None]})
    assert len({digest(frame) for frame in (*hidden, plain)}) == 1


def test_types_count_and_every_type_of_the_contracts_has_a_digest() -> None:
    one = {
        pl.Int64: 1,
        pl.Int32: 1,
        pl.UInt64: 2**64 - 1,
        pl.Float64: 1.0,
        pl.Float32: 1.0,
        pl.Boolean: True,
        pl.Date: date(2025, 3, 1),
        pl.Time: time(1),
        pl.Duration("us"): timedelta(1),
        pl.Datetime("us", "UTC"): MOMENT,
        pl.Datetime("us"): MOMENT.replace(tzinfo=None),
        pl.Datetime("ms", "UTC"): MOMENT,
        pl.String: "1",
        pl.Categorical: "1",
        pl.Enum(["0", "1"]): "1",
    }
    frames = [pl.DataFrame({"k": ["a"], "v": pl.Series([value], dtype=kind)}) for kind, value in one.items()]
    assert len({digest(frame) for frame in frames}) == len(frames)
    for table in TABLES.values():
        assert len(frame_digest(table.empty(), key=table.key)) == 64
    assert {kind.polars for kind in Kind} <= {frame.schema["v"] for frame in frames}


def test_a_column_that_has_no_canonical_form_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"column v is List\(Int64\)"):
        digest(pl.DataFrame({"k": ["a"], "v": [[1]]}))


def test_categories_count_by_their_text_and_not_by_their_codes() -> None:
    for kind in (pl.Categorical, pl.Enum(["x", "y"])):
        with_history = pl.Series("v", ["y", "x", "y"], dtype=kind)[1:]
        plain = pl.Series("v", ["x", "y"], dtype=kind)
        first, second = (digest(pl.DataFrame({"k": ["a", "b"], "v": values})) for values in (with_history, plain))
        assert first == second


@settings(max_examples=40)
@given(rows=st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 2), st.text(max_size=1)), max_size=6))
def test_rows_that_share_their_key_may_come_in_any_order(rows: list[tuple[str, int | None, str]]) -> None:
    frame = pl.DataFrame(rows, schema={"k": pl.String, "n": pl.Int64, "s": pl.String}, orient="row")
    assert digest(frame.reverse()) == digest(frame)
    assert rows == [] or digest(pl.concat([frame, frame.head(1)])) != digest(frame)


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: [*parts, None],
        lambda parts: parts[:-1],
        lambda parts: [{"a": 1, "b": [1, 3]}, *parts[1:]],
        lambda parts: [parts[0], "text", *parts[2:]],
        lambda parts: parts[::-1],
    ],
    ids=["one more", "one less", "another value", "another text", "another order"],
)
def test_a_fingerprint_changes_with_its_parts(change: Callable[[list[Any]], list[Any]]) -> None:
    parts = [{"b": [1, 2], "a": 1}, None, date(2025, 3, 1), 0.5]
    assert fingerprint(*parts) == fingerprint({"a": 1, "b": [1, 2]}, *parts[1:])
    assert fingerprint(*change(parts)) != fingerprint(*parts)


def test_digests_do_not_depend_on_the_folder_or_time(tmp_path: Path) -> None:
    frame = pl.DataFrame({"k": ["a"], "v": [1]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert digest(pl.scan_parquet(tmp_path / "a.parquet").collect()) == digest(frame)
