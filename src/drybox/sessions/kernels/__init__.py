"""Kernels: the programs that keep a language's state in a session."""
