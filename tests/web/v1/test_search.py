"""Who is it? Verdicts, margins, groups and filters."""

from uuid import UUID

import numpy as np
import pytest
from flask.testing import FlaskClient

from faceserver.api.faces import SearchFilter
from faceserver.client import ApiError, Client
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png


def turned(degrees: float) -> list[float]:
    """A unit vector in the plane; the squared distance of two is 2 - 2 cos of their angle."""
    angle = np.radians(degrees)
    return [float(np.cos(angle)), float(np.sin(angle)), 0.0]


def person(client: Client, name: str, *degrees: float) -> UUID:
    subject = client.create_subject("default", name=name).id
    for angle in degrees:
        face(client, angle, subject)
    return subject


def face(client: Client, degrees: float, subject: UUID | None = None) -> UUID:
    added = client.add_embedding("default", turned(degrees), model="colour", subject=subject)
    return added.faces[0].id


def test_nobody_is_known_in_an_empty_gallery(client: Client) -> None:
    answer = client.search("default", png(RED))
    assert (answer.threshold, answer.margin, answer.model) == (0.1, 0.05, "colour")
    (probe,) = answer.probes
    assert (probe.verdict.answer, probe.verdict.best, probe.matches) == ("unknown", None, ())


def test_every_face_of_a_picture_has_its_own_matches(client: Client) -> None:
    client.add_faces("default", png(RED))
    client.add_faces("default", png(GREEN))
    answer = client.search("default", png(PINK, BLUE, GREEN))
    assert [probe.verdict.answer for probe in answer.probes] == ["known", "unknown", "known"]
    assert [len(probe.matches) for probe in answer.probes] == [1, 0, 1]
    assert answer.probes[1].detection
    assert answer.probes[1].detection.box.x1 == 16
    assert len(client.search("default", png(PINK, BLUE), faces="largest").probes) == 1
    assert len(client.search("default", "https://faces.example/red").probes) == 1


def test_one_person_under_the_threshold_is_known(client: Client) -> None:
    ann, ben = person(client, "Ann", 0), person(client, "Ben", 60)
    (probe,) = client.search_embedding("default", turned(3), model="colour").probes
    verdict = probe.verdict
    assert verdict.answer == "known"
    assert verdict.best
    assert verdict.best.person
    assert (verdict.best.person.id, verdict.best.person.name) == (ann, "Ann")
    assert verdict.next
    assert verdict.next.id == ben
    expected = 2 * (np.cos(np.radians(3)) - np.cos(np.radians(57)))
    assert verdict.margin == pytest.approx(expected, abs=1e-4)
    assert verdict.best.similarity == pytest.approx(
        1 / (1 + np.exp(20 * (0.00274 - 0.1))), abs=1e-3
    )


def test_two_people_within_the_margin_are_ambiguous(client: Client) -> None:
    person(client, "Ann", 0)
    person(client, "Ben", 10)
    near = turned(5.5)
    assert client.search_embedding("default", near, model="colour").probes[0].verdict.answer == (
        "ambiguous"
    )
    sure = client.search_embedding("default", near, model="colour", margin=0.0)
    assert sure.probes[0].verdict.answer == "known"
    assert sure.margin == 0


def test_two_faces_of_one_person_are_not_ambiguous(client: Client) -> None:
    person(client, "Ann", 0, 10)
    face(client, 5)
    (probe,) = client.search_embedding("default", turned(5.5), model="colour").probes
    assert (probe.verdict.answer, probe.verdict.next, probe.verdict.margin) == ("known", None, None)


def test_people_are_found_behind_faces_of_nobody(client: Client) -> None:
    for step in range(20):
        face(client, 5 + step / 100)
    person(client, "Ann", 0)
    person(client, "Ben", 10)
    (probe,) = client.search_embedding("default", turned(5), model="colour", k=3).probes
    assert probe.verdict.answer == "ambiguous"
    assert probe.verdict.best
    assert probe.verdict.best.person is None
    assert len(probe.matches) == 3


def test_two_people_beyond_the_threshold_are_unknown(client: Client) -> None:
    person(client, "Ann", 40)
    person(client, "Ben", 41)
    (probe,) = client.search_embedding("default", turned(0), model="colour").probes
    assert probe.verdict.answer == "unknown"
    assert probe.verdict.margin is not None


def test_grouped_matches_are_people(client: Client) -> None:
    ann = person(client, "Ann", 0, 2, 4)
    person(client, "Ben", 9)
    (probe,) = client.search_embedding("default", turned(0), model="colour", grouped=True).probes
    assert [(match.person.name, match.faces) for match in probe.matches if match.person] == [
        ("Ann", 3),
        ("Ben", 1),
    ]
    (plain,) = client.search_embedding("default", turned(0), model="colour").probes
    assert [match.faces for match in plain.matches] == [1, 1, 1, 1]
    assert plain.matches[0].face.subject == ann


def test_filters_narrow_the_search(client: Client) -> None:
    ann, ben = person(client, "Ann", 0), person(client, "Ben", 1)
    client.change_subject("default", ben, tags=["staff"])
    for only in (SearchFilter(subject=ben), SearchFilter(tags=("staff",))):
        answer = client.search_embedding("default", turned(0), model="colour", only=only)
        assert [match.face.subject for match in answer.probes[0].matches] == [ben]
    client.add_faces("default", png(RED), subject=ann, external_id="e-1")
    answer = client.search("default", png(RED), only=SearchFilter(external_id="e-1"), k=5)
    assert [match.face.subject for match in answer.probes[0].matches] == [ann]


def test_k_and_threshold_bound_the_matches(client: Client) -> None:
    for step in range(15):
        face(client, step / 10)
    few = client.search_embedding("default", turned(0), model="colour", k=3)
    assert len(few.probes[0].matches) == 3
    many = client.search_embedding("default", turned(0), model="colour", k=10_000)
    assert len(many.probes[0].matches) == 10  # the setting's limit
    none = client.search_embedding("default", turned(90), model="colour", threshold=0.01)
    assert none.probes[0].matches == ()
    assert none.threshold == 0.01


def test_a_stored_face_does_not_find_itself(client: Client) -> None:
    ann = person(client, "Ann", 0, 3)
    ben = person(client, "Ben", 9)
    probe_face = face(client, 1)
    (probe,) = client.search_face("default", probe_face).probes
    assert probe_face not in [match.face.id for match in probe.matches]
    own = client.list_faces("default", subject=ann).items[0].id
    (probe,) = client.search_face("default", own, grouped=True).probes
    people = [(match.person.id if match.person else None, match.faces) for match in probe.matches]
    assert people == [(None, 1), (ann, 1), (ben, 1)]
    alone = client.list_faces("default", subject=ben).items[0].id
    (probe,) = client.search_face("default", alone, grouped=True).probes
    assert [match.person.id for match in probe.matches if match.person] == [ann]


def test_an_unknown_face_or_collection_is_not_found(client: Client) -> None:
    known = face(client, 0)
    client.delete_face("default", known)
    for collection in ("default", "nowhere"):
        with pytest.raises(ApiError) as error:
            client.search_face(collection, known)
        assert error.value.code == "not_found"
    with pytest.raises(ApiError) as error:
        client.search("default", png((0, 0, 0)))
    assert error.value.code == "no_face"


def test_a_whole_number_is_one_however_json_writes_it(client: Client, http: FlaskClient) -> None:
    face(client, 0)
    body = {"embedding": turned(0), "model": "colour"}
    for k, status in ((1.0, 200), (1.5, 400), ("1", 400), (True, 400)):
        answer = http.post("/v1/collections/default/search", json={**body, "k": k})
        assert answer.status_code == status, k
