"""The protocols before a real gallery on the disk; faces are coloured tiles."""

from tests.web.v1.conftest import app, client, http, service, settings, url

__all__ = ["app", "client", "http", "service", "settings", "url"]
