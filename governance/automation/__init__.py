"""What should be done without a hand, decided from values: deliveries, weeks, and what waits for a person."""
