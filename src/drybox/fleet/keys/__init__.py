"""What keys may use of a fleet, counted for all front doors together."""
