"""drybox's own API, ``/v1``."""
