import numpy as np
import polars as pl

from governance.contracts.tables import ACCOUNT_CHANGES, SESSIONS
from governance.marketplaces.simulated.people import stolen
from governance.marketplaces.simulated.people.takeover import thieves


def test_every_successful_login_is_a_decision(town) -> None:
    sessions, decisions = town.rows["sessions"], town.decisions("account_takeover")
    logins = sessions.filter((pl.col("kind") == "login") & (pl.col("outcome") == "succeeded"))
    assert set(logins["session_id"]) == set(decisions["entity_id"])
    assert sessions.select(SESSIONS.key).is_unique().all()


def test_thieves_are_rare_and_the_observer_knows_how_rare(town) -> None:
    decisions = town.decisions("account_takeover")
    truth, oracle = decisions["truth"], decisions["oracle"]
    assert 0.001 < truth.mean() < 0.06
    assert 0.5 < oracle.sum() / truth.sum() < 2
    assert decisions.filter(pl.col("truth") > 0)["oracle"].min() < 0.1
    assert decisions.filter(pl.col("truth") == 0)["oracle"].max() > 0.3


def test_no_column_of_a_login_gives_a_thief_away(town) -> None:
    both = town.decisions("account_takeover").join(town.rows["sessions"], left_on="entity_id", right_on="session_id")
    stranger, owner = both.filter(pl.col("truth") > 0), both.filter(pl.col("truth") == 0)
    assert set(stranger["country"]) <= set(owner["country"])
    assert stranger["wrong_passwords"].max() <= owner["wrong_passwords"].max()
    assert (stranger["wrong_passwords"] == 0).mean() > 0.5
    assert set(stranger["network"]) & set(owner["network"])


def test_reported_accounts_go_back_to_their_owners(town) -> None:
    said = town.rows["labels"].filter(pl.col("labeler") == stolen.SAYING.labeler)
    telephoned = town.rows["account_changes"].filter(pl.col("session_id").is_null())
    assert said.height > 3
    assert set(telephoned["kind"]) == {"password"}
    assert set(said["known_at"]) <= set(telephoned["occurred_at"])


def test_changes_happen_in_sessions_of_the_account(town) -> None:
    changes, sessions = town.rows["account_changes"], town.rows["sessions"]
    assert changes.select(ACCOUNT_CHANGES.key).is_unique().all()
    both = changes.drop_nulls("session_id").join(sessions, on="session_id", how="left", suffix="_session")
    assert both["account_id_session"].is_not_null().all()
    assert (both["account_id"] == both["account_id_session"]).all()
    assert both.filter(pl.col("kind") != "password").select((pl.col("old_value") != pl.col("new_value")).all()).item()
    assert both.filter(pl.col("kind") == "password")["new_value"].is_null().all()


def test_thefts_leave_the_memory_within_sixty_days(town) -> None:
    newest = 204
    assert town.people.thefts["since"].min() > newest - 60
    assert town.people.failures["day"].min() > newest - 60
    assert town.people.coupons["day"].min() > newest - 60
    assert town.people.recent_signups["day"].min() > newest - 60


def test_what_thieves_order_comes_after_they_came_in(town) -> None:
    numbers = [one.number for one in thieves(town.settings.campaigns, buyers=town.settings.buyers)]
    orders = pl.concat(town.planned).filter(pl.col("campaign").is_in(numbers))
    visits = pl.concat(town.visits).select("buyer", "nth", "campaign", came="at")
    same_day = orders.join(visits, on=["buyer", "campaign"]).filter(
        (pl.col("at") - pl.col("came")).is_between(0, 3.6e9)
    )
    assert orders.height > 0
    assert same_day.select("buyer", "at").n_unique() == orders.height
    assert np.isin(orders["nth"].to_numpy() // 16 - 1, numbers).all()
