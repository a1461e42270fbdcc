"""Snapshots: the files of a session, kept by their content, in memory or in a folder."""
