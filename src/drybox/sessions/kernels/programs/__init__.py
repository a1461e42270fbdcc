"""Kernels: programs that never run in drybox itself."""
