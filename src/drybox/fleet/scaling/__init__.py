"""How many nodes a fleet has: as many as its programs need, within bounds."""
