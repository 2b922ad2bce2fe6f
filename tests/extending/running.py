"""A server that runs while a test asks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from faceserver.app import create_app
from faceserver.config import Settings


@contextmanager
def served(settings: Settings) -> Iterator[FlaskClient]:
    """A client of a server with these settings, which is ready."""
    app = create_app(settings)
    backend = app.extensions["faceserver"]
    try:
        backend.wait()
        yield app.test_client()
    finally:
        backend.close()


def post(client: FlaskClient, path: str, picture: Path) -> Any:
    """Send a picture in a form; return the JSON of the answer."""
    form = {"file": (BytesIO(picture.read_bytes()), picture.name)}
    return client.post(path, data=form, content_type="multipart/form-data").get_json()
