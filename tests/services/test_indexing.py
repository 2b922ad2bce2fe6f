from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from faceserver.errors import Busy, NotAnImage, NotFound
from faceserver.lifecycle import Services
from faceserver.services.choosing import Candidate
from faceserver.services.indexing import Indexed
from faceserver.services.known import Known
from faceserver.services.outcomes import NewPicture
from faceserver.store import Options, open_store
from faceserver.store.pictures.kept import Keep
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.services.test_facade import BLUE, GREEN, RED, png
from tests.support.fakes import ColourDetector, ColourEmbedder
from tests.support.services import add_picture, make_services

Made = Callable[[Keep], Services]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Made]:
    with closing(_Opened()) as opened:
        yield lambda keep: opened.open(tmp_path, keep)


class _Opened:
    def __init__(self) -> None:
        self._all: list[Services] = []

    def open(self, folder: Path, keep: Keep) -> Services:
        embedder = ColourEmbedder()
        store = open_store(
            folder, model=embedder.name, dims=embedder.dims, options=Options(keep=keep)
        )
        analyzers = AnalyzerPool(Analyzer(ColourDetector(), embedder))
        self._all.append(make_services(folder, analyzers, store, store.pictures))
        return self._all[-1]

    def close(self) -> None:
        for each in self._all:
            each.close()


@pytest.fixture
def services(make: Made) -> Services:
    return make("originals")


def only(*places: int) -> Callable[[Sequence[Candidate]], list[list[str]]]:
    """Chooses the faces at these places."""
    return lambda faces: [[] if place in places else ["no"] for place in range(len(faces))]


def index(services: Services, data: bytes, *places: int, external_id: str | None = None) -> Indexed:
    picture = NewPicture("a", lambda: data, external_id=external_id, attributes=("pose",))
    return services.indexing.add("default", picture, only(*places))


def test_the_chosen_faces_are_stored_and_the_others_are_told(services: Services) -> None:
    found = index(services, png(RED, GREEN, BLUE), 0, 2)
    assert found.picture.chosen == [0, 2]
    assert found.picture.reasons == ((), ("no",), ())
    assert [face.detection.box.x1 for face in found.stored] == [0, 32]
    assert services.collections.status().faces == 2


def test_a_face_has_the_same_id_whichever_others_are_chosen(services: Services) -> None:
    blue = index(services, png(RED, BLUE), 1).stored[0]
    assert [face.id for face in index(services, png(RED, BLUE), 0, 1).stored][1] == blue.id
    (red, again) = add_picture(services, png(RED, BLUE)).faces
    assert again.id == blue.id
    assert services.collections.status().faces == 2
    assert red.id != blue.id


@pytest.mark.parametrize("keep", ["originals", "crops", "nothing"])
def test_the_size_of_the_picture_is_known_whatever_is_kept(make: Made, keep: Keep) -> None:
    services = make(keep)
    (face,) = index(services, png(RED, GREEN), 0).stored
    assert services.faces.picture_size(services.faces.get("default", face.id)) == (32, 16)
    assert "pose_yaw" in face.attributes
    assert (face.picture is None, face.crop is None) == (keep != "originals", keep != "crops")


def test_the_size_of_other_pictures_is_that_of_what_is_kept(services: Services) -> None:
    (face,) = add_picture(services, png(RED)).faces
    assert services.faces.picture_size(face) == (16, 16)
    assert face.picture is not None
    services.faces.delete("default", face.id)
    assert services.faces.picture_size(face) is None


def test_where_none_is_chosen_nothing_is_left_behind(services: Services) -> None:
    found = index(services, png(RED))
    assert (found.stored, found.picture.reasons) == ((), (("no",),))
    assert services.collections.status().faces == 0
    assert not list(services.context.pictures.names())


def test_what_is_said_last_counts(services: Services) -> None:
    index(services, png(RED), 0, external_id="old")
    (face,) = index(services, png(RED), 0, external_id="new").stored
    assert face.external_id == "new"
    (face,) = index(services, png(RED), 0).stored
    assert face.external_id == "new"


def test_errors(services: Services) -> None:
    with pytest.raises(NotAnImage):
        index(services, b"no picture", 0)
    with pytest.raises(NotFound):
        services.indexing.add("none", NewPicture.of_bytes("a", png(RED)), only(0))


def test_people_and_faces_that_are_gone_are_passed_over(services: Services) -> None:
    ann = services.people.add("default", "Ann")
    (face,) = add_picture(services, png(RED)).faces
    none = "0" * 32
    assert services.people.some("default", [none, ann.id]) == [ann]
    assert [each.id for each in services.faces.some("default", [face.id, none, face.id])] == [
        face.id
    ]


def test_faces_that_are_deleted_meanwhile_are_no_missing_collection(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    (face,) = index(services, png(RED), 0, external_id="old").stored
    compare = Known.compare

    def delete_first(known: Known, *args: Any, **options: Any) -> Any:
        services.faces.delete("default", face.id)
        return compare(known, *args, **options)

    monkeypatch.setattr(Known, "compare", delete_first)
    with pytest.raises(Busy):
        index(services, png(RED), 0, external_id="new")
