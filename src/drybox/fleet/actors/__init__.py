"""Actors of Ray of which there is one for all front doors, and how an actor ends."""
