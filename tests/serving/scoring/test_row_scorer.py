"""Single rows score with the bits of the batch scorer, by the direct way and by the one that it falls back to."""

import gc
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import serving.row_lightgbm
from governance.errors import InputError, StoreError
from governance.models.artifact import MODEL, Artifact, Scorer, load_scorer
from serving.row_lightgbm import RowBooster
from serving.scorer import RowScorer


@pytest.fixture(scope="module")
def scorer(artifact: Artifact) -> RowScorer:
    return RowScorer(artifact.files)


@pytest.fixture(scope="module")
def batch(artifact: Artifact) -> Scorer:
    return load_scorer(artifact.files)


def test_every_row_scores_as_in_a_batch_to_the_last_bit(
    scorer: RowScorer, batch: Scorer, rows_of: Callable[..., Any]
) -> None:
    rows = rows_of(3_000)
    named = [dict(zip(scorer.features, row, strict=True)) for row in rows.tolist()]
    expected = batch.score(rows).tolist()
    assert scorer.direct
    assert [scorer.score(row) for row in named] == expected
    assert scorer.score_many(named) == expected
    assert len(set(expected)) > 100


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_number_however_odd_makes_a_difference(scorer: RowScorer, batch: Scorer, data: st.DataObject) -> None:
    numbers = st.one_of(st.none(), st.floats(), st.integers(-(2**63), 2**63), st.sampled_from([0, -0.0, 1e-300]))
    row = data.draw(st.lists(numbers, min_size=len(scorer.features), max_size=len(scorer.features)))
    matrix = np.array([[math.nan if value is None else float(value) for value in row]])
    assert scorer.score(dict(zip(scorer.features, row, strict=True))) == batch.score(matrix)[0]


def test_the_order_and_number_of_other_values_do_not_matter(scorer: RowScorer) -> None:
    values = {name: float(number) for number, name in enumerate(scorer.features)}
    mixed = dict(reversed(values.items())) | {"another": "text"}
    assert scorer.score(mixed) == scorer.score(values)


def test_a_value_that_is_missing_altogether_or_no_number_is_refused_by_name(scorer: RowScorer) -> None:
    values: dict[str, Any] = dict.fromkeys(scorer.features, 1.0)
    first = scorer.features[0]
    with pytest.raises(InputError, match=first):
        scorer.score({name: value for name, value in values.items() if name != first})
    with pytest.raises(InputError, match="no number"):
        scorer.score(values | {first: "many"})


def test_without_the_library_booster_predict_answers_the_same(
    artifact: Artifact, scorer: RowScorer, rows_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(function: str, *_: Any) -> None:
        raise StoreError(f"there is no {function}")

    monkeypatch.setattr(serving.row_lightgbm, "_do", refuse)
    slower = RowScorer(artifact.files)
    named = [dict(zip(scorer.features, row, strict=True)) for row in rows_of(50).tolist()]
    assert not slower.direct
    assert [slower.score(row) for row in named] == [scorer.score(row) for row in named]


def test_a_library_that_gives_other_bits_is_not_used(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowBooster, "predict", lambda *_: 0.5)
    assert not RowScorer(artifact.files).direct


def test_reasons_are_those_of_the_batch_scorer(scorer: RowScorer, batch: Scorer, rows_of: Callable[..., Any]) -> None:
    rows = rows_of(5)
    named = [dict(zip(scorer.features, row, strict=True)) for row in rows.tolist()]
    assert [scorer.reasons(row) for row in named] == batch.contributions(rows)
    assert [scorer.reasons(row, top=1) for row in named] == batch.contributions(rows, top=1)


def test_a_model_of_one_feature_is_scored(train_model: Callable[..., Artifact]) -> None:
    only = train_model(features=("seller_orders_30d",))
    assert RowScorer(only.files).score({"seller_orders_30d": 3}) == load_scorer(only.files).score(np.array([[3.0]]))[0]


def test_what_is_no_model_is_refused(artifact: Artifact) -> None:
    with pytest.raises(StoreError, match="LightGBM refuses"):
        RowBooster(b"tree", features=3)
    with pytest.raises(StoreError, match="LightGBM refuses"):
        RowBooster(artifact.files[MODEL], features=3)


def test_a_scorer_that_nobody_holds_gives_its_memory_back(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    freed = []
    real = serving.row_lightgbm._free
    monkeypatch.setattr(serving.row_lightgbm, "_free", lambda *handles: (freed.append(handles), real(*handles)))
    scorer = RowScorer(artifact.files)
    del scorer
    gc.collect()
    assert [bool(handle) for handles in freed for handle in handles] == [True, True]
