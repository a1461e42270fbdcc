"""What the tests stand on: who runs drybox, and what the host looks like from outside."""
