import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNTS, ENFORCEMENTS, LABELS
from governance.marketplaces.simulated.campaigns.file import Campaign, Campaigns, load_campaigns
from governance.marketplaces.simulated.chance import Today
from governance.marketplaces.simulated.people import fakes
from governance.marketplaces.simulated.people.recruiting import recruiters, signing_up

REGISTRY = Campaign(
    name="registry", kind="fake_registrations", first_day=0, last_day=500, members_per_10k_buyers=200.0, adapts="move"
)


def test_sign_ups_are_accounts_with_one_decision_each(town) -> None:
    accounts, decisions = town.rows["accounts"], town.decisions("fake_account")
    first = accounts.filter(pl.col("role") == "buyer").unique("account_id", keep="first", maintain_order=True)
    arrived = first.filter(pl.col("occurred_at") >= town.settings.first_day)
    assert set(decisions["entity_id"]) == set(arrived["account_id"])
    assert decisions["entity_id"].is_unique().all()
    assert accounts.select(ACCOUNTS.key).is_unique().all()


def test_an_observer_is_right_on_average_and_better_than_any_one_column(town) -> None:
    decisions = town.decisions("fake_account")
    truth, oracle = decisions["truth"].to_numpy(), decisions["oracle"].to_numpy()
    assert 0.4 < oracle.sum() / truth.sum() < 1.8
    assert 0.7 < _auc(truth, oracle) < 0.99


def test_fakes_look_like_others_in_every_column_alone(town) -> None:
    first = town.rows["accounts"].unique("account_id", keep="first", maintain_order=True)
    both = town.decisions("fake_account").join(first, left_on="entity_id", right_on="account_id")
    truth = both["truth"].to_numpy()
    for column in ("verified", "phone", "invited_by", "device", "network"):
        value = both[column].cast(pl.Float64) if column == "verified" else both[column].is_null().cast(pl.Float64)
        assert 0.2 < _auc(truth, value.to_numpy()) < 0.8, column
    assert both.filter(pl.col("truth") > 0)["verified"].any()
    assert both.filter(pl.col("truth") == 0)["phone"].is_null().any()


def test_what_is_found_is_banned_when_it_is_said(town) -> None:
    labels, bans = town.rows["labels"], town.rows["enforcements"]
    said = labels.filter((pl.col("label") == "fake_account") & (pl.col("labeler") == fakes.SAYING.labeler))
    found = said.join(bans, left_on="entity_id", right_on="subject_id", how="left", suffix="_ban")
    assert said.height > 10
    assert (found["known_at"] == found["known_at_ban"]).sum() == said.height
    assert bans.select(ENFORCEMENTS.key).is_unique().all()
    assert labels.select(LABELS.key).is_unique().all()


def test_places_of_a_campaign_do_not_depend_on_how_it_fares(make_town) -> None:
    town = make_town(Campaigns((REGISTRY,), {}), buyers=1_000)
    pressed = make_town(Campaigns((REGISTRY,), {}), buyers=1_000)
    pressed.standing.vigour[:] = 0.2
    pressed.standing.replacements[:] = 4
    town.live(range(3)), pressed.live(range(3))
    assert len(town.people.buyers) == len(pressed.people.buyers)
    honest = town.people.buyers.campaign + pressed.people.buyers.campaign == -2
    there = (town.people.buyers.joined < 10) & honest
    assert np.array_equal(town.people.buyers.joined[there], pressed.people.buyers.joined[there])
    assert np.array_equal(town.people.buyers.activity[there], pressed.people.buyers.activity[there])


def test_replacements_are_recruited_and_taken_off(make_town) -> None:
    town = make_town(Campaigns((REGISTRY,), {}), buyers=1_000)
    recruiter = next(recruiters(town.settings.campaigns, buyers=1_000))
    town.standing.replacements[0] = 2
    used = signing_up(recruiter, town.standing, Today(5, town.settings.first_day, 4))
    assert used.sum() >= 2
    assert town.standing.replacements[0] == 0


def test_a_quiet_world_has_no_fakes(make_town) -> None:
    town = make_town(load_campaigns(), buyers=1_000).live(range(5))
    assert town.decisions("fake_account")["truth"].sum() == 0


def _auc(truth: np.ndarray, score: np.ndarray) -> float:
    order = pl.Series(score).rank().to_numpy()
    positive = truth > 0
    count = positive.sum()
    return float((order[positive].sum() - count * (count + 1) / 2) / (count * (len(truth) - count)))
