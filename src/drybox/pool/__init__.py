"""Idle sandboxes that wait for requests."""
