import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from governance.errors import InputError, NotReady
from governance.models.artifact import load_scorer
from governance.models.candidate import Candidate, build_candidate, latency_p99_ms
from governance.models.card import Setting, model_card
from governance.models.plots import model_plots
from governance.models.rows import Floats
from governance.models.spec import GateBounds, ModelSpec
from governance.release.evidence import GateResult, Verdict

AS_OF = date(2026, 8, 29)
Build = Callable[..., Candidate]


def one_millisecond_later() -> Callable[[], float]:
    ticks: Iterator[float] = itertools.count(step=0.001)
    return lambda: next(ticks)


def distance_rule(frame: pl.DataFrame) -> Floats:
    return (frame["order_distance_km"].to_numpy() > 1.0).astype(float)


@pytest.fixture(scope="module")
def build(training_set: pl.DataFrame, spec: ModelSpec, features: tuple[str, ...]) -> Build:
    def built(frame: pl.DataFrame = training_set, **changes) -> Candidate:
        arguments = {
            "spec": spec,
            "features": features,
            "as_of": AS_OF,
            "maturity_days": 21,
            "training_set_digest": "abc",
            "rules": distance_rule,
            "timer": one_millisecond_later(),
            "replicates": 30,
        }
        return build_candidate(frame, **(arguments | changes))

    return built


@pytest.fixture(scope="module")
def candidate(build: Build) -> Candidate:
    return build()


def test_an_honest_candidate_brings_the_evidence_that_gates_ask_for(candidate: Candidate) -> None:
    found = candidate.evidence
    assert found.single_feature_auc < 0.97
    assert abs(found.time_shuffle_gain) < 0.1
    assert found.rows_from_the_future == 0
    assert found.reload_difference == 0.0
    assert found.personal_inputs == found.schema_differences == ()
    assert found.missing_share_shift < 0.1
    assert found.latency_p99_ms == pytest.approx(1.0)
    assert found.ap_minus_base_rate.low > 0
    assert found.ap_minus_rules.low > 0
    assert found.ap_minus_champion is None
    assert found.calibration_error < 0.05
    assert 0.5 < found.calibration_ratio < 2
    assert found.worst_slice is not None
    assert found.positives == sum(part.positive_entities for part in candidate.summaries)


def test_the_same_frame_gives_the_same_candidate_in_any_order_of_columns(
    build: Build, candidate: Candidate, training_set: pl.DataFrame
) -> None:
    again = build(training_set.select(sorted(training_set.columns)))
    assert again.artifact.digest == candidate.artifact.digest
    assert again.evaluation == candidate.evaluation
    assert again.evidence == candidate.evidence
    assert again.test_scores.equals(candidate.test_scores)


def test_a_model_compared_with_itself_differs_by_nothing(build: Build, candidate: Candidate) -> None:
    champion = load_scorer(candidate.artifact.files)
    found = build(champion=champion, champion_training_cutoff=candidate.training_cutoff)
    difference = found.evidence.ap_minus_champion
    assert difference is not None
    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)
    assert found.evaluation.ap_minus.champion_rows == found.evaluation.overall.rows


def test_a_champion_that_learnt_later_labels_is_compared_on_the_rows_after_those(
    build: Build, candidate: Candidate
) -> None:
    cutoff = candidate.training_cutoff + timedelta(days=14)
    found = build(champion=candidate.scorer, champion_training_cutoff=cutoff)
    later = candidate.test_scores.filter(pl.col("decided_at") >= cutoff)
    assert found.evaluation.ap_minus.champion_rows == later.height


def test_a_champion_without_its_cutoff_is_refused(build: Build, candidate: Candidate) -> None:
    with pytest.raises(InputError, match="training cutoff"):
        build(champion=candidate.scorer)


def test_an_absent_column_is_refused_with_its_name(build: Build, training_set: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="lacks order_distance_km"):
        build(training_set.drop("order_distance_km"))


def test_too_few_positives_skip_the_week(build: Build, spec: ModelSpec) -> None:
    strict = replace(spec, gates=GateBounds(matured_positives_at_least=100_000))
    with pytest.raises(NotReady, match="training needs 100000"):
        build(spec=strict)


def test_planted_leaks_show_in_the_evidence(
    build: Build, training_set: pl.DataFrame, features: tuple[str, ...]
) -> None:
    leaking = training_set.with_columns(
        pl.col("label").cast(pl.Float64).alias("order_device"),
        (pl.col("decided_at") + timedelta(days=1)).alias("feature_time:buyer"),
    )
    found = build(leaking, features=(*features, "order_device"), replicates=5).evidence
    assert (found.single_feature, found.single_feature_auc) == ("order_device", 1.0)
    assert found.personal_inputs == ("order_device",)
    assert found.rows_from_the_future == leaking.height


def test_reference_and_scores_come_from_the_right_slices(candidate: Candidate, features: tuple[str, ...]) -> None:
    training, calibration, test = candidate.summaries
    assert candidate.reference.height == training.rows
    assert set(features) <= set(candidate.reference.columns)
    assert candidate.reference_scores.height == calibration.rows
    assert candidate.test_scores.height == test.rows
    assert candidate.test_scores["score"].is_between(0, 1).all()
    assert sum(share for _, share in candidate.importance) == pytest.approx(1.0)
    assert candidate.importance[0][0] == "seller_case_rate"


def test_latency_is_what_the_slowest_rows_take(candidate: Candidate) -> None:
    rows = np.zeros((200, 4))
    times = np.cumsum([step for row in range(200) for step in (0.0, 0.5 if row < 4 else 0.002)]).tolist()
    clock = iter(times)
    assert latency_p99_ms(candidate.scorer, rows, lambda: next(clock)) == pytest.approx(500.0)


@pytest.fixture(scope="module")
def verdict(candidate: Candidate) -> Verdict:
    gates = (
        GateResult(
            name="above_rules", kind="merit", value=0.01, bound=0.0, passed=True, reason="Better than the rules."
        ),
        GateResult(name="latency", kind="safety", value=None, bound=50.0, passed=False, reason="Not | measured."),
    )
    return Verdict(model="claim", digest=candidate.artifact.digest, status="kept", gates=gates)


def test_the_card_names_what_was_measured_and_on_how_much(
    candidate: Candidate, spec: ModelSpec, verdict: Verdict
) -> None:
    setting = Setting(marketplace="demo", currency="BRL", maturity_days=21, synthetic="simulator, seed 7")
    card = model_card(candidate, spec=spec, verdict=verdict, setting=setting)
    overall = candidate.evaluation.overall
    assert overall.auc is not None
    assert f"{overall.auc.value:.4g} [{overall.auc.low:.4g}, {overall.auc.high:.4g}]" in card
    for words in (
        "Synthetic data: simulator, seed 7",
        candidate.artifact.digest,
        f"| rows | {overall.rows:,} |",
        f"| positives | {overall.positives:,} |",
        f"| prevalence | {overall.prevalence:.2%} |",
        "| above_rules | merit | 0.01 | 0 | passed | Better than the rules. |",
        "| latency | safety | - | 50 | **failed** | Not \\| measured. |",
        "complaint alone, unweighted",
        "## Limits",
    ):
        assert words in card
    tables = [line for line in card.splitlines() if line.startswith("|")]
    widths = [line.replace("\\|", "").count("|") for line in tables]
    assert all(line.startswith("| ---") or width > 2 for line, width in zip(tables, widths, strict=True))


@pytest.fixture(scope="module")
def judged(build: Build, training_set: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """The same candidate where the truth is known."""
    root = tmp_path_factory.mktemp("source")
    path = root / "truth" / "decisions" / "dt=2026-01-01" / "rows.parquet"
    path.parent.mkdir(parents=True)
    truth = pl.col("label").cast(pl.Float64)
    training_set.select(
        "entity_id",
        label=pl.lit("claim"),
        occurred_at="decided_at",
        truth=truth,
        oracle=0.1 + 0.8 * truth,
        campaign=pl.lit(None, pl.String),
    ).write_parquet(path)
    return build(source_root=root)


def test_the_truth_changes_neither_the_model_nor_what_its_gates_judge(candidate: Candidate, judged: Candidate) -> None:
    assert judged.evaluation.skill is not None
    assert judged.artifact == candidate.artifact
    assert judged.evidence == candidate.evidence
    assert judged.reference.equals(candidate.reference)
    assert judged.test_scores.equals(candidate.test_scores)
    assert replace(judged.evaluation, skill=None) == candidate.evaluation


def test_the_card_tells_skill_only_where_the_truth_is_known(
    candidate: Candidate, judged: Candidate, spec: ModelSpec, verdict: Verdict
) -> None:
    setting = Setting(marketplace="demo", currency="BRL", maturity_days=21, synthetic="simulator, seed 7")
    assert "## Skill" not in model_card(candidate, spec=spec, verdict=verdict, setting=setting)
    card = model_card(judged, spec=spec, verdict=verdict, setting=setting)
    assert "## Skill" in card
    skill = judged.evaluation.skill
    assert skill is not None
    assert skill.truth.oracle_ap is not None
    assert skill.truth.oracle_ap.value == pytest.approx(1.0)
    assert f"| what was so | {skill.true_positives:,} |" in card


def test_the_card_of_real_data_does_not_speak_of_synthetic_data(
    candidate: Candidate, spec: ModelSpec, verdict: Verdict
) -> None:
    setting = Setting(marketplace="olist", currency="BRL", maturity_days=45)
    assert "ynthetic" not in model_card(candidate, spec=spec, verdict=verdict, setting=setting)


def test_the_plots_are_one_small_page_that_needs_no_network(candidate: Candidate) -> None:
    page = model_plots(candidate, title="claim & <more>")
    assert page.count("<svg") == page.count("</svg>") == 3
    assert "claim &amp; &lt;more&gt;" in page
    assert len(page) < 60_000
    assert "nan" not in page
    assert page.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http") == 0
