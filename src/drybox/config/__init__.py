"""The configuration: its options, their types, and where values come from."""
