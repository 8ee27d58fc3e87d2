"""Where rows, model files and ledgers lie: dated Parquet partitions, conditional objects, append-only tables."""
