"""The domain of marketplace governance in plain Python: no Dagster, no Feast, no Evidently, no web framework."""
