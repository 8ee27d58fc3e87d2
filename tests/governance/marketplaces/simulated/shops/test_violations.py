"""Listings that break the rules, the decision at their publication and what follows from it."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from governance.marketplaces.simulated import pictures
from governance.marketplaces.simulated.campaigns.file import Campaign
from governance.marketplaces.simulated.chance import NEVER
from governance.marketplaces.simulated.ids import identifiers

from .conftest import Street, auc

COPIES = Campaign(
    name="copies",
    kind="listing_violation",
    first_day=2,
    last_day=60,
    members_per_10k_buyers=1_200.0,
    tactic={"listings_a_day": 0.2},
)


@pytest.fixture(scope="module")
def lived(street: Callable[..., Street]) -> Street:
    world = street(COPIES)
    world.live(range(30))
    return world


def test_every_new_listing_is_decided_once_at_its_publication(lived: Street) -> None:
    decided = lived.decided("listing_violation")
    listings = lived.shops.listings
    new = np.flatnonzero(listings.listed >= 0)
    assert decided["entity_id"].sort().to_list() == sorted(identifiers("product", new, seed=5))
    published = lived.known("products").group_by("product_id").agg(pl.col("occurred_at").min())
    both = decided.join(published, left_on="entity_id", right_on="product_id")
    assert (both["occurred_at"] == both["occurred_at_right"]).all()


def test_members_list_innocent_things_too_and_nobody_else_breaks_the_rules(lived: Street) -> None:
    listings, sellers = lived.shops.listings, lived.shops.sellers
    by_member = sellers.campaign[listings.seller] == 0
    assert 0.4 < (listings.violation[by_member & (listings.listed >= 0)] == 0).mean() < 0.8
    assert (listings.violation[~by_member] == -1).all()


def test_the_observer_is_calibrated_and_better_than_the_price_alone(lived: Street) -> None:
    decided = lived.decided("listing_violation")
    assert abs(decided["oracle"].sum() / decided["truth"].sum() - 1) < 0.35
    first = lived.known("products").sort("known_at").unique("product_id", keep="first", maintain_order=True)
    both = decided.join(first, left_on="entity_id", right_on="product_id", maintain_order="left")
    usual = both["price_minor"] * both["reference_rate"]
    assert auc(both["truth"], both["oracle"]) > auc(both["truth"], -usual) + 0.05
    assert auc(both["truth"], both["oracle"]) < 0.99


def test_what_moderators_find_is_removed_when_they_say_so_and_sold_no_more(lived: Street) -> None:
    removed = lived.known("enforcements").filter(pl.col("action") == "removal")
    assert removed.height > 5
    said = lived.known("labels").filter((pl.col("label") == "listing_violation") & (pl.col("value") == 1))
    assert set(removed["subject_id"]) <= set(said["entity_id"])
    gone = lived.shops.listings.removed < NEVER
    sold = pl.concat(lived.lines).filter(pl.Series(gone)[pl.concat(lived.lines)["listing"].to_numpy()])
    day = lived.shops.listings.removed[sold["listing"].to_numpy()]
    assert (sold["occurred_at"].to_numpy() < lived.today(0).start + day * 86_400_000_000).all()


def test_what_a_rule_stops_is_not_labelled_by_moderators(lived: Street) -> None:
    labels = lived.known("labels").filter(pl.col("label") == "listing_violation")
    by_rule = set(labels.filter(pl.col("labeler") == "automatic_rule")["entity_id"])
    assert by_rule
    assert not by_rule & set(labels.filter(pl.col("labeler") == "moderation")["entity_id"])


def test_versions_of_a_listing_keep_their_words(lived: Street) -> None:
    products = lived.known("products")
    texts = products.group_by("product_id").agg(pl.len(), pl.col("title").n_unique(), pl.col("description").n_unique())
    assert (texts["len"] > 1).any()
    assert (texts["title"] == 1).all()
    assert (texts["description"] == 1).all()


def test_a_listing_has_the_picture_that_it_shows(lived: Street) -> None:
    listings = lived.shops.listings
    number = np.arange(len(listings))
    hashes = lived.known("products").unique("product_id").select("product_id", "image_hash")
    shown = pl.DataFrame(
        {
            "product_id": identifiers("product", number, seed=5),
            "shown": pictures.listing_hash(listings.image, listings.category[listings.image]),
            "copied": listings.image != number,
        }
    )
    both = hashes.join(shown, on="product_id")
    assert both["copied"].sum() > 5
    assert (both["image_hash"] == both["shown"]).all()
