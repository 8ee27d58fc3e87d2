"""Contracts and feature views as Dagster column schemas."""

import dagster as dg

from governance.contracts.schema import Column, Table
from governance.features.view import FeatureTable


def of_table(table: Table) -> dg.TableSchema:
    """The columns of a contract table, with units, personal data and nullability."""
    return dg.TableSchema(columns=[_column(column) for column in table.columns])


def of_view(view: FeatureTable) -> dg.TableSchema:
    """The columns of a feature view."""
    key = [
        dg.TableColumn(view.key, "string", description="key of the view"),
        dg.TableColumn("event_timestamp", "timestamp", description="when the values became valid, UTC"),
        dg.TableColumn("created", "timestamp", description="when the newest input became known, UTC"),
    ]
    features = [
        dg.TableColumn(feature.name, feature.kind.value, description=feature.meaning) for feature in view.features
    ]
    return dg.TableSchema(columns=[*key, *features])


def _column(column: Column) -> dg.TableColumn:
    notes = [column.meaning, column.unit or "", "keyed hash of personal data" if column.personal else ""]
    return dg.TableColumn(
        column.name,
        column.kind.value,
        description="; ".join(note for note in notes if note),
        constraints=dg.TableColumnConstraints(nullable=column.nullable),
    )
