"""The tables of a marketplace: columns, types, keys, units and personal data, and the fate of rows that break them."""
