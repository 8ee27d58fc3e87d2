"""Single values out of bytes: whatever Feast wrote comes back, in any layout."""

from typing import Any

from feast.protos.feast.types.Value_pb2 import Value as WireValue
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.decoding import Columns, elements
from feature_repo.sqlite_online_store import _element
from governance.contracts.schema import Kind
from governance.features.view import Feature

CELLS = st.one_of(
    st.none(),
    st.just(WireValue()),
    st.floats(allow_nan=False).map(lambda number: WireValue(double_val=number)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: WireValue(int64_val=number)),
    st.integers(-(2**31), 2**31 - 1).map(lambda number: WireValue(int32_val=number)),
    st.text(max_size=200).map(lambda text: WireValue(string_val=text)),
    st.booleans().map(lambda flag: WireValue(bool_val=flag)),
)
KINDS = st.sampled_from([Kind.FLOAT, Kind.INTEGER, Kind.STRING, Kind.BOOLEAN])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(KINDS, CELLS), max_size=12))
def test_cells_of_any_type_are_decoded_whatever_the_catalogue_says(row: list[tuple[Kind, WireValue | None]]) -> None:
    columns = Columns(Feature(name=f"f{n}", kind=kind, meaning="f") for n, (kind, _) in enumerate(row))
    wired = {f"f{n}": value for n, (_, value) in enumerate(row)}
    cells = [None if wired[name] is None else wired[name].SerializeToString() for name in columns.names]
    expected = [None if value is None else plain(value) for value in (wired[name] for name in columns.names)]
    assert columns.decoded(cells) == expected


def plain(value: WireValue) -> Any:
    which = value.WhichOneof("val")
    return getattr(value, which) if which else None


@settings(max_examples=200, deadline=None)
@given(st.lists(CELLS.filter(lambda value: value is not None), max_size=20))
def test_a_repeated_value_falls_apart_into_its_cells(values: list[WireValue]) -> None:
    packed = b"".join(map(_element, values))
    assert elements(packed) == [value.SerializeToString() for value in values]
