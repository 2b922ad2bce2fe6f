"""Who may be the same person, and what is of no interest, through the package's own client."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid4

import numpy as np
import pytest

from faceserver.api.suggestions import Suggestion
from faceserver.client import ApiError, Client, every
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png

RED_TOO, PINK_TOO = (220, 11, 11), (220, 36, 36)


def add(client: Client, *tiles: tuple[int, int, int]) -> list[UUID]:
    return [face.id for face in client.add_faces("default", png(*tiles)).faces]


def person(client: Client, name: str, *tiles: tuple[int, int, int]) -> UUID:
    made = client.create_subject("default", name=name).id
    for tile in tiles:
        client.add_faces("default", png(tile), subject=made)
    return made


def names(found: Sequence[Suggestion]) -> list[set[str]]:
    pairs = [(pair.one.person, pair.other.person) for pair in found]
    return [{side.name for side in pair if side} for pair in pairs]


def people_alike(client: Client) -> list[set[str]]:
    return names(list(every(partial(client.list_suggestions, "default"), limit=1)))


def test_two_names_for_one_person_are_suggested_once(client: Client) -> None:
    person(client, "Ann", RED, RED_TOO)
    person(client, "Anna", PINK)
    person(client, "Bob", GREEN)
    person(client, "Nobody's face")
    (pair,) = client.list_suggestions("default").items
    assert names([pair]) == [{"Ann", "Anna"}]
    assert people_alike(client) == [{"Ann", "Anna"}]
    assert (pair.one.ids, len(pair.one.faces), pair.distance < 0.1) == ((), 1, True)
    assert pair.similarity is not None


def test_a_refused_pair_is_never_suggested_again(client: Client) -> None:
    ann, anna = person(client, "Ann", RED), person(client, "Anna", PINK)
    (pair,) = client.list_suggestions("default").items
    one, other = pair.one.faces[0].id, pair.other.faces[0].id
    refused = client.refuse_suggestion("default", one, other)
    assert set(refused.faces) == {one, other}
    assert client.refuse_suggestion("default", other, one).id == refused.id
    assert client.list_suggestions("default").items == ()
    client.add_faces("default", png(PINK_TOO), subject=anna)
    assert client.list_suggestions("default").items == ()
    third = person(client, "Third", GREEN)
    merge = client.merge_subject("default", ann, into=third)
    client.undo_merge("default", merge.id)
    assert client.list_suggestions("default").items == ()

    assert client.list_refused_suggestions("default").items == (refused,)
    assert client.undo_refused_suggestion("default", refused.id).id == refused.id
    assert people_alike(client) == [{"Ann", "Anna"}]
    with pytest.raises(ApiError) as error:
        client.undo_refused_suggestion("default", refused.id)
    assert error.value.code == "not_found"


def test_a_refusal_follows_its_person_into_a_merge(client: Client) -> None:
    ann, anna = person(client, "Ann", RED), person(client, "Anna", PINK)
    faces = [client.get_subject("default", each).cover for each in (ann, anna)]
    assert faces[0] is not None
    assert faces[1] is not None
    client.refuse_suggestion("default", faces[0], faces[1])
    other = person(client, "Ann Lee", RED_TOO)
    assert people_alike(client) != []
    client.merge_subject("default", ann, into=other)
    assert people_alike(client) == []


def test_nobody_is_suggested_who_is_hidden_or_in_the_same_picture(client: Client) -> None:
    ann, anna = person(client, "Ann", RED), person(client, "Anna", PINK)
    client.change_subject("default", anna, hidden=True)
    assert people_alike(client) == []
    client.change_subject("default", anna, hidden=False)
    assert people_alike(client) == [{"Ann", "Anna"}]
    one, other = add(client, RED_TOO, PINK_TOO)
    client.move_faces("default", [one], ann)
    client.move_faces("default", [other], anna)
    assert people_alike(client) == []


def test_what_cannot_be_refused(client: Client) -> None:
    person(client, "Ann", RED, PINK)
    faces = [face.id for face in client.list_faces("default").items]
    for pair, code in (
        ((faces[0], faces[0]), "invalid_request"),
        ((faces[0], faces[1]), "invalid_request"),
        ((faces[0], uuid4()), "not_found"),
    ):
        with pytest.raises(ApiError) as error:
            client.refuse_suggestion("default", *pair)
        assert error.value.code == code
    refusal = client.refuse_face("default", person(client, "Bob"), faces[0])
    with pytest.raises(ApiError) as error:
        client.undo_refused_suggestion("default", refusal.id)
    assert error.value.code == "not_found"


def embedded(client: Client, angle: float, height: float = 0.0) -> UUID:
    """A face in a direction of the red-green plane, or above it."""
    vector = np.array([np.cos(angle), np.sin(angle), height])
    unit = (vector / np.linalg.norm(vector)).tolist()
    return client.add_embedding("default", unit, model="colour").faces[0].id


def test_near_groups_are_suggested_until_they_are_refused(client: Client) -> None:
    # Each is wide: on average they are farther apart than the threshold, their middles are not.
    one, other = ({embedded(client, angle, side) for side in (-0.13, 0.13)} for angle in (0, 0.29))
    groups = client.group_unnamed("default").people
    assert {frozenset(group.ids) for group in groups} == {frozenset(one), frozenset(other)}
    listed = partial(client.list_suggestions, "default", among="unnamed")
    (pair,) = listed().items
    assert {frozenset(pair.one.ids), frozenset(pair.other.ids)} == {
        frozenset(one),
        frozenset(other),
    }
    assert (pair.one.person, pair.other.person, pair.distance < 0.1) == (None, None, True)
    refused = client.refuse_suggestion("default", pair.one.faces[0].id, pair.other.faces[0].id)
    assert listed().items == ()
    client.undo_refused_suggestion("default", refused.id)
    assert len(listed().items) == 1
    client.hide_unnamed("default", list(one))
    assert listed().items == ()


def test_groups_that_are_hidden_are_shown_on_request(client: Client) -> None:
    red, green = add(client, RED, GREEN)
    group = partial(client.group_unnamed, "default", min_size=0)
    assert client.hide_unnamed("default", [red, red, uuid4()]).faces == 1
    found = group()
    assert (found.groups, found.hidden) == (1, 1)
    assert [(each.ids, each.hidden) for each in found.people] == [((green,), False)]
    (pink,) = add(client, PINK)  # somebody of no interest stays so
    found = group(hidden=True)
    assert (found.groups, found.hidden) == (2, 1)
    assert {frozenset(each.ids) for each in found.people if each.hidden} == {frozenset({red, pink})}
    (probe,) = client.search("default", png(RED)).probes
    assert probe.matches[0].face.id == red
    client.hide_unnamed("default", [red, pink])
    assert client.hide_unnamed("default", [red, pink], hidden=False).faces == 2
    assert (group().groups, group().hidden) == (2, 0)
    with pytest.raises(ApiError) as error:
        client.hide_unnamed("default", [])
    assert error.value.code == "invalid_request"


def test_tiny_and_blurred_faces_make_no_likely_people(client: Client) -> None:
    add(client, RED, BLUE)  # 16 pixels
    found = client.group_unnamed("default")
    assert (found.examined, found.left_out, found.groups) == (0, 2, 0)
    found = client.group_unnamed("default", min_size=16)
    assert (found.examined, found.left_out, found.groups) == (2, 0, 2)
    embedded(client, 0.5)  # of no picture
    assert client.group_unnamed("default").groups == 1


def test_nobody_hidden_is_offered_as_a_lookalike(client: Client) -> None:
    ann, bob = person(client, "Ann", RED), person(client, "Bob", PINK_TOO)
    (red,) = add(client, RED_TOO)
    group = partial(client.group_unnamed, "default", min_size=0)
    lookalike = group().people[0].lookalike
    assert lookalike is not None
    assert lookalike.person.name == "Ann"
    client.change_subject("default", ann, hidden=True)
    lookalike = group().people[0].lookalike
    assert lookalike is not None
    assert lookalike.person.name == "Bob"
    cover = client.get_subject("default", bob).cover
    assert cover is not None
    client.refuse_suggestion("default", red, cover)
    assert group().people[0].lookalike is None
