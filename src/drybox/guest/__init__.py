"""What runs as PID 1 inside a sandbox, and how drybox talks to it."""
