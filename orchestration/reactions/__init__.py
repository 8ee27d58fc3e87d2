"""What a marketplace calls for now, from manifests, registry and source: nothing here starts a run or reads a clock."""
