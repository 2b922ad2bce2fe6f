"""Immich's machine-learning protocol: faces are answered here, all else by another server."""
