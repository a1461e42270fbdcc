"""Checks of an installation, and a backend for tests."""
