"""Subjects: added, listed, renamed, merged, deleted."""

import pytest

from faceserver.lifecycle import Services
from tests.services.test_facade import BLUE, RED
from tests.web.compat.compreface.conftest import ComprefaceClient

SUBJECTS = "/recognition/subjects"


def listed(compreface: ComprefaceClient) -> list[str]:
    names: list[str] = compreface.json("GET", SUBJECTS)["subjects"]
    return names


def add(compreface: ComprefaceClient, *names: str) -> None:
    for name in names:
        answer = compreface.json("POST", SUBJECTS, status=201, json={"subject": name})
        assert answer == {"subject": name}


def rename(compreface: ComprefaceClient, old: str, new: str) -> object:
    body = {"subject": new, "api_endpoint": old}
    return compreface.json("PUT", f"{SUBJECTS}/{old}", json=body)


def test_they_are_listed_in_their_order(compreface: ComprefaceClient) -> None:
    assert listed(compreface) == []
    add(compreface, "Zoë Ängström", "Ann", "O'Neil #1?")
    assert listed(compreface) == ["Zoë Ängström", "Ann", "O'Neil #1?"]


def test_renaming(compreface: ComprefaceClient) -> None:
    add(compreface, "Ann", "Bob")
    assert rename(compreface, "ann", "Anna") == {"updated": True}
    assert listed(compreface) == ["Anna", "Bob"]


def test_the_same_spelling_is_no_change_whether_it_exists_or_not(
    compreface: ComprefaceClient,
) -> None:
    add(compreface, "Ann")
    assert rename(compreface, "Ann", "Ann") == {"updated": False}
    assert rename(compreface, "nobody", "nobody") == {"updated": False}


def test_another_case_is_a_new_name(compreface: ComprefaceClient) -> None:
    add(compreface, "ann")
    assert rename(compreface, "ann", "Ann") == {"updated": True}
    assert listed(compreface) == ["Ann"]


def test_renaming_to_somebody_else_merges(compreface: ComprefaceClient, service: Services) -> None:
    compreface.add("Ann", RED)
    compreface.add("Bob", BLUE)
    assert rename(compreface, "Ann", "BOB") == {"updated": True}
    assert listed(compreface) == ["Bob"]
    faces = compreface.json("GET", "/recognition/faces?subject=Bob")["faces"]
    assert len(faces) == 2
    (merge,) = service.people.merges("default")
    assert service.people.undo("default", merge.id).name == "Ann"


@pytest.mark.parametrize("spelt", ["Ann", "ANN", "%20Ann", "Ann/"])
def test_deleting_one(compreface: ComprefaceClient, spelt: str) -> None:
    compreface.add("Ann", RED)
    add(compreface, "Bob")
    assert compreface.json("DELETE", f"{SUBJECTS}/{spelt}") == {"subject": "Ann"}
    assert listed(compreface) == ["Bob"]
    assert compreface.json("GET", "/recognition/faces")["faces"] == []


def test_a_name_with_a_slash_has_an_address(compreface: ComprefaceClient) -> None:
    compreface.add("Ann/Bob", RED)
    assert compreface.json("DELETE", f"{SUBJECTS}/Ann%2FBob") == {"subject": "Ann/Bob"}


def test_deleting_all(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    add(compreface, "Bob")
    assert compreface.json("DELETE", SUBJECTS) == {"deleted": 2}
    assert listed(compreface) == []
    assert compreface.json("GET", "/recognition/faces")["total_elements"] == 0
