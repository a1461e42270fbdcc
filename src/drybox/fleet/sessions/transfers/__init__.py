"""What a node sends to a front door piece by piece, and what a front door sends to a node."""
