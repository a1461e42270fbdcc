"""Sessions of a fleet: each is on one node, and any front door may use it."""
