"""What happens to a use case while a collection changes its model, or is deleted."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import ModelChanged, NotFound, StoreMismatch
from faceserver.lifecycle import Services
from faceserver.services.context import LARGEST
from faceserver.services.searching import Person, SearchQuery
from faceserver.store.base import Collection
from faceserver.types import Floats
from tests.services.test_facade import GREEN, RED, png
from tests.support.services import add_picture
from tests.web.v1.conftest import make_service

UNIT: Floats = np.array([1, 0, 0], np.float32)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Services]:
    with closing(make_service(tmp_path)) as made:
        yield made


def test_it_is_done_anew_where_the_model_was_switched(service: Services) -> None:
    store = service.context.store
    seen: list[str] = []

    def act(collection: Collection) -> str:
        service.context.analyzer_of(collection)
        seen.append(collection.model)
        if len(seen) == 1:
            store.change_model("default", model="other", dims=3).finish()
        collection.count()
        return collection.get("0" * 32).id

    with pytest.raises(StoreMismatch, match="other"):
        service.context.on("default", act)
    assert seen == ["colour"]


def test_a_switch_that_did_not_happen_is_told(service: Services) -> None:
    def act(_: Collection) -> None:
        raise ModelChanged("so it says")

    with pytest.raises(ModelChanged):
        service.context.on("default", act)


def test_a_collection_of_an_unknown_model_is_described(service: Services) -> None:
    service.context.store.create("foreign", model="other", dims=7)
    described = service.collections.describe("foreign")
    assert (described.status.model, described.threshold) == ("other", None)
    with pytest.raises(StoreMismatch):
        service.searching.by_embedding("foreign", [1.0], SearchQuery(), model="other")
    assert service.collections.delete("foreign").collections == ("foreign",)


def test_a_list_passes_over_what_was_deleted_meanwhile(service: Services) -> None:
    service.collections.create("staff")
    found = service.collections.describe_some(["default", "gone", "staff"])
    assert [item.status.name for item in found] == ["default", "staff"]


def test_nothing_is_kept_of_a_picture_whose_person_is_missing(
    service: Services, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        add_picture(service, png(RED), subject="0" * 32)
    assert not list(tmp_path.rglob("*.jpg"))


def test_a_face_and_the_name_of_its_person_are_of_one_moment(
    service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = service.context.store.collection("default")
    ann = people.add_subject("Ann")
    add_picture(service, png(RED), subject=ann.id)

    def gone(subject_id: str) -> None:
        raise NotFound(subject_id)

    monkeypatch.setattr(people, "subject", gone)  # deleted after the search
    (probe,) = service.searching.by_picture(
        "default", png(RED, GREEN), SearchQuery(), choice=LARGEST
    ).probes
    assert probe.verdict.answer == "known"
    assert probe.hits[0].person == Person(ann.id, "Ann")


def test_a_kept_crop_is_given_as_it_is(service: Services) -> None:
    service.context.pictures.keep = "crops"
    (face,) = add_picture(service, png(RED)).faces
    assert face.picture is None
    assert face.crop
    kept = service.context.pictures.read(face.crop)
    assert service.faces.crop("default", face.id) == kept
