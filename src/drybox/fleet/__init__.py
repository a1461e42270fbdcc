"""Many machines as one executor, on a Ray cluster."""
