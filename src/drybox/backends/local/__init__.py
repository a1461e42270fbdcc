"""Sandboxes of Linux namespaces, made by bubblewrap without any daemon."""
