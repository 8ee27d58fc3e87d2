"""Benchmarks: our way beside a peer and beside the limit, timed in one run on one machine."""
