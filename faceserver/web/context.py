"""How a request reaches the parts that do the work."""

from collections.abc import Mapping
from typing import IO, Protocol, cast

from flask import Flask, current_app

from faceserver.config import Settings
from faceserver.jobs.manager import JobDesk
from faceserver.services.facade import FaceService


class Backend(Protocol):
    """What stands behind the web; kept in ``app.extensions["faceserver"]``."""

    @property
    def settings(self) -> Settings:
        """The settings that the server runs with."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the server is stopping."""
        ...

    def service(self) -> FaceService:
        """The use cases.

        Raises:
            NotReady: still starting, or failed to; the message is the reason.
        """
        ...

    def jobs(self) -> JobDesk:
        """Many pictures at once.

        Raises:
            NotReady: still starting, or failed to; the message is the reason.
        """
        ...

    def health(self) -> Mapping[str, object]:
        """What ``/health`` answers.

        Returns:
            At least ``status`` ("ready", "starting" or "failed") and ``reason`` (text, or None
            when ready); all of it must fit into JSON.
        """
        ...

    def open_picture(self, name: str) -> IO[bytes]:
        """A stored picture as a stream, to be closed.

        Raises:
            NotFound: no picture of that name is stored.
        """
        ...


def backend_of(app: Flask) -> Backend:
    """The backend of an app."""
    return cast("Backend", app.extensions["faceserver"])


def backend() -> Backend:
    """The backend of the app that serves the current request."""
    return backend_of(current_app)
