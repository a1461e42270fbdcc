"""The executors that users hold, async and sync."""
