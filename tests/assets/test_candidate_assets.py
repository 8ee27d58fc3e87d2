"""What becomes of candidates: a failed one never serves, a kept one serves nobody, an old one replaces nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from governance.errors import ReleaseRefused
from governance.models import training_set
from governance.release.gates import GATES
from governance.retraining import dataset
from governance.workspace import Workspace

NEWEST, WEEK_BEFORE = date(2024, 2, 5), date(2024, 1, 29)
AT = datetime(2024, 2, 6, tzinfo=UTC)
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def workspace(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> Workspace:
    """Everything up to the training sets is there; `claim` has a champion, `merchant_fraud` was kept."""
    return bazaar_at(own_settled)


@pytest.fixture
def unreleased(own_settled: Path, bazaar_at: Callable[..., Workspace], tmp_path: Path) -> Workspace:
    """The same with a registry in which nothing has been recorded yet."""
    return bazaar_at(own_settled, objects=tmp_path / "registry")


def plant_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a feature that knows the label get into training sets."""
    honest = training_set.assemble

    def leaky(*given: Any, **named: Any) -> training_set.TrainingSet:
        built = honest(*given, **named)
        leak = pl.col("label").cast(pl.Float64).alias("order_known_outcome")
        return training_set.TrainingSet(built.frame.with_columns(leak), (*built.features, "order_known_outcome"))

    monkeypatch.setattr(training_set, "assemble", leaky)


def week_of(workspace: Workspace, name: str, as_of: date = NEWEST) -> dict[str, Any]:
    manifest = workspace.lake.manifest(dataset(name), as_of)
    assert manifest is not None
    return dict(manifest.facts)


def champion(workspace: Workspace, name: str) -> str | None:
    pointer = workspace.registry.pointer(name)
    return pointer.champion if pointer else None


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {found.check_name: found.passed for found in result.get_asset_check_evaluations()}


def assert_nobody_can_promote(
    workspace: Workspace, root: Path, name: str, digest: str, govern: Callable[..., Any], materialize: Run
) -> None:
    """Neither the registry, nor the command line, nor the graph, nor an asset materialized by hand."""
    before = champion(workspace, name)
    with pytest.raises(ReleaseRefused, match=digest[:12]):
        workspace.registry.promote(name, digest, who="ana", reason="it looks good", at=AT)
    registry = {"GOVERNANCE_OBJECTS": workspace.objects_url}
    said = govern(root, "promote", name, digest[:16], "--reason", "it looks good", **registry)
    assert said.status == 1
    assert digest[:12] in said.err
    materialize(workspace, f"models/{name}/champion")
    assert champion(workspace, name) == before != digest


def test_a_candidate_with_a_leak_is_recorded_fails_its_run_and_never_becomes_champion_even_by_hand(
    unreleased: Workspace,
    own_settled: Path,
    materialize: Run,
    govern: Callable[..., Any],
    failure_of: Callable[..., dict[str, str]],
) -> None:
    assets = [f"models/claim/{name}" for name in ("training_set", "candidate", "champion")]
    with pytest.MonkeyPatch.context() as patched:
        plant_a_leak(patched)
        result = materialize(unreleased, *assets, as_of=NEWEST)

    assert not result.success
    assert list(failure_of(result)) == ["models__claim__candidate"]
    assert not checks(result)["single_feature_leak"]
    leaky = week_of(unreleased, "claim")
    assert leaky["status"] == "failed"
    assert "order_known_outcome" in leaky["reason"]
    verdict = unreleased.registry.verdict("claim", leaky["digest"])
    assert verdict is not None
    assert verdict.status == "failed"
    assert_nobody_can_promote(unreleased, own_settled, "claim", leaky["digest"], govern, materialize)

    assert materialize(unreleased, *assets, as_of=NEWEST).success
    assert champion(unreleased, "claim") == week_of(unreleased, "claim")["digest"] != leaky["digest"]


def test_a_failing_candidate_leaves_the_champion_untouched(
    workspace: Workspace, materialize: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = workspace.registry.pointer("claim")
    assert before is not None

    plant_a_leak(monkeypatch)
    assert not materialize(workspace, "models/claim/training_set", "models/claim/candidate", as_of=NEWEST).success
    assert materialize(workspace, "models/claim/champion").success

    assert week_of(workspace, "claim")["digest"] != before.champion
    assert workspace.registry.pointer("claim") == before


def test_a_candidate_without_merit_is_kept_its_run_succeeds_and_promotion_is_refused_everywhere(
    unreleased: Workspace, own_settled: Path, materialize: Run, govern: Callable[..., Any]
) -> None:
    result = materialize(unreleased, "models/merchant_fraud/candidate", as_of=NEWEST)

    assert result.success
    assert set(checks(result)) == {gate.name for gate in GATES}
    assert [name for name, passed in checks(result).items() if not passed] == ["above_base_rate"]
    kept = week_of(unreleased, "merchant_fraud")
    assert kept["status"] == "kept"
    assert_nobody_can_promote(unreleased, own_settled, "merchant_fraud", kept["digest"], govern, materialize)


def test_where_nothing_has_passed_the_champion_asset_fails_with_a_sentence(
    unreleased: Workspace, materialize: Run, failure_of: Callable[..., dict[str, str]]
) -> None:
    result = materialize(unreleased, "models/claim/champion")

    assert not result.success
    assert "no candidate has passed its gates yet" in failure_of(result)["models__claim__champion"]


def test_a_candidate_of_an_older_week_passes_and_replaces_nothing(
    workspace: Workspace, own_settled: Path, materialize: Run, govern: Callable[..., Any]
) -> None:
    assets = [f"models/claim/{name}" for name in ("training_set", "candidate", "champion")]

    assert materialize(workspace, *assets, as_of=WEEK_BEFORE).success

    older = week_of(workspace, "claim", WEEK_BEFORE)
    assert older["status"] == "passed"
    assert champion(workspace, "claim") == week_of(workspace, "claim")["digest"]
    assert_nobody_can_promote(workspace, own_settled, "claim", older["digest"], govern, materialize)


def test_judging_a_week_again_changes_nothing(
    workspace: Workspace, materialize: Run, everything_in: Callable[[Workspace], dict[str, str]]
) -> None:
    before = everything_in(workspace)

    for name in ("claim", "merchant_fraud"):
        assets = [f"models/{name}/{asset}" for asset in ("training_set", "candidate")]
        assert materialize(workspace, *assets, as_of=NEWEST).success

    assert everything_in(workspace) == before


def test_a_week_before_any_label_matured_is_skipped_with_a_reason_and_nothing_is_recorded(
    unreleased: Workspace, materialize: Run
) -> None:
    assets = [f"models/claim/{name}" for name in ("training_set", "candidate")]

    result = materialize(unreleased, *assets, "monitoring/claim/drift", as_of=date(2024, 1, 8))

    assert result.success
    assert week_of(unreleased, "claim", date(2024, 1, 8))["status"] == "skipped"
    (candidate,) = result.asset_materializations_for_node("models__claim__candidate")
    assert "no label had matured by then" in str(candidate.metadata["skipped"].value)
    assert unreleased.registry.candidates("claim") == []
