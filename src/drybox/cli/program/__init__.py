"""The program of ``drybox run``: its files, and the artifacts that it leaves."""
