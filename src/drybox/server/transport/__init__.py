"""HTTP itself: bodies, problems, origins, disconnects."""
