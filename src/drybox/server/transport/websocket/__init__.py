"""WebSockets on the wire."""
