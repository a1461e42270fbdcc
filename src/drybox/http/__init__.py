"""The HTTP service: front doors over ``AsyncCodeExecutor``, thin as those of the command line."""
