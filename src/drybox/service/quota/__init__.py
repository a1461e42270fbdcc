"""What a key may use, and where it is counted."""
