import numpy as np
import polars as pl
import pytest

from governance.models.rules import CLAIM, MERCHANT_FRAUD, Condition, claim_rules, merchant_fraud_rules


@pytest.mark.parametrize("rules", [claim_rules, merchant_fraud_rules])
def test_rules_say_nothing_where_nothing_is_known(rules) -> None:
    assert rules(pl.DataFrame({"row_id": ["a", "b"]})).tolist() == [0.0, 0.0]
    names = [condition.feature for condition in (*CLAIM, *MERCHANT_FRAUD)]
    unknown = pl.DataFrame({name: [None, float("nan")] for name in dict.fromkeys(names)}, strict=False)
    assert rules(unknown).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("rules", "conditions"), [(claim_rules, CLAIM), (merchant_fraud_rules, MERCHANT_FRAUD)])
def test_every_condition_adds_its_points_at_its_limit(rules, conditions) -> None:
    met = pl.DataFrame({condition.feature: [condition.limit] for condition in conditions})
    assert rules(met)[0] == pytest.approx(sum(condition.points for condition in conditions))


def test_a_condition_holds_on_its_side_only() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, None]})
    np.testing.assert_array_equal(Condition("x", "at_least", 2, 1.5).score(frame), [0, 1.5, 1.5, 0])
    np.testing.assert_array_equal(Condition("x", "at_most", 2, 1.5).score(frame), [1.5, 1.5, 0, 0])


def test_a_seller_who_takes_orders_and_does_not_ship_outranks_one_who_does() -> None:
    sellers = pl.DataFrame(
        {
            "seller_orders_7d": [50.0, 50.0],
            "seller_handover_rate_7d": [0.05, 0.97],
            "seller_handover_rate_30d": [0.4, 0.98],
            "seller_complaints_7d": [6.0, 0.0],
        }
    )
    scammer, honest = merchant_fraud_rules(sellers)
    assert scammer > honest


def test_every_feature_that_the_rules_name_exists_in_a_view_or_the_order_context() -> None:
    from governance.features import catalogue
    from governance.features.view import View

    views = [value for value in vars(catalogue).values() if isinstance(value, View)]
    known = {name for view in views for name in view.feature_names}
    named = {condition.feature for condition in (*CLAIM, *MERCHANT_FRAUD)}
    assert {name for name in named - known if not name.startswith("order_")} == set()
