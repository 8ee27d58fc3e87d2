"""Matured labels: each decision with what the ledger knew of it when its window closed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import cast

import polars as pl

from governance.contracts.calendar import days_between, midnight
from governance.labels.decisions import SCHEMA, days_to_read, days_until_matured, decisions_of, stops
from governance.labels.definition import LabelDefinition
from governance.labels.ledger import LabelLedger
from governance.labels.statements import source_table
from governance.storage.digests import fingerprint
from governance.storage.lake import Lake, Manifest

CODE_VERSION = "2"


def resolve(decisions: pl.DataFrame, statements: pl.DataFrame, definition: LabelDefinition) -> pl.DataFrame:
    """Give each decision its label: what was stated after it and within its maturity window.

    Of one episode (entity and time of occurrence) the best labeler counts, and of that labeler the
    newest statement. The label is 1 where any episode is; its reason is that of the first one to become known.

    Parameters
    ----------
    decisions : columns of `decisions.SCHEMA`.
    statements : columns of `ledger.SCHEMA`.

    Returns
    -------
    The decisions with `matured_at`, `label` (0 or 1) and `label_reason` (null for 0).
    """
    matured = decisions.with_columns(matured_at=pl.col("decided_at") + definition.maturity)
    stated = _about(matured, statements)
    rank = pl.col("labeler").replace_strict({name: n for n, name in enumerate(definition.labelers)}, default=None)
    best = (
        stated.filter((pl.col("known_at") > pl.col("decided_at")) & (pl.col("known_at") <= pl.col("matured_at")))
        .with_columns(rank=rank)
        .filter(pl.col("rank").is_not_null())
        .sort("rank", "known_at", descending=[False, True], maintain_order=True)
        .unique(["row_id", "entity_id", "occurred_at"], keep="first", maintain_order=True)
        .filter(pl.col("value") == 1)
        .sort("row_id", "known_at", "reason")
        .unique("row_id", keep="first", maintain_order=True)
    )
    found = best.select("row_id", label=pl.lit(1, pl.Int64), label_reason="reason")
    return matured.join(found, on="row_id", how="left").with_columns(pl.col("label").fill_null(0))


def _about(decisions: pl.DataFrame, statements: pl.DataFrame) -> pl.DataFrame:
    """Pairs of a decision and a statement about its entity, or about the alternative one."""
    keys = ("entity_id", "alternative_id")
    pairs = [
        decisions.filter(pl.col(key).is_not_null())
        .select("row_id", "decided_at", "matured_at", entity_id=key)
        .join(statements, on="entity_id", how="inner")
        for key in keys
    ]
    return pl.concat(pairs)


def expected_fingerprints(lake: Lake, definition: LabelDefinition, days: Sequence[date]) -> dict[date, str]:
    """What each partition must have been made from: raw decisions, and everything stated until it matured."""
    orders = lake.manifests("raw/orders")
    stated = lake.manifests(f"raw/{source_table(definition)}")
    chain = _enforcement_chain(lake, definition, days)
    return {
        day: fingerprint(
            CODE_VERSION,
            definition.digest,
            [_digest(orders, found) for found in _decision_days(definition, day)],
            [_digest(stated, found) for found in _stating_days(definition, day, orders)],
            chain[_decision_day(definition, day)],
        )
        for day in days
    }


def _enforcement_chain(lake: Lake, definition: LabelDefinition, days: Sequence[date]) -> Mapping[date, str]:
    """For each decision day, a fingerprint of all enforcements known by its end: they end a seller's decisions."""
    made = [_decision_day(definition, day) for day in days]
    manifests = lake.manifests("raw/enforcements") if definition.decisions == "active_sellers" else {}
    chain, upto = "", {}
    for day in sorted({*made, *manifests}):
        chain = fingerprint(chain, manifests[day].digest) if day in manifests else chain
        upto[day] = chain
    return upto


def stale_days(lake: Lake, definition: LabelDefinition, days: Sequence[date]) -> list[date]:
    """Days whose labels are missing or were made from something else."""
    stored = lake.manifests(definition.dataset)
    expected = expected_fingerprints(lake, definition, days)
    return [day for day in days if (found := stored.get(day)) is None or found.fingerprint != expected[day]]


def build(
    lake: Lake,
    ledger: LabelLedger,
    definition: LabelDefinition,
    days: Sequence[date],
    *,
    on_day: Callable[[date, Manifest], None] | None = None,
) -> dict[date, Manifest]:
    """Write the labels that matured on each of `days`, whatever is there."""
    expected = expected_fingerprints(lake, definition, days)
    written: dict[date, Manifest] = {}
    stopped = stops(lake, max(days))
    for day in days:
        frame = _matured_on(lake, ledger, definition, day, stopped)
        facts = {"positives": int(frame["label"].sum())}
        written[day] = lake.write(
            definition.dataset, day, frame, key=["row_id"], fingerprint=expected[day], facts=facts
        )
        if on_day:
            on_day(day, written[day])
    return written


def _matured_on(
    lake: Lake, ledger: LabelLedger, definition: LabelDefinition, day: date, stopped: pl.DataFrame
) -> pl.DataFrame:
    made = _decision_day(definition, day)
    landed = lake.path("raw/orders", made).exists()
    decisions = decisions_of(lake, definition, made, stopped) if landed else SCHEMA.to_frame()
    # An order of this partition may have been placed a while before it became known.
    first = cast(datetime, decisions["decided_at"].min() or midnight(made))
    statements = ledger.between(definition.name, start=first, end=midnight(day + timedelta(days=1)))
    return resolve(decisions, statements, definition)


def _decision_day(definition: LabelDefinition, day: date) -> date:
    return day - timedelta(days=days_until_matured(definition))


def _decision_days(definition: LabelDefinition, day: date) -> list[date]:
    made = _decision_day(definition, day)
    return [made - timedelta(days=back) for back in range(days_to_read(definition))]


def _stating_days(definition: LabelDefinition, day: date, orders: Mapping[date, Manifest]) -> list[date]:
    """Days whose statements may decide the labels of `day`: from its oldest decision on."""
    made = _decision_day(definition, day)
    return days_between(min(made, _oldest_order_day(orders.get(made)) or made), day)


def _oldest_order_day(landed: Manifest | None) -> date | None:
    """An order that became known late was decided, and perhaps complained of, before its partition's day."""
    oldest = landed.facts.get("oldest_occurred_at") if landed else None
    return datetime.fromisoformat(oldest).date() if oldest else None


def _digest(manifests: Mapping[date, Manifest], day: date) -> str | None:
    return found.digest if (found := manifests.get(day)) else None
