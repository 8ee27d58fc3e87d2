"""What is decided at a decision point: rules, policy, the record of each decision, and what it would have been."""
