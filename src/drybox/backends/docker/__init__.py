"""Sandboxes that are containers, through Testcontainers."""
