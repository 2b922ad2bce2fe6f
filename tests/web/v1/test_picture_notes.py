"""What is worth knowing of a picture comes with each answer about it."""

import io

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image as Pillow

from faceserver.client import Client
from faceserver.pictures import codec, limits
from tests.services.test_facade import BLACK, GREEN, RED, png
from tests.support.picture_files import encode
from tests.web.forms import post_form


def paged(*tiles: tuple[int, int, int]) -> bytes:
    with Pillow.open(io.BytesIO(png(*tiles))) as picture:
        return encode(picture, "TIFF", save_all=True, append_images=[Pillow.new("RGB", (16, 16))])


def doubled(*tiles: tuple[int, int, int]) -> bytes:
    with Pillow.open(io.BytesIO(png(*tiles))) as picture:
        return encode(picture.resize((picture.width * 2, picture.height * 2), 0), "PNG")


def test_v1_tells_of_further_pages(client: Client) -> None:
    said = ("further_pages_ignored",)
    assert client.detect(paged(RED)).notes == said
    assert client.embed(paged(RED)).notes == said
    compared = client.compare(paged(RED), png(RED))
    assert (compared.a.notes, compared.b.notes) == (said, ())
    assert client.add_faces("default", paged(RED)).notes == said
    assert client.search("default", paged(RED)).notes == said
    assert client.add_faces("default", png(RED)).notes == ()


def test_a_halved_picture_has_its_places_as_it_was_sent(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WHOLE_PIXELS", 1000)
    found = client.detect(doubled(RED, BLACK, GREEN))
    assert (found.width, found.height, found.notes) == (96, 32, ("picture_scaled_down",))
    assert [face.box.x1 for face in found.faces] == [0, 64]
    assert found.faces[1].box.x2 == 96
    added = client.add_faces("default", doubled(RED, BLACK, GREEN))
    green = added.faces[1]
    assert green.box is not None
    assert green.box.x1 == 64
    kept = codec.decode_stored(client.get_face_picture("default", green.id))
    assert kept.image.shape == (16, 48, 3)
    assert (kept.width, kept.height) == (96, 32)
    crop = codec.decode_stored(client.get_face_crop("default", green.id)).image
    assert crop.shape == (16, 16, 3)
    assert np.argmax(crop[8, 8]) == 1


def test_the_original_endpoint_tells_them_where_there_are_any(http: FlaskClient) -> None:
    files = (("a", paged(RED), "a.tif"), ("b", png(RED), "b.png"))
    paged_item, plain_item = post_form(http, "/faceRegister", *files).get_json()["faces"]
    assert paged_item["notes"] == ["further_pages_ignored"]
    assert paged_item.keys() - plain_item.keys() == {"notes"}
