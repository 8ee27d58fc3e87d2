"""Days done again: what that changes, rehearsed on a linked copy before, observed after, and how long it takes."""
