"""The HTTP service, on top of an executor."""
