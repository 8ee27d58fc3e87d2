"""Real-time counters while they count: one store embedded, one on Redis, the same answers from both."""
