"""What exists, as Dagster assets: thin bodies over governance, feature_repo and monitoring."""
