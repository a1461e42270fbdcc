"""Metrics and traces, made of what executions and pools tell; each needs its extra."""
