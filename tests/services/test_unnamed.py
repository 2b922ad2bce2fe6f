"""Faces without a name as likely people."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from faceserver.errors import NotFound
from faceserver.lifecycle import Services
from faceserver.services import unnamed
from faceserver.services.unnamed import Grouping
from faceserver.types import NOWHERE
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png
from tests.support.services import add_picture
from tests.web.v1.conftest import make_service

RED_TOO, PINK_TOO = (220, 11, 11), (220, 35, 35)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Services]:
    with closing(make_service(tmp_path)) as made:
        yield made


def add(service: Services, *tiles: tuple[int, int, int], name: str | None = None) -> list[str]:
    collection = service.context.store.collection("default")
    subject = collection.add_subject(name).id if name else None
    return [face.id for face in add_picture(service, png(*tiles), subject=subject).faces]


def test_they_are_grouped_and_named_people_are_suggested(service: Services) -> None:
    red, green = add(service, RED, GREEN)
    (pink,) = add(service, PINK)
    add(service, GREEN, name="Greta")
    add(service, BLUE, name="Bo")
    found = service.unnamed.group("default", limit=10)
    assert (found.examined, found.is_complete, found.groups) == (3, True, 2)
    reds, greens = found.people
    assert {face.id for face in reds.faces} == {red, pink}
    assert reds.lookalike is None
    assert [face.id for face in greens.faces] == [green]
    assert greens.lookalike is not None
    assert greens.lookalike.person.name == "Greta"
    assert greens.lookalike.distance == pytest.approx(0, abs=1e-3)


def test_only_the_largest_groups_are_told(service: Services) -> None:
    add(service, RED, GREEN)
    add(service, PINK)
    found = service.unnamed.group("default", limit=1)
    assert (found.groups, [len(person.faces) for person in found.people]) == (2, [2])


def test_the_threshold_can_be_another(service: Services) -> None:
    add(service, RED)
    add(service, PINK)
    assert service.unnamed.group("default", limit=10).groups == 1
    assert service.unnamed.group("default", Grouping(threshold=1e-4), limit=10).groups == 2


def test_no_more_than_some_are_examined(service: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unnamed, "MOST_EXAMINED", 2)
    add(service, RED, GREEN, BLUE)
    found = service.unnamed.group("default", limit=10)
    assert (found.examined, found.is_complete) == (2, False)


def test_where_everybody_has_a_name_there_is_nothing(service: Services) -> None:
    add(service, RED, name="Ann")
    found = service.unnamed.group("default", limit=10)
    assert (found.examined, found.groups, found.people) == (0, 0, ())
    with pytest.raises(NotFound):
        service.unnamed.group("nowhere", limit=10)


def test_who_was_deleted_since_is_not_suggested(
    service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(service, RED)
    add(service, PINK, name="Ann")
    collection = service.context.store.collection("default")

    def gone(subject_id: str) -> None:
        raise NotFound(subject_id)

    monkeypatch.setattr(collection, "subject", gone)
    assert service.unnamed.group("default", limit=10).people[0].lookalike is None


@pytest.mark.parametrize("keep", ["originals", "crops", "nothing"])
def test_two_faces_of_one_picture_are_two_people(tmp_path: Path, keep: str) -> None:
    with closing(make_service(tmp_path, keep=keep)) as service:
        red, pink = add(service, RED, PINK)
        (alike,) = add(service, RED_TOO)
        groups = [
            {face.id for face in person.faces}
            for person in service.unnamed.group("default", limit=10).people
        ]
        assert sorted(map(len, groups)) == [1, 2]
        assert {red, alike} in groups
        assert {pink} in groups


def test_who_is_in_the_picture_with_a_face_is_not_that_face(service: Services) -> None:
    red, _ = add(service, RED, PINK)
    ann = service.people.add("default", "Ann")
    service.faces.move("default", red, ann.id)
    (pinks,) = service.unnamed.group("default", limit=10).people
    assert pinks.lookalike is None
    add(service, PINK_TOO, name="Ben")
    (pinks,) = service.unnamed.group("default", limit=10).people
    assert pinks.lookalike is not None
    assert pinks.lookalike.person.name == "Ben"


def test_faces_that_are_small_or_blurred_are_left_out(service: Services) -> None:
    collection = service.context.store.collection("default")
    (red,) = add(service, RED)
    known = collection.get(red)

    def put(**attributes: float) -> str:
        (face,) = collection.add([replace(known, id="", attributes=attributes)])
        return face.id

    blurred, sharp = put(sharpness=0.01), put(sharpness=0.5)
    poor, good = put(quality=0.1, quality_sharpness=0.5), put(quality=0.9, quality_sharpness=0.5)
    smeared = put(quality=0.9, quality_sharpness=0.01)
    nowhere = collection.add([replace(known, id="", detection=NOWHERE)])[0].id

    def grouped(rules: Grouping) -> set[str]:
        found = service.unnamed.group("default", rules, limit=99)
        told = {face.id for person in found.people for face in person.faces}
        assert found.left_out == 7 - len(told) == 7 - found.examined
        return told

    everybody = {red, blurred, sharp, poor, good, smeared, nowhere}
    assert grouped(Grouping()) == everybody
    assert grouped(Grouping(min_size=16)) == everybody
    assert grouped(Grouping(min_size=17)) == {nowhere}
    assert grouped(Grouping(min_sharpness=0.05)) == everybody - {blurred, smeared}
    assert grouped(Grouping(min_quality=0.2)) == everybody - {poor}
