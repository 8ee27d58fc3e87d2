"""The feature store: Feast's catalogue, point-in-time join, materialization and online read. Feast lives here only."""
