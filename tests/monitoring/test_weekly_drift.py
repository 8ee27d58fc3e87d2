"""A model's drift in the week that the main job has judged: the same again, stale when it should be, or not judged."""

from datetime import date, timedelta

import pytest

from governance.errors import NotReady
from governance.models import training_set
from monitoring.weekly import check_drift, drift_dataset, drift_fingerprint

MODELS = ("claim", "merchant_fraud")


@pytest.fixture
def workspace(bazaar_at, own_settled):
    return bazaar_at(own_settled)


@pytest.fixture
def as_of(workspace) -> date:
    return workspace.weeks()[-1]


@pytest.mark.parametrize("name", MODELS)
def test_checking_a_week_again_gives_the_report_and_leaves_the_page_that_are_there(
    workspace, as_of, point_in_time, name
):
    model, before = workspace.models.present[name], workspace.lake.manifest(drift_dataset(name), as_of)
    page = workspace.reports / f"drift_{name}_{as_of}.html"
    written = page.stat().st_mtime_ns
    week = check_drift(workspace, model, as_of, join=point_in_time(workspace))
    after = workspace.lake.manifest(drift_dataset(name), as_of)
    assert (after.digest, after.fingerprint) == (before.digest, drift_fingerprint(workspace, model, as_of))
    assert week.page == page
    assert page.stat().st_mtime_ns == written
    assert after.facts["alarm"] == week.report.alarm
    assert after.facts["parts"].keys() == {part.name for part in week.report.parts}


def test_features_are_judged_by_the_entity_that_they_describe(workspace, as_of, point_in_time):
    claim = workspace.models.present["claim"]
    report = check_drift(workspace, claim, as_of, join=point_in_time(workspace)).report
    keys = {part.name: part.key for part in report.parts}
    assert keys.items() <= {
        ("buyer", "buyer_id"),
        ("seller", "seller_id"),
        ("product", "product_id"),
        ("category", "category"),
        ("counters", "seller_id"),
        ("request", "seller_id"),
    }
    (categories,) = (part for part in report.parts if part.name == "category")
    assert (categories.rows_current, categories.too_small) == (12, True)
    columns = [verdict.column for verdict in report.features]
    assert len(columns) == len(set(columns))
    manifest = workspace.lake.manifest(training_set.dataset("claim"), as_of)
    assert set(columns) == set(training_set.features_of(manifest))


@pytest.mark.parametrize("name", MODELS)
def test_a_report_is_stale_once_features_or_labels_before_its_week_are(workspace, as_of, name):
    model, before = workspace.models.present[name], drift_fingerprint(workspace, workspace.models.present[name], as_of)
    lake, dataset = workspace.lake, training_set.dataset(name)
    lake.write(dataset, as_of, lake.read(dataset, [as_of]), key=["row_id"], fingerprint="made from something else")
    assert drift_fingerprint(workspace, model, as_of) != before


def test_a_week_without_a_candidate_is_not_judged_and_says_why(workspace, as_of, point_in_time):
    early = as_of - timedelta(weeks=6)
    with pytest.raises(NotReady, match="claim has no candidate"):
        check_drift(workspace, workspace.models.present["claim"], early, join=point_in_time(workspace))
    remembered = workspace.lake.manifest(drift_dataset("claim"), early)
    assert "claim has no candidate" in remembered.facts["skipped"]
    assert workspace.lake.read(drift_dataset("claim"), [early])["report"].to_list() == [None]


def test_orders_that_ended_weeks_ago_leave_nothing_to_judge(workspace, as_of, point_in_time):
    for day in workspace.lake.days(
        "raw/orders", first=as_of - timedelta(days=workspace.models.present["claim"].spec.calibration_days)
    ):
        workspace.lake.delete("raw/orders", day)
    with pytest.raises(NotReady, match="no decision was made"):
        check_drift(workspace, workspace.models.present["claim"], as_of, join=point_in_time(workspace))
