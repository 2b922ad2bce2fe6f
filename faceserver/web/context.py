"""How a request reaches what does the work."""

from typing import cast

from flask import Flask, current_app

from faceserver.lifecycle import Backend, Services


def backend_of(app: Flask) -> Backend:
    """What stands behind the web; kept in ``app.extensions["faceserver"]``."""
    return cast("Backend", app.extensions["faceserver"])


def backend() -> Backend:
    """The backend of the app that serves the current request."""
    return cast("Backend", current_app.extensions["faceserver"])


def services() -> Services:
    """The use cases.

    Raises:
        NotReady: still starting, or failed to; the message is the reason.
    """
    return backend().services()
