"""Finds and downloads the packages of environments, by each language's own tool."""
