"""Sessions over HTTP, ``/v1/sessions``."""
