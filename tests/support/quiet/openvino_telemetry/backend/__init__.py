"""Empty."""

backend_ga4 = None
