"""What the pages for people, jobs, status and keys ask for, through the package's own client."""

from functools import partial
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from faceserver.api.gallery import SubjectOrder
from faceserver.client import ApiError, Client, every
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png


def add(client: Client, *tiles: tuple[int, int, int]) -> list[UUID]:
    return [face.id for face in client.add_faces("default", png(*tiles)).faces]


def test_people_are_found_by_a_part_of_their_name(client: Client) -> None:
    for name, tags in (("Ann Lee", ("t",)), ("Bob", ("t",)), ("Leeroy", ())):
        client.create_subject("default", name=name, tags=tags)
    found = partial(client.list_subjects, "default", called="lee")
    assert [person.name for person in every(found, limit=1)] == ["Ann Lee", "Leeroy"]
    assert [
        person.name for person in client.list_subjects("default", called="LEE", tag=["t"]).items
    ] == ["Ann Lee"]
    assert client.list_subjects("default", called="%").items == ()


def test_a_person_has_a_cover(client: Client) -> None:
    ann = client.create_subject("default", name="Ann")
    assert ann.cover is None
    first, second = add(client, RED, PINK)
    assert client.move_faces("default", [second, first], ann.id).moved == 2
    assert client.get_subject("default", ann.id).cover == first
    client.delete_face("default", first)
    assert client.get_subject("default", ann.id).cover == second


def test_a_cover_is_chosen_and_given_up(client: Client) -> None:
    ann = client.create_subject("default", name="Ann")
    first, second, stranger = *add(client, RED, PINK), *add(client, BLUE)
    client.move_faces("default", [first, second], ann.id)
    chosen = client.change_subject("default", ann.id, cover=second)
    assert (chosen.cover, chosen.cover_chosen) == (second, True)
    assert client.change_subject("default", ann.id, name="Anna").cover == second
    with pytest.raises(ApiError) as error:
        client.change_subject("default", ann.id, cover=stranger)
    assert error.value.code == "not_found"
    best = client.change_subject("default", ann.id, cover="best")
    assert (best.cover, best.cover_chosen) == (first, False)


def test_people_are_counted_sorted_and_hidden(client: Client) -> None:
    names = ("Émile", "bob", "Ann", "Zoë", "Cid")
    ids = {name: client.create_subject("default", name=name).id for name in names}
    client.add_faces("default", png(RED), subject=ids["Cid"])
    assert client.change_subject("default", ids["bob"], hidden=True).hidden
    first = client.list_subjects("default", sort="name", limit=2)
    assert (first.total, first.hidden) == (4, 1)
    assert [person.name for person in first.items] == ["Ann", "Cid"]
    second = client.list_subjects("default", sort="name", limit=2, cursor=first.next)
    assert (second.total, second.hidden, second.next) == (None, None, None)
    assert [person.name for person in second.items] == ["Émile", "Zoë"]
    with pytest.raises(ApiError) as error:
        client.list_subjects("default", sort="newest", cursor=first.next)
    assert error.value.code == "invalid_cursor"
    sort: SubjectOrder
    for sort, expected in (("newest", "Cid"), ("faces", "Cid"), ("stored", "Émile")):
        assert client.list_subjects("default", sort=sort).items[0].name == expected
    everybody = client.list_subjects("default", hidden=True, called="B")
    assert (everybody.total, everybody.hidden, everybody.items[0].hidden) == (1, 1, True)
    assert client.list_subjects("default", called="B").items == ()
    assert client.list_subjects("default", name="BOB").items[0].id == ids["bob"]
    assert not client.change_subject("default", ids["bob"], hidden=False).hidden


def test_who_is_hidden_is_still_recognised(client: Client) -> None:
    ann = client.create_subject("default", name="Ann")
    client.add_faces("default", png(RED), subject=ann.id)
    client.change_subject("default", ann.id, hidden=True)
    (probe,) = client.search("default", png(RED)).probes
    assert probe.verdict.best is not None
    assert probe.verdict.best.person is not None
    assert probe.verdict.best.person.id == ann.id


def test_people_are_sorted_by_likeness_to_a_face(client: Client) -> None:
    for name, tile in (("Ann", GREEN), ("Bob", RED), ("Cid", BLUE)):
        person = client.create_subject("default", name=name)
        client.add_faces("default", png(tile), subject=person.id)
    client.create_subject("default", name="Aaron")
    (pink,) = add(client, PINK)
    (blue,) = [face.id for face in client.list_faces("default").items if face.id != pink][-1:]
    alike = client.list_subjects("default", alike=pink)
    assert (alike.items[0].name, alike.items[3].name, alike.total) == ("Bob", "Aaron", 4)
    assert alike.next is None
    found = client.list_subjects("default", alike=pink, called="A", limit=2)
    assert [person.name for person in found.items] == ["Ann", "Aaron"]
    assert len(client.list_subjects("default", alike=blue, limit=1).items) == 1
    with pytest.raises(ApiError) as error:
        client.list_subjects("default", alike=person.id)
    assert error.value.code == "not_found"


def test_many_faces_are_moved_at_once(client: Client) -> None:
    ids = add(client, RED, GREEN, BLUE)
    ann = client.create_subject("default", name="Ann")
    assert client.move_faces("default", [*ids[:2], ann.id], ann.id).moved == 2
    assert [face.id for face in client.list_faces("default", named=True).items] == ids[:2]
    assert [face.id for face in client.list_faces("default", named=False).items] == ids[2:]
    assert len(client.list_faces("default").items) == 3
    assert client.move_faces("default", ids, None).moved == 3
    assert client.list_faces("default", named=True).items == ()
    with pytest.raises(ApiError) as error:
        client.move_faces("default", ids, ids[0])
    assert error.value.code == "not_found"
    with pytest.raises(ApiError) as error:
        client.move_faces("default", [], None)
    assert error.value.code == "invalid_request"


def test_unnamed_faces_are_grouped(client: Client) -> None:
    red, green = add(client, RED, GREEN)
    (pink,) = add(client, PINK)
    ann = client.create_subject("default", name="Ann")
    client.add_faces("default", png(GREEN), subject=ann.id)
    found = client.group_unnamed("default", min_size=0)
    assert (found.examined, found.complete, found.groups, found.threshold) == (3, True, 2, 0.1)
    reds, greens = found.people
    assert set(reds.ids) == {red, pink} == {face.id for face in reds.faces}
    assert (reds.lookalike, greens.ids) == (None, (green,))
    assert greens.lookalike is not None
    assert (greens.lookalike.person.name, greens.lookalike.distance) == ("Ann", 0)
    assert greens.lookalike.similarity is not None
    assert greens.lookalike.similarity > 0.5
    assert len(client.group_unnamed("default", min_size=0, limit=1).people) == 1
    assert client.group_unnamed("default", min_size=0, threshold=1e-4).groups == 3


def test_of_a_large_group_every_id_is_told_but_not_every_face(client: Client) -> None:
    ids = [face for number in range(15) for face in add(client, (220, 10, 3 * number))]
    (person,) = client.group_unnamed("default", min_size=0).people
    assert sorted(person.ids) == sorted(ids)
    assert len(person.faces) == 12


def test_the_newest_job_comes_first_if_asked(client: Client) -> None:
    made = [client.create_job("default", [f"https://faces.example/{n}"]) for n in range(3)]
    newest = partial(client.list_jobs, "default", newest=True)
    assert list(every(newest, limit=2)) == made[::-1]
    assert list(client.list_jobs("default").items) == made


def test_status(client: Client) -> None:
    add(client, RED)
    status = client.get_status()
    assert (status.model, status.open_jobs) == ("colour", 0)
    assert [(item.name, item.faces, item.index) for item in status.collections] == [
        ("default", 1, "exact")
    ]
    steps = {item.name: item for item in status.latency if item.kind == "step"}
    assert 0 < steps["store"].p50 <= steps["store"].p95 <= steps["store"].p99
    routes = {item.name for item in status.latency if item.kind == "route"}
    assert "/v1/collections/<collection>/faces" in routes
    assert status.disk.faces > 0
    assert status.disk.free > 0


def test_keys_are_made_listed_and_revoked(url: str, client: Client) -> None:
    assert client.list_keys().items == ()
    first = client.create_key(name="admin", scope="admin")
    with pytest.raises(ApiError) as error:
        client.list_keys()
    assert error.value.code == "not_authenticated"
    with Client(url, key=first.token) as admin:
        door = admin.create_key(name="door", scope="read", collection="default")
        assert (door.key.scope, door.key.collection, door.key.own) == ("read", "default", False)
        assert door.token.startswith(f"fs_{door.key.id}_")
        with pytest.raises(ApiError) as error:
            admin.create_key(name="door", scope="write")
        assert error.value.code == "already_exists"
        listed = list(every(admin.list_keys, limit=1))
        assert [(key.name, key.own) for key in listed] == [("admin", True), ("door", False)]
        assert door.token not in str(listed)
        assert admin.revoke_key(door.key.id).revoked is not None
        with pytest.raises(ApiError) as error:
            admin.revoke_key(door.key.id)
        assert error.value.code == "not_found"
    with Client(url, key=door.token) as gone, pytest.raises(ApiError) as error:
        gone.get_collection("default")
    assert error.value.code == "not_authenticated"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scope": "read"},
        {"name": "a\nb", "scope": "read"},
        {"name": "a" * 201, "scope": "read"},
        {"name": "a", "scope": "owner"},
        {"name": "a", "scope": "read", "collection": "../x"},
        {"name": "a"},
        {"name": "a", "scope": "read", "more": 1},
    ],
)
def test_a_key_that_cannot_be_is_refused(http: FlaskClient, body: dict[str, object]) -> None:
    answer = http.post("/v1/keys", json=body)
    assert (answer.status_code, answer.json and answer.json["code"]) == (400, "invalid_request")
    assert http.get("/v1/keys").json == {"items": [], "next": None}
