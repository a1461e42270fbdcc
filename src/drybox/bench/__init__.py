"""What a run costs beside the same program outside any sandbox: measured, put together, shown."""
