"""GET /static/uploadImages/<file>: stored pictures, and nothing else."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.web.fakes import FakeBackend
from tests.web.forms import error_of


@pytest.fixture
def url(backend: FakeBackend, tmp_path: Path) -> str:
    path = tmp_path / "ab.jpg"
    path.write_bytes(b"\xff\xd8picture")
    backend.pictures = {"ab.jpg": path, "gone.jpg": tmp_path / "gone.jpg"}
    return "/static/uploadImages/ab.jpg"


def test_it_wins_over_the_static_folder(client: FlaskClient, url: str) -> None:
    with client.get(url) as response:
        assert response.status_code == 200
        assert response.data == b"\xff\xd8picture"
        assert response.content_type == "image/jpeg"
        assert response.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_an_unchanged_picture_is_not_sent_again(client: FlaskClient, url: str) -> None:
    with client.get(url) as first:
        etag = first.headers["ETag"]
    with client.get(url, headers={"If-None-Match": etag}) as second:
        assert (second.status_code, second.data) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "other.jpg",
        "gone.jpg",
        "..",
        "../../errors.py",
        "..%2f..%2ferrors.py",
        "..%5c..%5cerrors.py",
        "%2fetc%2fpasswd",
        "a/b.jpg",
        "%00.jpg",
        "",
    ],
)
def test_a_bad_name(client: FlaskClient, url: str, name: str) -> None:
    response = client.get(f"/static/uploadImages/{name}")
    assert error_of(response) == (404, "not_found")


def test_a_picture_is_only_read(client: FlaskClient) -> None:
    assert error_of(client.post("/static/uploadImages/a.jpg")) == (405, "method_not_allowed")
