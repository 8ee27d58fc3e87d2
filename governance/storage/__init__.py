"""Where rows, model files and ledgers lie: dated Parquet partitions, objects with conditional writes, append-only tables."""
