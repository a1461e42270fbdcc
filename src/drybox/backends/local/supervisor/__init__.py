"""The supervisor process, which makes local sandboxes, and its client."""
