"""How far it is from a posted picture to its answer, in counts that are the same everywhere.

Who looks for something in the way of a picture reads these functions; docs/architecture.md tells
the way. A change that makes it longer says so here.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image as Pillow

from faceserver.app import create_app
from faceserver.config import load_settings
from tests.support.photographs import Photographs
from tests.support.walking import walked

FUNCTIONS, FILES, DEPTH = 316, 91, 20


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    app = create_app(load_settings(data_dir=tmp_path_factory.mktemp("walk") / "data"))
    backend = app.extensions["faceserver"]
    backend.wait()
    yield app.test_client()
    backend.close()


def darker(path: Path, by: int) -> bytes:
    """The same photograph with other bytes."""
    file = BytesIO()
    with Pillow.open(path) as picture:
        picture.convert("RGB").point(lambda value: max(0, value - by)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("path", "field"), [("/v1/collections/default/faces", "file"), ("/faceRegister", "a.jpg")]
)
def test_a_posted_picture_has_a_short_way(
    client: FlaskClient, photographs: Photographs, path: str, field: str
) -> None:
    def post(by: int) -> int:
        picture = BytesIO(darker(photographs["obama.jpg"], by))
        return client.post(path, data={field: (picture, "a.jpg")}).status_code

    first = len(path)  # no two of these pictures are the same
    assert post(first) < 300
    with walked() as walk:
        assert post(first + 1) < 300
    assert len(walk.functions) <= FUNCTIONS, walk
    assert len(walk.files) <= FILES, walk
    assert walk.depth <= DEPTH, walk
