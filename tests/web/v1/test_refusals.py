"""Not this person: what was refused as a match is never answered so again, nor is what is near."""

from contextlib import closing
from functools import partial
from uuid import UUID, uuid4

import pytest

from faceserver.api.faces import SearchFilter
from faceserver.client import ApiError, Client, every
from faceserver.config import Settings
from faceserver.lifecycle import Services
from faceserver.services.found import SearchQuery
from tests.services.test_facade import BLACK, BLUE, GREEN, PINK, RED, png
from tests.web.v1.conftest import make_service
from tests.web.v1.test_search import face, person, turned


def answer(client: Client, degrees: float, **options: object) -> tuple[str, list[str]]:
    """The verdict on a probe, and who is answered."""
    (probe,) = client.search_embedding(
        "default",
        turned(degrees),
        model="colour",
        **options,  # type: ignore[arg-type]
    ).probes
    return probe.verdict.answer, [match.person.name for match in probe.matches if match.person]


def refuse(client: Client, subject: UUID, degrees: float) -> UUID:
    return client.refuse_embedding("default", subject, turned(degrees), model="colour").id


def test_a_refused_face_is_never_answered_for_that_person_again(client: Client) -> None:
    ann = person(client, "Ann", 0, 1)
    assert answer(client, 8) == ("known", ["Ann", "Ann"])
    refuse(client, ann, 8)
    assert answer(client, 8) == ("unknown", [])
    assert answer(client, 8, grouped=True) == ("unknown", [])
    assert answer(client, 8, only=SearchFilter(subject=ann)) == ("unknown", [])


def test_it_counts_near_the_refused_face_and_not_near_the_persons_own(client: Client) -> None:
    ann = person(client, "Ann", 0)
    refuse(client, ann, 8)
    assert answer(client, 7) == ("unknown", [])
    assert answer(client, 12) == ("unknown", [])
    assert answer(client, 3) == ("known", ["Ann"])
    assert answer(client, -8) == ("known", ["Ann"])


def test_the_next_person_is_answered_instead(client: Client) -> None:
    ann = person(client, "Ann", 0)
    person(client, "Ben", 12)
    assert answer(client, 5) == ("ambiguous", ["Ann", "Ben"])
    refuse(client, ann, 5)
    assert answer(client, 5) == ("known", ["Ben"])
    assert answer(client, 5, k=1) == ("known", ["Ben"])


def test_a_wide_threshold_lets_no_refusal_reach_farther_than_a_person_does(client: Client) -> None:
    ann = person(client, "Ann", 0)
    refuse(client, ann, 40)
    assert answer(client, 70, threshold=4) == ("known", ["Ann"])
    assert answer(client, 40, threshold=4) == ("unknown", [])


def test_a_stored_face_that_shows_the_person_shows_nobody_then(client: Client) -> None:
    ann = person(client, "Ann", 0)
    wrong = face(client, 6, ann)
    made = client.refuse_face("default", ann, wrong)
    assert (made.subject, made.face, made.unnamed) == (ann, wrong, True)
    assert client.get_face("default", wrong).subject is None
    assert answer(client, 6) == ("known", [])  # the face itself is found, as nobody's
    (probe,) = client.search_face("default", wrong).probes
    assert probe.verdict.answer == "unknown"
    client.undo_refusal("default", made.id)
    assert client.get_face("default", wrong).subject == ann
    assert answer(client, 6)[1] == ["Ann", "Ann"]


def test_naming_a_refused_face_takes_the_refusal_back(client: Client) -> None:
    ann = person(client, "Ann", 0)
    other = face(client, 6)
    client.refuse_face("default", ann, other)
    client.move_face("default", other, ann)
    assert client.list_refusals("default").items == ()
    assert answer(client, 6)[1] == ["Ann", "Ann"]


def test_a_face_that_somebody_else_shows_stays_theirs(client: Client) -> None:
    ann, ben = person(client, "Ann", 0), person(client, "Ben", 10)
    (of_ben,) = client.list_faces("default", subject=ben).items
    made = client.refuse_face("default", ann, of_ben.id)
    assert made.unnamed is False
    client.undo_refusal("default", made.id)
    assert client.get_face("default", of_ben.id).subject == ben


def test_two_people_made_one_are_that_whatever_was_refused(client: Client) -> None:
    ann, ben = person(client, "Ann", 0), person(client, "Ben", 10)
    (of_ben,) = client.list_faces("default", subject=ben).items
    client.refuse_face("default", ann, of_ben.id)
    assert answer(client, 10)[1] == ["Ben"]
    merge = client.merge_subject("default", ann, into=ben)
    assert answer(client, 10)[1] == ["Ben", "Ben"]
    (refusal,) = client.list_refusals("default").items
    assert refusal.subject == ben
    client.undo_merge("default", merge.id)
    (refusal,) = client.list_refusals("default").items
    assert refusal.subject == ann
    assert answer(client, 10)[1] == ["Ben"]


def test_a_picture_is_refused_and_not_stored(client: Client) -> None:
    ann = client.create_subject("default", name="Ann").id
    client.add_faces("default", png(RED), subject=ann)
    assert client.search("default", png(PINK)).probes[0].verdict.answer == "known"
    made = client.refuse_subject("default", ann, png(PINK))
    assert (made.face, made.unnamed) == (None, False)
    assert client.search("default", png(PINK)).probes[0].verdict.answer == "unknown"
    assert client.search("default", png(RED)).probes[0].verdict.answer == "known"
    assert len(client.list_faces("default").items) == 1
    client.refuse_subject("default", ann, png(BLUE, GREEN), faces="largest")
    client.refuse_subject("default", ann, "https://faces.example/red")
    assert client.search("default", png(RED)).probes[0].verdict.answer == "unknown"


def test_what_is_refused_twice_is_remembered_once(client: Client) -> None:
    ann, ben = person(client, "Ann", 0), person(client, "Ben", 90)
    stored = face(client, 5)
    assert refuse(client, ann, 5) == refuse(client, ann, 5)
    by_face = client.refuse_face("default", ann, stored).id
    assert client.refuse_face("default", ann, stored).id == by_face
    assert len(client.list_refusals("default", subject=ann).items) == 2
    refuse(client, ben, 5)
    pages = partial(client.list_refusals, "default")
    assert [item.subject for item in every(pages, limit=1)] == [ann, ann, ben]


def test_groups_of_unnamed_faces_are_not_likened_to_who_was_refused(client: Client) -> None:
    ann = person(client, "Ann", 0)
    unnamed = [face(client, degrees) for degrees in (5, 6, 7)]
    (group,) = client.group_unnamed("default", min_size=0).people
    assert group.lookalike
    assert group.lookalike.person.id == ann
    client.refuse_face("default", ann, unnamed[2])
    (group,) = client.group_unnamed("default", min_size=0).people
    assert group.lookalike is None


def test_the_original_protocol_answers_it_no_more_either(client: Client, service: Services) -> None:
    ann = client.create_subject("default", name="Ann").id
    client.add_faces("default", png(RED), subject=ann)
    assert len(service.searching.by_only_face(png(PINK))) == 1
    client.refuse_subject("default", ann, png(PINK))
    assert service.searching.by_only_face(png(PINK)) == []


def test_a_refusal_survives_a_restart(
    service: Services, client: Client, settings: Settings
) -> None:
    ann = person(client, "Ann", 0)
    refuse(client, ann, 8)
    service.close()
    with closing(make_service(settings.data_dir)) as again:
        found = again.refusals.page("default", limit=9, cursor=None)
        assert [item.subject for item in found.items] == [ann.hex]
        searched = again.searching.by_embedding("default", turned(8), SearchQuery(), model="colour")
        assert searched.probes[0].verdict.answer == "unknown"


def test_what_cannot_be_refused_is_told(client: Client) -> None:
    ann = person(client, "Ann", 0)
    for wrong, code in (
        (lambda: client.refuse_face("default", uuid4(), face(client, 1)), "not_found"),
        (lambda: client.refuse_face("default", ann, uuid4()), "not_found"),
        (lambda: client.refuse_face("nowhere", ann, uuid4()), "not_found"),
        (lambda: client.refuse_subject("default", uuid4(), png(RED)), "not_found"),
        (lambda: client.refuse_subject("default", ann, png(RED, BLUE)), "several_faces"),
        (lambda: client.refuse_subject("default", ann, png(BLACK)), "no_face"),
        (lambda: client.refuse_subject("default", ann, b"no picture"), "not_an_image"),
        (
            lambda: client.refuse_embedding("default", ann, turned(1), model="other"),
            "invalid_embedding",
        ),
        (lambda: client.undo_refusal("default", uuid4()), "not_found"),
    ):
        with pytest.raises(ApiError) as error:
            wrong()
        assert error.value.code == code
    assert client.list_refusals("default").items == ()


def test_they_go_with_their_person_and_with_the_collection(client: Client) -> None:
    ann = person(client, "Ann", 0)
    refuse(client, ann, 5)
    client.delete_subject("default", ann)
    assert client.list_refusals("default").items == ()
    refuse(client, person(client, "Ann", 0), 5)
    client.delete_collection("default")
    assert client.list_refusals("default").items == ()
