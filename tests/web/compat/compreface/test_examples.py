"""Examples: added, listed, verified, shown, deleted."""

from uuid import UUID, uuid4

import pytest
from flask import Flask

from faceserver import web
from faceserver.config import Settings
from faceserver.lifecycle import Services
from faceserver.services.outcomes import NewPicture
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png
from tests.web.compat.compreface.conftest import Colour, ComprefaceClient, picture

FACES = "/recognition/faces"


def test_an_example_makes_its_subject(compreface: ComprefaceClient) -> None:
    image_id = compreface.add("Ann", RED)
    assert str(UUID(image_id)) == image_id
    assert compreface.json("GET", "/recognition/subjects") == {"subjects": ["Ann"]}


def test_the_first_spelling_stays_and_the_answer_has_the_sent_one(
    compreface: ComprefaceClient,
) -> None:
    compreface.add("Ann", RED)
    compreface.add("ANN", BLUE)
    listed = compreface.json("GET", FACES)["faces"]
    assert [face["subject"] for face in listed] == ["Ann", "Ann"]


def test_the_same_picture_is_one_example_and_goes_to_whom_it_is_said_to_show(
    compreface: ComprefaceClient,
) -> None:
    first, again = compreface.add("Ann", RED), compreface.add("Ann", RED)
    assert first == again
    assert compreface.add("Bob", RED) == first
    assert compreface.json("GET", FACES)["faces"] == [{"image_id": first, "subject": "Bob"}]


def test_an_example_that_was_deleted_can_be_added_again(compreface: ComprefaceClient) -> None:
    image_id = compreface.add("Ann", RED)
    compreface.json("DELETE", f"{FACES}/{image_id}")
    compreface.add("Ann", RED)
    assert compreface.json("GET", FACES)["total_elements"] == 1


def test_a_face_without_a_name_becomes_an_example(
    compreface: ComprefaceClient, service: Services
) -> None:
    service.registering.add("default", NewPicture.of_bytes("a", png(RED)))
    image_id = compreface.add("Ann", RED)
    assert compreface.json("GET", FACES)["faces"] == [{"image_id": image_id, "subject": "Ann"}]


def test_faces_without_a_name_are_left_alone(
    compreface: ComprefaceClient, service: Services
) -> None:
    added = service.registering.add("default", NewPicture.of_bytes("a", png(RED)))
    image_id = str(UUID(added.faces[0].id))
    assert compreface.error("DELETE", f"{FACES}/{image_id}")[:2] == (404, 44)
    assert compreface.error("GET", f"{FACES}/{image_id}/img")[:2] == (404, 44)
    assert compreface.json("POST", f"{FACES}/delete", json=[image_id]) == []
    assert compreface.json("DELETE", FACES) == {"deleted": 0}
    assert service.faces.get("default", added.faces[0].id)


def test_pages(compreface: ComprefaceClient) -> None:
    tiles: list[Colour] = [RED, GREEN, BLUE]
    ids = [compreface.add(name, tile) for name, tile in zip("abb", tiles, strict=True)]
    whole = compreface.json("GET", FACES)
    assert whole == {
        "faces": [
            {"image_id": each, "subject": name} for each, name in zip(ids, "abb", strict=True)
        ],
        "page_number": 0,
        "page_size": 20,
        "total_pages": 1,
        "total_elements": 3,
    }
    second = compreface.json("GET", f"{FACES}?page=1&size=2")
    assert [face["image_id"] for face in second.pop("faces")] == ids[2:]
    assert second == {"page_number": 1, "page_size": 2, "total_pages": 2, "total_elements": 3}
    beyond = compreface.json("GET", f"{FACES}?page=9&size=2&subject=")
    assert (beyond["faces"], beyond["total_elements"]) == ([], 3)


def test_the_subject_of_a_list_is_compared_exactly(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    compreface.add("Bob", BLUE)
    assert compreface.json("GET", f"{FACES}?subject=Ann")["total_elements"] == 1
    for name in ("ANN", "nobody"):
        empty = compreface.json("GET", f"{FACES}?subject={name}")
        assert (empty["faces"], empty["total_elements"], empty["total_pages"]) == ([], 0, 0)


def test_deleting_by_subject(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    compreface.add("Ann", GREEN)
    compreface.add("Bob", BLUE)
    assert compreface.json("DELETE", f"{FACES}?subject=ANN") == {"deleted": 2}
    assert compreface.json("GET", "/recognition/subjects") == {"subjects": ["Bob"]}
    assert compreface.json("DELETE", f"{FACES}?subject=Ann") == {"deleted": 0}


def test_deleting_all(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    compreface.add("Bob", BLUE)
    assert compreface.json("DELETE", FACES) == {"deleted": 2}
    assert compreface.json("GET", "/recognition/subjects") == {"subjects": []}


def test_a_blank_subject_deletes_nothing(compreface: ComprefaceClient) -> None:
    compreface.add("Ann", RED)
    error = compreface.error("DELETE", f"{FACES}?subject=")
    assert error == (400, 26, "Subject name is empty; ")
    assert compreface.json("GET", FACES)["total_elements"] == 1


def test_deleting_one_and_some(compreface: ComprefaceClient) -> None:
    one, two, three = (
        compreface.add(name, tile) for name, tile in (("a", RED), ("b", GREEN), ("c", BLUE))
    )
    assert compreface.json("DELETE", f"{FACES}/{one}") == {"image_id": one, "subject": "a"}
    sent = [two, str(uuid4()), three.upper()]
    assert compreface.json("POST", f"{FACES}/delete", json=sent) == [
        {"image_id": two, "subject": "b"},
        {"image_id": three, "subject": "c"},
    ]
    assert compreface.json("GET", FACES)["faces"] == []
    assert compreface.json("GET", "/recognition/subjects")["subjects"] == ["a", "b", "c"]


def test_verifying_with_an_example(compreface: ComprefaceClient) -> None:
    image_id = compreface.add("Ann", RED)
    path = f"{FACES}/{image_id}/verify?status=true&face_plugins=landmarks"
    answer = compreface.json("POST", path, **picture(PINK, BLUE))
    assert set(answer["plugins_versions"]) == {"detector", "calculator"}
    same, other = answer["result"]
    assert set(same) == {"box", "landmarks", "execution_time", "subject", "similarity"}
    assert (same["subject"], other["subject"]) == ("Ann", "Ann")
    assert same["similarity"] > 0.5 > other["similarity"]


def test_the_picture_of_an_example(
    app: Flask, settings: Settings, compreface: ComprefaceClient
) -> None:
    image_id = compreface.add("Ann", RED)
    shown = compreface.send("GET", f"{FACES}/{image_id}/img")
    assert (shown.status_code, shown.mimetype) == (200, "application/octet-stream")
    assert shown.headers["Cache-Control"] == "private, max-age=31536000"
    path = f"/api/v1/static/{compreface.key}/images/{image_id}"
    linked = app.test_client().get(f"/as/compreface{path}", buffered=True)
    assert linked.data == shown.data
    assert linked.data.startswith(b"\xff\xd8")
    assert linked.headers["Cache-Control"] == "public, max-age=31536000"
    log = next(settings.data_dir.glob("audit*")).read_text(encoding="utf-8")
    assert image_id in log
    assert compreface.key not in log


@pytest.mark.parametrize("path", [f"{FACES}/{{}}/img", "/static/{key}/images/{}"])
def test_a_picture_that_is_not_there(compreface: ComprefaceClient, path: str) -> None:
    missing = str(uuid4())
    error = compreface.error("GET", path.format(missing, key=compreface.key))
    assert error == (404, 44, f"Image {missing} not found")


def test_a_key_of_one_collection_works_there(
    app: Flask, compreface: ComprefaceClient, service: Services
) -> None:
    service.collections.create("family")
    keys = web.gate_of(app).keys
    _, compreface.key = keys.create("family", "write", "family", kind="uuid")
    compreface.add("Ann", RED)
    assert service.people.page("default", limit=9).items == ()
    assert [person.name for person in service.people.every("family")] == ["Ann"]
    assert compreface.json("POST", "/recognition/recognize", **picture(RED))["result"][0][
        "subjects"
    ]
