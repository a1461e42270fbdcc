"""Commands that serve others, and what they need."""
