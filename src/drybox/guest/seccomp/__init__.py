"""The filter on system calls that every sandbox runs under."""
