"""What came of decisions: the labels of what was decided about, once they have matured."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from governance.contracts.calendar import midnight
from governance.decisions.points import DecisionPoint
from governance.decisions.record import Decision
from governance.decisions.rows import label_rows
from governance.labels import statements
from governance.labels.definition import LabelDefinition
from governance.labels.ledger import LabelLedger
from governance.labels.matured import resolve
from governance.storage.lake import Lake


def stated_until(lake: Lake) -> datetime | None:
    """Up to when labelers' statements are known; None before the first day of them."""
    days = lake.days(statements.DATASET)
    return midnight(days[-1] + timedelta(days=1)) if days else None


def matured_labels(
    decisions: Sequence[Decision],
    definition: LabelDefinition,
    ledger: LabelLedger,
    points: Mapping[str, DecisionPoint],
    *,
    until: datetime,
) -> dict[str, int]:
    """Decision id to 0 or 1, for the decisions whose window closed by `until`.

    Parameters
    ----------
    until : up to when labelers' statements are known.
    """
    rows = label_rows(decisions, definition, points)
    closed = rows.filter(pl.col("decided_at") + definition.maturity <= until)
    if closed.is_empty():
        return {}
    first = closed["decided_at"].min()
    assert isinstance(first, datetime)  # noqa: S101 - of a column of times that is not empty
    statements = ledger.between(definition.name, start=first, end=until)
    found = resolve(closed, statements, definition)
    return dict(zip(found["row_id"], found["label"], strict=True))
