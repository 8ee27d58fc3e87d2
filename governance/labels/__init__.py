"""Label definitions as data, the append-only label ledger, and labels of decisions once they have matured."""
