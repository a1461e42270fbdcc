"""Metrics and traces of executions and pools; each needs its extra."""
