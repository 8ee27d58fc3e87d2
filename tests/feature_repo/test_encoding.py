"""Columns in Feast's bytes: equal to what Feast's own functions give value by value."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from feast import ValueType
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import RepeatedValue, Value
from feast.type_map import python_values_to_proto_values
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.encoding import decoded_times, encoded_keys, encoded_times, encoded_values, key_values
from feature_repo.sqlite_online_store import _element

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def by_feast(values: list[Any], kind: ValueType) -> list[Value]:
    return [Value() if value is None else python_values_to_proto_values([value], kind)[0] for value in values]


@given(st.lists(st.none() | st.floats(allow_nan=False)))
def test_doubles_are_feasts_bytes(values: list[float | None]) -> None:
    packed = encoded_values(pl.Series(values, dtype=pl.Float64), ValueType.DOUBLE)
    assert packed == [value.SerializeToString() for value in by_feast(values, ValueType.DOUBLE)]


@pytest.mark.parametrize(
    ("dtype", "kind", "strategy"),
    [
        pytest.param(pl.Int64, ValueType.INT64, INTEGERS, id="integers"),
        pytest.param(pl.String, ValueType.STRING, TEXTS, id="texts"),
        pytest.param(pl.Boolean, ValueType.BOOL, st.booleans(), id="truth values"),
    ],
)
def test_other_columns_are_feasts_bytes(dtype: pl.DataType, kind: ValueType, strategy: Any) -> None:
    @given(st.lists(st.none() | strategy, max_size=20))
    def check(values: list[Any]) -> None:
        packed = encoded_values(pl.Series(values, dtype=dtype), kind)
        assert packed == [value.SerializeToString() for value in by_feast(values, kind)]

    check()


def test_nan_is_no_value_as_in_feast() -> None:
    assert encoded_values(pl.Series([float("nan"), None, 0.0]), ValueType.DOUBLE) == [
        b"",
        b"",
        Value(double_val=0.0).SerializeToString(),
    ]


@given(st.lists(st.tuples(st.none() | st.floats(allow_nan=False), st.none() | TEXTS, INTEGERS), max_size=20))
def test_elements_one_after_the_other_are_the_repeated_message(
    rows: list[tuple[float | None, str | None, int]],
) -> None:
    kinds = (ValueType.DOUBLE, ValueType.STRING, ValueType.INT64)
    dtypes = (pl.Float64, pl.String, pl.Int64)
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    packed = [
        encoded_values(pl.Series(column, dtype=dtype), kind, pack=_element)
        for column, dtype, kind in zip(columns, dtypes, kinds, strict=True)
    ]
    values = [by_feast(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    wanted = [RepeatedValue(val=row).SerializeToString() for row in zip(*values, strict=True)]
    assert [b"".join(row) for row in zip(*packed, strict=True)] == wanted


@given(st.lists(TEXTS))
def test_keys_are_feasts_and_can_be_read_back(values: list[str]) -> None:
    packed = encoded_keys("seller_id", pl.Series(values, dtype=pl.String))
    keys = [EntityKey(join_keys=["seller_id"], entity_values=[Value(string_val=value)]) for value in values]
    assert packed == [serialize_entity_key(key, entity_key_serialization_version=3) for key in keys]
    assert key_values("seller_id", packed) == [value.encode() for value in values]


def test_a_key_of_another_entity_or_with_something_behind_it_is_not_read() -> None:
    (key,) = encoded_keys("seller_id", pl.Series(["a"]))
    assert key_values("buyer_id", [key]) == [None]
    assert key_values("seller_id", [key + b"x", key[:-2], b"", key]) == [None, None, None, b"a"]


@given(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1))))
def test_times_come_back_to_the_microsecond(times: list[datetime]) -> None:
    series = pl.Series([time.replace(tzinfo=UTC) for time in times], dtype=pl.Datetime("us", "UTC"))
    assert decoded_times(encoded_times(series)) == series.to_physical().to_list()


def test_a_time_before_1970_is_a_time_too() -> None:
    series = pl.Series([datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)], dtype=pl.Datetime("us", "UTC"))
    assert decoded_times(encoded_times(series)) == [-1]
