"""Control groups of local sandboxes: limits, weights and measurement."""
