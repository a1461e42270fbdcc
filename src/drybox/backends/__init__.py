"""Backends, which make sandboxes: one folder each, behind ``backends.base.Backend``."""
