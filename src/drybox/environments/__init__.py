"""Packages beside a language's standard library."""
