import polars as pl

from governance.contracts.tables import DATA_ACCESSES
from governance.marketplaces.simulated.people.incentives import SAYING
from governance.marketplaces.simulated.plans import EMPTY


def test_every_line_with_a_coupon_is_a_decision(town) -> None:
    planned = pl.concat(town.planned)
    decisions = town.decisions("incentive_abuse")
    assert decisions.height == planned["coupon"].is_not_null().sum()
    assert decisions["entity_id"].is_unique().all()


def test_farms_use_the_coupons_that_others_use(town) -> None:
    planned = pl.concat(town.planned)
    farms = [number for number, _ in town.settings.campaigns.of_kind("incentive_farm")]
    farmed = planned.filter(pl.col("campaign").is_in(farms))
    assert farmed.height > 10
    assert set(farmed["coupon"]) <= set(planned.filter(pl.col("campaign") < 0)["coupon"])
    assert farmed["address"].is_null().any()
    assert farmed["device"].is_null().any()


def test_the_observer_of_coupons_is_sharp_but_not_perfect(town) -> None:
    decisions = town.decisions("incentive_abuse")
    abuse, honest = decisions.filter(pl.col("truth") > 0), decisions.filter(pl.col("truth") == 0)
    assert abuse["oracle"].median() > 5 * honest["oracle"].median()
    assert abuse["oracle"].min() < honest["oracle"].max()
    assert 0.4 < decisions["oracle"].sum() / decisions["truth"].sum() < 2.5


def test_those_found_out_are_banned(town) -> None:
    said = town.rows["labels"].filter(pl.col("labeler") == SAYING.labeler)
    bans = town.rows["enforcements"].filter(pl.col("policy_clause") == "incentive_abuse")
    assert said.height > 3
    assert 0 < bans.height <= said.height


def test_scam_parcels_reach_people_whose_data_leaked(town) -> None:
    scams = pl.concat(town.planned).filter(pl.col("parcel") == EMPTY)
    assert scams.height > 0
    assert scams["address"].is_not_null().all()
    assert scams["coupon"].is_null().all()


def test_accesses_name_those_read_about(town) -> None:
    read = town.rows["data_accesses"]
    assert read.select(DATA_ACCESSES.key).is_unique().all()
    named = read["subject_ids"].str.split(" ").list.len()
    assert (named <= 50).all()
    assert (named <= read["subjects"]).all()
    assert set(read["role"]) == {"staff", "seller"}
    assert read.filter(pl.col("role") == "staff")["account_id"].str.starts_with("staff-").all()


def test_nobody_reads_about_an_account_that_never_was(town) -> None:
    named = town.rows["data_accesses"]["subject_ids"].drop_nulls().str.split(" ").explode()
    assert set(named) <= set(town.rows["accounts"]["account_id"])


def test_leaking_accounts_read_more_than_others_but_like_others(town) -> None:
    read = town.rows["data_accesses"].filter(pl.col("role") == "staff")
    assert read.filter(pl.col("purpose") == "export")["subjects"].max() > 50
    assert set(read["purpose"]) <= {"support", "investigation", "export", "other", "fulfilment"}
