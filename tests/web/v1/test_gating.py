"""Only good faces are stored, if that is asked for; each of the others is told with its reason."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from faceserver.client import ApiError, Client
from tests.services.test_facade import GREEN, RED, png


def with_stripes(*strengths: int) -> bytes:
    """A row of tiles whose rows are brighter and darker by turns, each tile by its strength."""
    tiles = np.full((16, 16 * len(strengths), 3), 120, np.uint8)
    for place, strength in enumerate(strengths):
        tile = tiles[:, 16 * place : 16 * place + 16]
        tile[::2] += np.uint8(strength)
        tile[:, :, 1] += np.uint8(10 * place)
    file = io.BytesIO()
    Pillow.fromarray(tiles).save(file, "PNG")
    return file.getvalue()


def sharpness(client: Client, data: bytes) -> list[float]:
    found = client.detect(data, attributes=["sharpness"]).faces
    return [float(str(face.attributes["sharpness"]["value"])) for face in found if face.attributes]


def test_a_face_that_is_not_sharp_is_left_out_and_comes_in_when_it_may(client: Client) -> None:
    data = with_stripes(0, 100)
    flat, striped = sharpness(client, data)
    assert flat < striped
    added = client.add_faces("default", data, min_sharpness=(flat + striped) / 2)
    assert [face.box and face.box.x1 for face in added.faces] == [16]
    (left,) = added.left_out
    assert (left.code, left.face.box.x1) == ("blurred", 0)
    assert "sharpness" in left.reason
    again = client.add_faces("default", data, min_sharpness=(flat + striped) / 2)
    assert [face.id for face in again.faces] == [face.id for face in added.faces]
    everybody = client.add_faces("default", data)
    assert len(everybody.faces) == len(client.list_faces("default").items) == 2
    assert everybody.faces[1].id == added.faces[0].id


def test_where_no_face_is_good_enough_nothing_is_stored(client: Client) -> None:
    with pytest.raises(ApiError, match="16 pixels large, less than 17") as error:
        client.add_faces("default", png(RED, GREEN), min_size=17)
    assert error.value.code == "low_quality"
    assert client.list_faces("default").items == ()
    assert len(client.add_faces("default", png(RED, GREEN), min_size=16, max_angle=45).faces) == 2


def test_a_figure_that_needs_a_model_is_refused_without_it(client: Client) -> None:
    with pytest.raises(ApiError) as error:
        client.add_faces("default", png(RED), min_quality=0.5)
    assert error.value.code == "unknown_attribute"


def test_the_best_faces_of_a_person_stay(client: Client) -> None:
    ann = client.create_subject("default", name="Ann").id

    def add(strength: int) -> tuple[int, list[str], int]:
        answer = client.add_faces("default", with_stripes(strength), subject=ann, keep_best=2)
        return len(answer.faces), [left.code for left in answer.left_out], len(answer.deleted)

    assert add(10) == (1, [], 0)
    assert add(40) == (1, [], 0)
    assert add(90) == (0, ["not_among_best"], 0)  # as good, and later
    assert client.get_subject("default", ann).faces == 2
    answer = client.add_faces("default", with_stripes(60), subject=ann, keep_best=1)
    assert (len(answer.faces), len(answer.deleted)) == (0, 1)
    assert client.get_subject("default", ann).faces == 1


def test_keeping_the_best_needs_a_person(client: Client) -> None:
    with pytest.raises(ApiError) as error:
        client.add_faces("default", png(RED), keep_best=2)
    assert error.value.code == "invalid_request"
    assert client.list_faces("default").items == ()
