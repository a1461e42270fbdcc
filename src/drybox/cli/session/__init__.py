"""Sessions on the command line: an interactive one here, and those of a server."""
