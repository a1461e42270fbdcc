"""Programs that start a local sandbox."""
