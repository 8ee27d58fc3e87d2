"""Gates, verdicts and the model registry: record, promote, refuse, roll back."""
