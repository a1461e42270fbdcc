"""The machine: its resources, processes, paths and scheduler."""
