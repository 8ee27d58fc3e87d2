"""Real-time counters: what is counted within the day, once for the service that counts and once for training."""
