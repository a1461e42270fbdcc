"""Benchmarks: the cost of a run beside the same program outside any sandbox."""
