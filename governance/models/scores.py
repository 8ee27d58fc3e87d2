"""A champion's scores of entities that persist, as a feature table: what a service reads without calling a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from governance.contracts.calendar import valid_at
from governance.contracts.schema import Kind
from governance.features.view import Feature, View
from governance.labels.decisions import active_sellers, stops
from governance.models.artifact import Scorer
from governance.models.catalogue import Model
from governance.models.training_set import PointInTimeJoin, assemble
from governance.storage.lake import Lake

CODE_VERSION = "1"
REASONS = 3


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The scores of one model, of the entity that its single view is about."""

    model: Model
    view: View

    @property
    def name(self) -> str:
        """The model's name and what the rows hold."""
        return f"{self.model.name}_scores"

    @property
    def key(self) -> str:
        """The key of the view that the model reads."""
        return self.view.key

    @property
    def meaning(self) -> str:
        """What a row says."""
        return f"What the champion of {self.model.name} says of each active {self.view.name}, and why"

    @property
    def code_version(self) -> str:
        """Of the columns, not of the model."""
        return CODE_VERSION

    @property
    def dataset(self) -> str:
        """Where the rows lie in the lake, by the last day that they know."""
        return f"features/{self.name}"

    @property
    def features(self) -> tuple[Feature, ...]:
        """Probability, whether to act, and the strongest reasons."""
        reasons = (
            Feature(name=f"{self.name}_reason_{rank}", kind=Kind.STRING, meaning=f"reason code, rank {rank}")
            for rank in range(1, REASONS + 1)
        )
        return (
            Feature(name=f"{self.name}_probability", kind=Kind.FLOAT, meaning="calibrated probability of the label"),
            Feature(name=f"{self.name}_act", kind=Kind.INTEGER, meaning="1 where it reaches the champion's threshold"),
            *reasons,
        )


def score_table(model: Model, views: Mapping[str, View]) -> ScoreTable | None:
    """The score table of a model whose decisions are about an entity that persists; None for the others."""
    persists = model.label.decisions == "active_sellers" and len(model.spec.views) == 1
    return ScoreTable(model, views[model.spec.views[0]]) if persists else None


def score_day(lake: Lake, table: ScoreTable, scorer: Scorer, day: date, *, join: PointInTimeJoin) -> pl.DataFrame:
    """Score every active entity as of the landing of `day`.

    Returns
    -------
    One row an entity: the key, `event_timestamp`, `created`, then the features of `table`.
    """
    decisions = active_sellers(lake, day, stops(lake, day)).with_columns(pl.col("entity_id").alias(table.key))
    rows = assemble(table.model, {table.view.name: table.view}, join(decisions, [table.view])).frame
    probabilities = scorer.score(rows)
    reasons = [[reason.code for reason in found] for found in scorer.contributions(rows, top=REASONS)]
    names = [feature.name for feature in table.features]
    return pl.DataFrame(
        {
            table.key: rows["entity_id"],
            "event_timestamp": pl.Series([valid_at(day)] * rows.height, dtype=Kind.TIMESTAMP.polars),
            "created": pl.Series([valid_at(day)] * rows.height, dtype=Kind.TIMESTAMP.polars),
            names[0]: probabilities,
            names[1]: (probabilities >= scorer.threshold.value).astype("int64"),
            **{
                name: pl.Series([found[rank] if rank < len(found) else None for found in reasons], dtype=pl.String)
                for rank, name in enumerate(names[2:])
            },
        }
    )
