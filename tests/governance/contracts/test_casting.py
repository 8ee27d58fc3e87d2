"""What fits into a contract's type without loss, and what does not."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.contracts.casting import cast_without_loss
from governance.contracts.schema import Kind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delivered", "kind", "expected"),
    [
        pytest.param(pl.Series([7, None]), Kind.STRING, ["7", None], id="whole numbers become text"),
        pytest.param(pl.Series(["1", "-2"]), Kind.INTEGER, [1, -2], id="text becomes whole numbers"),
        pytest.param(pl.Series([1.0, -0.0]), Kind.INTEGER, [1, 0], id="floats without a fraction become integers"),
        pytest.param(pl.Series([Decimal("2.00")]), Kind.INTEGER, [2], id="decimals without a fraction become integers"),
        pytest.param(pl.Series([1, 0]), Kind.BOOLEAN, [True, False], id="one and zero become booleans"),
        pytest.param(pl.Series(["true", "FALSE"]), Kind.BOOLEAN, [True, False], id="words become booleans"),
        pytest.param(pl.Series([0.5], dtype=pl.Float32), Kind.FLOAT, [0.5], id="narrow floats become wide ones"),
        pytest.param(pl.Series(["2.50"]), Kind.FLOAT, [2.5], id="text becomes floats"),
        pytest.param(pl.Series([None]), Kind.INTEGER, [None], id="nothing becomes null"),
        pytest.param(
            pl.Series(["2026-03-01 12:00:00Z", "2026-03-01T21:00:00+09:00"]),
            Kind.TIMESTAMP,
            [NOON, NOON],
            id="text with an offset becomes an instant",
        ),
        pytest.param(
            pl.Series([NOON]).dt.convert_time_zone("Asia/Tokyo"), Kind.TIMESTAMP, [NOON], id="other zones become UTC"
        ),
    ],
)
def test_a_value_that_fits_is_cast(delivered: pl.Series, kind: Kind, expected: list[object]) -> None:
    cast = cast_without_loss(delivered, kind)

    assert cast.values.dtype == kind.polars
    assert cast.values.to_list() == expected
    assert not cast.failed.any()


@pytest.mark.parametrize(
    ("delivered", "kind"),
    [
        pytest.param(pl.Series([1.5]), Kind.INTEGER, id="a fraction in an integer"),
        pytest.param(pl.Series([float("nan")]), Kind.INTEGER, id="NaN in an integer"),
        pytest.param(pl.Series(["1.0"]), Kind.INTEGER, id="text with a point in an integer"),
        pytest.param(pl.Series([2**53 + 1]), Kind.FLOAT, id="an integer beyond what floats can hold"),
        pytest.param(pl.Series([2**64 - 1], dtype=pl.UInt64), Kind.INTEGER, id="an integer beyond 64 bits with a sign"),
        pytest.param(pl.Series([2]), Kind.BOOLEAN, id="two in a boolean"),
        pytest.param(pl.Series([12.0]), Kind.STRING, id="a float in an id"),
        pytest.param(pl.Series([["a"]]), Kind.STRING, id="a list in a text"),
        pytest.param(pl.Series([datetime(2026, 3, 1)]), Kind.TIMESTAMP, id="a time without a zone"),
        pytest.param(pl.Series(["2026-03-01T12:00:00"]), Kind.TIMESTAMP, id="a text time without an offset"),
        pytest.param(pl.Series([date(2026, 3, 1)]), Kind.TIMESTAMP, id="a date for an instant"),
        pytest.param(pl.Series([1_772_000_000]), Kind.TIMESTAMP, id="a number for an instant"),
        pytest.param(pl.Series([1]).cast(pl.Datetime("ns", "UTC")), Kind.TIMESTAMP, id="a nanosecond"),
        pytest.param(pl.Series([NOON]), Kind.INTEGER, id="an instant for a number"),
    ],
)
def test_a_value_that_does_not_fit_fails_and_becomes_null(delivered: pl.Series, kind: Kind) -> None:
    cast = cast_without_loss(delivered, kind)

    assert cast.values.dtype == kind.polars
    assert cast.values.to_list() == [None]
    assert cast.failed.to_list() == [True]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))))
def test_integers_survive_the_way_through_text(values: list[int | None]) -> None:
    delivered = pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)

    cast = cast_without_loss(delivered, Kind.INTEGER)

    assert cast.values.to_list() == values
    assert not cast.failed.any()
