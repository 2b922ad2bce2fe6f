"""Faces as small pictures: kept by browsers for good, and asked for as often as one likes."""

import io
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from PIL import Image as Pillow

from faceserver.client import ApiError, Client
from faceserver.config import Settings
from faceserver.lifecycle import Services
from tests.services.test_facade import GREEN, RED, png
from tests.support.services import add_picture
from tests.web.fakes import FakeBackend, make_app


def face_of(service: Services) -> UUID:
    (face,) = add_picture(service, png(GREEN)).faces
    return UUID(face.id)


def test_it_is_kept_for_good(http: FlaskClient, service: Services) -> None:
    address = f"/v1/collections/default/faces/{face_of(service)}/thumbnail"
    answer = http.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    known = http.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    small = http.get(f"{address}?size=small")
    assert small.headers["ETag"] != answer.headers["ETag"]
    assert Pillow.open(io.BytesIO(answer.data)).size == (256, 256)
    assert Pillow.open(io.BytesIO(small.data)).size == (96, 96)
    assert http.get(f"{address}?size=huge").status_code == 400


def test_the_client_gets_it_where_the_face_says(client: Client, service: Services) -> None:
    face = face_of(service)
    told = client.get_face("default", face).thumbnail
    assert told == f"/v1/collections/default/faces/{face}/thumbnail"
    content = client.get_face_thumbnail("default", face, size="small")
    assert Pillow.open(io.BytesIO(content)).size == (96, 96)
    with pytest.raises(ApiError, match="there is no face"):
        client.get_face_thumbnail("default", uuid4())


def test_an_embedding_alone_has_none(client: Client) -> None:
    model = client.get_collection("default").model
    (stored,) = client.add_embedding("default", [1.0, 0.0, 0.0], model=model).faces
    assert stored.thumbnail is None
    with pytest.raises(ApiError, match="no picture"):
        client.get_face_thumbnail("default", stored.id)


def test_it_is_not_counted_as_a_request(settings: Settings, service: Services) -> None:
    (face,) = add_picture(service, png(RED)).faces
    app = make_app(FakeBackend(settings, real=service), requests_per_minute=2)
    http = app.test_client()
    place = f"/v1/collections/default/faces/{UUID(face.id)}"
    assert [http.get(f"{place}/thumbnail").status_code for _ in range(5)] == [200] * 5
    assert [http.get(place).status_code for _ in range(3)] == [200, 200, 429]
