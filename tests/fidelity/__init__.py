"""Programs that must not be able to tell whether they run in a sandbox."""
