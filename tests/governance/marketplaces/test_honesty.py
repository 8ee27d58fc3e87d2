"""The checks of a world's honesty: a world that gives nothing away passes, and each planted leak is found."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from governance.contracts.calendar import days_between
from governance.contracts.tables import TABLES
from governance.errors import InputError
from governance.labels.definition import label_definitions
from governance.marketplaces.honesty import bounds_of, inspect, report
from governance.marketplaces.observed import OBSERVED
from governance.marketplaces.simulated.rows import DECISIONS, TRUTH_TABLES, as_rows, write_day

DAYS = days_between(date(2026, 1, 1), date(2026, 1, 3))
SIZE = 3_000
LABEL = "listing_violation"
Change = Callable[[pl.DataFrame], pl.DataFrame]


def listings(seed: int = 5) -> pl.DataFrame:
    """Listings with their truth: members price lower and write a little more, and something unseen speaks as well."""
    rng = np.random.default_rng(seed)
    member = rng.random(SIZE) < 0.12
    price, length, unseen = (rng.normal(size=SIZE) + shift * member for shift in (-0.9, 0.9, 1.2))
    log_odds = np.log(0.12 / 0.88) - 0.9 * (price + 0.45) + 0.9 * (length - 0.45) + 1.2 * (unseen - 0.6)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = np.sort(rng.integers(0, len(DAYS) * 86_400_000_000, SIZE))
    words = np.array(["red", "blue", "new", "soft", "large", "fine", "warm", "light", "good", "gift"])
    count = np.clip(np.rint(12 + 3 * length), 2, 30).astype(int)
    frame = pl.DataFrame(
        {
            "product_id": [f"product-{number:08d}" for number in rng.permutation(SIZE)],
            "occurred_at": [start + timedelta(microseconds=int(moment)) for moment in moments],
            "seller_id": [f"seller-{number:04d}" for number in rng.integers(0, 900, SIZE)],
            "category": rng.choice(["shoes", "toys", "books"], SIZE).tolist(),
            "title": [" ".join(rng.choice(words, 4)) for _ in range(SIZE)],
            "description": [" ".join(rng.choice(words, size)) for size in count],
            "price_minor": np.rint(np.exp(8 + 0.5 * price)).astype(int),
            "market": "br",
            "currency": "BRL",
            "reference_rate": 0.2,
            "image_hash": [f"{number:016x}" for number in rng.integers(0, 2**60, SIZE)],
            "truth": member.astype(float),
            "oracle": 1 / (1 + np.exp(-log_odds)),
        }
    )
    return frame.with_columns(pl.col("occurred_at").dt.cast_time_unit("us"), known_at="occurred_at")


def written(root: Path, rows: pl.DataFrame) -> Path:
    """A world of these listings in the order of the rows within each day."""
    truth = rows.select("truth", "oracle", "occurred_at", entity_id="product_id", label=pl.lit(LABEL))
    for day in DAYS:
        on_day = rows["known_at"].dt.date() == day
        write_day(root, "products", day, as_rows(TABLES["products"].schema, rows.filter(on_day)))
        write_day(root / "truth", DECISIONS, day, as_rows(TRUTH_TABLES[DECISIONS], truth.filter(on_day)))
    return root


MEMBER = pl.col("truth") == 1.0


def mostly(share: float, seed: int = 1) -> pl.Expr:
    """True for this share of the members and for nobody else."""
    return MEMBER & pl.Series(np.random.default_rng(seed).random(SIZE) < share)


def test_an_honest_world_breaks_no_bound(tmp_path: Path) -> None:
    found = inspect(written(tmp_path, listings()), LABEL)
    assert found.violations(bounds_of(LABEL)) == ()
    assert 0.72 < found.strongest.auc < found.tree_auc < found.oracle_auc < 0.92
    assert found.positives == found.positive_entities > 250
    assert 0.85 < found.oracle_over_truth < 1.15
    names = {one.reading for one in found.separations}
    assert {"products.price_minor", "products.seller_id format", "(row of its day)", "occurred_at time of day"} < names


LEAKS: dict[str, tuple[Change, str]] = {
    "a value": (
        lambda rows: rows.with_columns(price_minor=pl.when(mostly(0.95)).then(1).otherwise("price_minor")),
        "products.price_minor alone has an AUC",
    ),
    "a value in the middle": (
        lambda rows: rows.with_columns(price_minor=pl.when(mostly(0.95)).then(3_000).otherwise("price_minor")),
        "products.price_minor alone has an AUC",
    ),
    "missingness": (
        lambda rows: rows.with_columns(title=pl.when(~mostly(0.95)).then("title")),
        "products.title missing alone has an AUC",
    ),
    "a category": (
        lambda rows: rows.with_columns(category=pl.when(mostly(0.95)).then(pl.lit("misc")).otherwise("category")),
        "products.category alone has an AUC",
    ),
    "the order of ids": (
        lambda rows: rows.with_columns(product_id=pl.format("product-{}", (MEMBER.rank("ordinal") + 10_000_000))),
        "product_id order alone has an AUC",
    ),
    "the length of ids": (
        lambda rows: rows.with_columns(seller_id=pl.when(mostly(0.95)).then(pl.lit("seller-1")).otherwise("seller_id")),
        "seller_id length alone has an AUC",
    ),
    "the format of ids": (
        lambda rows: rows.with_columns(
            image_hash=pl.when(mostly(0.9)).then(pl.col("image_hash").str.to_uppercase() + "Z").otherwise("image_hash")
        ),
        "image_hash",
    ),
    "the order of rows": (
        lambda rows: rows.sort(pl.col("known_at").dt.date(), MEMBER, descending=[False, True], maintain_order=True),
        "(row of its day) alone has an AUC",
    ),
    "a fraction of a second": (
        lambda rows: rows.with_columns(
            pl.when(mostly(0.97)).then(pl.col(name).dt.truncate("1s")).otherwise(pl.col(name)).alias(name)
            for name in ("occurred_at", "known_at")
        ),
        "fraction of a second alone has an AUC",
    ),
    "the time of day": (
        lambda rows: rows.with_columns(
            pl.when(mostly(0.97))
            .then(pl.col(name).dt.truncate("1d") + timedelta(hours=3))
            .otherwise(pl.col(name))
            .alias(name)
            for name in ("occurred_at", "known_at")
        ),
        "time of day alone has an AUC",
    ),
    "a delay": (
        lambda rows: rows.with_columns(
            known_at=pl.when(mostly(0.95)).then(pl.col("known_at") + timedelta(seconds=1)).otherwise("known_at")
        ),
        "products.known_at before the decision alone has an AUC",
    ),
    "a word": (
        lambda rows: rows.with_columns(
            description=pl.when(mostly(0.95)).then(pl.col("description") + " replica").otherwise("description")
        ),
        "products.description word 'replica' alone has an AUC",
    ),
    "a word that few use, but members only": (
        lambda rows: rows.with_columns(
            description=pl.when(mostly(0.1)).then(pl.col("description") + " replica").otherwise("description")
        ),
        "of the positives have a products.description word",
    ),
    "a text that is said again": (
        lambda rows: rows.with_columns(description=pl.when(mostly(0.95)).then(pl.lit("ok")).otherwise("description")),
        "products.description",
    ),
    "a value that few have, but members only": (
        lambda rows: rows.with_columns(category=pl.when(mostly(0.1)).then(pl.lit("misc")).otherwise("category")),
        "of the positives have a products.category that no negative has",
    ),
}


@pytest.mark.parametrize(("change", "expected"), LEAKS.values(), ids=LEAKS.keys())
def test_a_column_that_gives_the_label_away_is_found(tmp_path: Path, change: Change, expected: str) -> None:
    found = inspect(written(tmp_path, change(listings())), LABEL)
    broken = found.violations(bounds_of(LABEL))
    assert [sentence for sentence in broken if expected in sentence], broken


def test_two_columns_that_give_the_label_away_together_are_found_by_the_tree(tmp_path: Path) -> None:
    rows = listings()
    either = np.random.default_rng(3).random(SIZE)
    member = rows["truth"].to_numpy() > 0.5
    planted = rows.with_columns(
        category=pl.Series(np.where(member | (either < 0.5), "shoes", "toys")),
        currency=pl.Series(np.where(member | (either > 0.55), "BRL", "USD")),
    )
    found = inspect(written(tmp_path, planted), LABEL)
    (sentence,) = found.violations(bounds_of(LABEL))
    assert "a tree of depth 3" in sentence


ORACLES: dict[str, tuple[pl.Expr, str]] = {
    "knows everything": (0.01 + 0.98 * pl.col("truth"), "knows nearly everything"),
    "expects too much": (1 - (1 - pl.col("oracle")) ** 3, "times what is true"),
    "expects too little": (pl.col("oracle") / 2, "times what is true"),
    "knows no more than a column": (
        pl.col("price_minor").rank(descending=True) / SIZE * 0.24,
        "too close to the oracle",
    ),
}


@pytest.mark.parametrize(("oracle", "expected"), ORACLES.values(), ids=ORACLES.keys())
def test_an_oracle_that_is_none_is_found(tmp_path: Path, oracle: pl.Expr, expected: str) -> None:
    found = inspect(written(tmp_path, listings().with_columns(oracle=oracle)), LABEL)
    broken = found.violations(bounds_of(LABEL))
    assert [sentence for sentence in broken if expected in sentence], broken


def test_a_seller_is_never_judged_by_what_was_learnt_of_the_same_seller(tmp_path: Path) -> None:
    rows = listings()
    member = pl.col("seller_id").rank("dense") % 8 == 0
    texts = pl.format("from the shop of {} with love", pl.col("seller_id").str.replace_all("0", "zero"))
    planted = rows.with_columns(truth=member.cast(pl.Float64), description=texts)
    found = inspect(written(tmp_path, planted), LABEL)
    repeated = next(one for one in found.separations if one.reading == "products.description said twice")
    assert repeated.auc < 0.6


def test_every_label_is_observed_in_columns_of_the_contracts() -> None:
    assert set(label_definitions()) <= set(OBSERVED)
    for label, observed in OBSERVED.items():
        before = {"entity_id"}
        for seen in observed.seen:
            assert seen.by in before, label
            assert seen.key in TABLES[seen.table].names, label
            before |= {f"{seen.table}.{name}" for name in TABLES[seen.table].names}
        assert set(observed.groups) <= before, label


def test_only_what_had_happened_by_the_decision_is_seen(tmp_path: Path) -> None:
    rows = listings()
    later = rows.with_columns(
        pl.col("occurred_at", "known_at") + timedelta(seconds=1), price_minor=pl.col("truth").cast(pl.Int64)
    )
    world = written(tmp_path, rows)
    for day in DAYS:
        both = pl.concat([rows, later]).filter(pl.col("known_at").dt.date() == day)
        write_day(world, "products", day, as_rows(TABLES["products"].schema, both.sort("known_at")))
    assert "price_minor alone" not in " ".join(inspect(world, LABEL).violations(bounds_of(LABEL)))


def test_a_world_without_truth_or_rows_is_refused_with_a_sentence(tmp_path: Path) -> None:
    world = written(tmp_path, listings())
    with pytest.raises(InputError, match="knows of no decision for which click_farm is true"):
        inspect(world, "click_farm")
    for path in world.glob("products/dt=*/rows.parquet"):
        path.unlink()
    with pytest.raises(InputError, match="delivers no row"):
        inspect(world, LABEL)


def test_the_report_names_each_label_and_what_it_violates(tmp_path: Path) -> None:
    change, _ = LEAKS["a category"]
    said = report(written(tmp_path, change(listings())), [LABEL, "claim"]).splitlines()
    assert said[0].startswith(f"{LABEL}: 2,9")
    assert said[1].startswith(f"  VIOLATED {LABEL}: products.category alone has an AUC of 0.9")
    assert said[-1].startswith("claim: ")
