"""What stands for a person is replaced as a whole, or not at all."""

import pytest

from faceserver.errors import (
    FaceServerError,
    InvalidEmbedding,
    InvalidRequest,
    NoFace,
    NotAnImage,
    NotFound,
)
from faceserver.lifecycle import Services
from faceserver.services.outcomes import NewPicture
from faceserver.types import Filter
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, embedder, outside, png, service

__all__ = ["embedder", "outside", "service"]  # fixtures: a gallery in memory


def pictures(*datas: bytes) -> list[NewPicture]:
    return [NewPicture.of_bytes(f"{at}.png", data) for at, data in enumerate(datas)]


def names(service: Services) -> dict[str, int]:
    people = service.people.page("default", limit=9).items
    return {person.name: person.faces for person in people}


def test_all_pictures_of_a_call_stand_for_the_person(service: Services) -> None:
    first = service.portraits.replace("default", "Ada", pictures(png(RED), png(BLACK), png(RED)))
    assert (first.faces, first.was_known) == (1, False)
    again = service.portraits.replace("default", "ada", pictures(png(GREEN), png(BLUE)))
    assert (again.faces, again.was_known, again.subject.id) == (2, True, first.subject.id)
    assert names(service) == {"Ada": 2}
    same = service.portraits.replace("default", "Ada", pictures(png(GREEN), png(BLUE)))
    assert same.faces == 2


@pytest.mark.parametrize(
    ("datas", "error"),
    [
        ((png(GREEN), b"nothing"), NotAnImage),
        ((b"nothing", png(GREEN)), NotAnImage),
        ((png(BLACK), png(BLACK)), NoFace),
        ((), NoFace),
    ],
)
def test_nothing_changes_where_a_picture_is_no_good(
    service: Services, datas: tuple[bytes, ...], error: type[FaceServerError]
) -> None:
    service.portraits.replace("default", "Ada", pictures(png(RED)))
    for name in ("Ada", "Bob"):
        with pytest.raises(error):
            service.portraits.replace("default", name, pictures(*datas))
    assert names(service) == {"Ada": 1}
    assert service.collections.status().faces == 1


def test_a_picture_shows_whom_was_said_last(service: Services) -> None:
    service.portraits.replace("default", "Ada", pictures(png(RED), png(GREEN)))
    service.portraits.replace("default", "Bob", pictures(png(RED)))
    assert names(service) == {"Ada": 1, "Bob": 1}


def test_vectors_stand_for_a_person(service: Services) -> None:
    vectors = [[2.0, 0, 0], [0, 0.5, 0]]
    made = service.portraits.replace_embeddings("default", "Ada", vectors, source="test")
    assert made.faces == 2
    only = Filter(subject=made.subject.id)
    kept = service.faces.page("default", only, limit=9, cursor=None).items
    assert [face.embedding.tolist() for face in kept] == [[1, 0, 0], [0, 1, 0]]
    service.portraits.replace_embeddings("default", "Ada", [[0, 0, 1.0]], source="test")
    assert names(service) == {"Ada": 1}


@pytest.mark.parametrize("bad", [[0.0, 0, 0], [1.0, 0], [float("nan"), 0, 0], [float("inf"), 1, 1]])
def test_a_vector_without_a_direction_changes_nothing(service: Services, bad: list[float]) -> None:
    with pytest.raises(InvalidEmbedding):
        service.portraits.replace_embeddings("default", "Ada", [[1.0, 0, 0], bad], source="test")
    assert names(service) == {}


def test_names_and_collections_must_be_some(service: Services) -> None:
    with pytest.raises(InvalidRequest):
        service.portraits.replace("default", " ", pictures(png(RED)))
    with pytest.raises(NotFound):
        service.portraits.replace("nowhere", "Ada", pictures(png(RED)))
    assert service.collections.status().faces == 0
