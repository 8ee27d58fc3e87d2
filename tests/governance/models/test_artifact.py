import json
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from governance.errors import StoreError
from governance.models.artifact import FILES, Artifact, files_digest, load_scorer, provenance
from governance.models.explain import Reason, code_columns, explanation, reason_code, strongest
from governance.models.fitting import Fitted, fit
from governance.models.rows import to_matrix
from governance.models.spec import ModelSpec
from governance.models.split import split


@pytest.fixture(scope="module")
def fitted(training_set: pl.DataFrame, spec: ModelSpec, features: tuple[str, ...]) -> Fitted:
    slices = split(training_set, as_of=date(2026, 8, 29), maturity_days=21, test_days=28, calibration_days=28)
    return fit(slices, spec=spec, features=features, training_set_digest="abc", seed=1)


def test_a_reloaded_model_scores_the_same_to_the_last_bit(fitted: Fitted, training_set: pl.DataFrame) -> None:
    reloaded = load_scorer(fitted.artifact.files)
    matrix = to_matrix(training_set, fitted.scorer.features)
    np.testing.assert_array_equal(reloaded.score(matrix), fitted.scorer.score(matrix))
    np.testing.assert_array_equal(reloaded.score(training_set), fitted.scorer.score(matrix))
    assert reloaded.threshold == fitted.scorer.threshold
    assert reloaded.calibrator == fitted.scorer.calibrator


def test_one_row_scores_as_it_does_among_many(fitted: Fitted, training_set: pl.DataFrame) -> None:
    matrix = to_matrix(training_set[:50], fitted.scorer.features)
    alone = [fitted.scorer.score(matrix[row : row + 1])[0] for row in range(50)]
    np.testing.assert_array_equal(alone, fitted.scorer.score(matrix))


def test_every_file_is_text_and_says_nothing_of_when_or_where(fitted: Fitted) -> None:
    assert set(fitted.artifact.files) == set(FILES)
    for name, content in fitted.artifact.files.items():
        text = content.decode()
        assert name == "model.txt" or json.loads(text)
    assert json.loads(fitted.artifact.files["features.json"]) == {
        "names": list(fitted.scorer.features),
        "training_set": "abc",
    }


@pytest.mark.parametrize("name", FILES)
def test_the_digest_changes_with_every_file_and_with_nothing_else(fitted: Fitted, name: str) -> None:
    files = dict(fitted.artifact.files)
    assert files_digest({**files, "record.json": b"{}", "card.md": b"#"}) == fitted.artifact.digest
    assert Artifact({**files, name: files[name] + b" "}).digest != fitted.artifact.digest


def test_the_digest_depends_on_the_training_set_and_the_spec(
    training_set: pl.DataFrame, spec: ModelSpec, features: tuple[str, ...], fitted: Fitted
) -> None:
    slices = split(training_set, as_of=date(2026, 8, 29), maturity_days=21, test_days=28, calibration_days=28)
    other_rows = fit(slices, spec=spec, features=features, training_set_digest="def", seed=1)
    other_spec = fit(slices, spec=replace(spec, owner="x"), features=features, training_set_digest="abc", seed=1)
    assert len({fitted.artifact.digest, other_rows.artifact.digest, other_spec.artifact.digest}) == 3


def test_a_model_without_one_of_its_files_is_refused(fitted: Fitted) -> None:
    files = {name: content for name, content in fitted.artifact.files.items() if name != "threshold.json"}
    with pytest.raises(StoreError, match=r"lacks threshold\.json"):
        load_scorer(files)


def test_provenance_names_the_libraries_beside_the_digest() -> None:
    found = provenance(commit=None, machine="x86_64")
    assert found["commit"] is None
    assert set(found["libraries"]) == {"lightgbm", "numpy", "polars", "scikit-learn", "scipy"}


def test_contributions_add_up_to_the_raw_score_and_are_summed_by_code(
    fitted: Fitted, training_set: pl.DataFrame
) -> None:
    rows = training_set[:40]
    matrix = to_matrix(rows, fitted.scorer.features)
    shares = fitted.scorer.booster.predict(matrix, pred_contrib=True)
    raw = fitted.scorer.booster.predict(matrix)
    np.testing.assert_allclose(shares.sum(axis=1), np.log(raw / (1 - raw)))
    for row, reasons in zip(shares, fitted.scorer.contributions(rows), strict=True):
        summed = {
            "seller_case_rate": row[0] + row[1],
            "seller_orders": row[2],
            "order_distance_km": row[3],
        }
        expected = sorted((pair for pair in summed.items() if pair[1] > 0), key=lambda pair: -pair[1])
        assert [reason.code for reason in reasons] == [code for code, _ in expected]
        np.testing.assert_allclose([reason.contribution for reason in reasons], [share for _, share in expected])


def test_a_mapping_gives_features_other_codes(fitted: Fitted, training_set: pl.DataFrame) -> None:
    mapping = dict.fromkeys(fitted.scorer.features, "anything")
    scorer = load_scorer(fitted.artifact.files, reason_codes=mapping)
    codes = {reason.code for reasons in scorer.contributions(training_set[:30]) for reason in reasons}
    assert codes == {"anything"}


@pytest.mark.parametrize(
    ("feature", "code"),
    [
        ("seller_case_rate_90d", "seller_case_rate"),
        ("buyer_spend_lifetime", "buyer_spend"),
        ("seller_orders_1d", "seller_orders"),
        ("order_promised_days", "order_promised_days"),
        ("seller_orders_5d", "seller_orders_5d"),
    ],
)
def test_windows_of_one_quantity_share_a_code(feature: str, code: str) -> None:
    assert reason_code(feature) == code


def test_reasons_that_lower_a_score_are_left_out() -> None:
    assert strongest(np.array([[-1.0, 0.5, 0.0]]), ("a", "b", "c"), top=3) == [(Reason("b", 0.5),)]


def test_every_code_has_words_for_a_person() -> None:
    assert explanation("order_distance_km") == "Distance between seller and buyer"
    assert explanation("buyer_orders") == "Buyer: orders"
    assert explanation("anything") == "Anything"


def test_codes_keep_the_order_of_the_features() -> None:
    found, members = code_columns(["seller_orders_7d", "buyer_orders_7d", "seller_orders_30d"], {})
    assert found == ("seller_orders", "buyer_orders")
    assert members.tolist() == [[1, 0], [0, 1], [1, 0]]
