"""Features as ibis expressions, one module per view: events in, change-point feature rows out."""
