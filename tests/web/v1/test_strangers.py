"""Lasting ids for unknowns: remembered, recognised, promoted, forgotten."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from faceserver.api.faces import SearchFilter
from faceserver.api.stranger import Stranger
from faceserver.client import ApiError, Client, every
from faceserver.config import Settings
from faceserver.lifecycle import Services
from faceserver.services.found import SearchQuery
from faceserver.services.searching import Searching
from faceserver.store.base import Collection
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png
from tests.web.v1.conftest import make_service
from tests.web.v1.test_search import person, turned


def look(client: Client, degrees: float, *, remember: bool = True) -> Stranger | None:
    """The stranger whom a probe is."""
    (probe,) = client.search_embedding(
        "default", turned(degrees), model="colour", remember=remember
    ).probes
    return probe.stranger


def seen(client: Client, degrees: float, *, remember: bool = True) -> Stranger:
    found = look(client, degrees, remember=remember)
    assert found
    return found


def test_a_stranger_is_recognised_later_and_counted(client: Client) -> None:
    first = seen(client, 0)
    assert (first.seen, first.first, first.until) == (1, first.last, first.last + timedelta(30))
    again = seen(client, 5)
    assert (again.id, again.seen, again.first) == (first.id, 2, first.first)
    assert again.last > first.last
    assert again.until
    assert first.until
    assert again.until > first.until
    assert seen(client, 0).seen == 3
    assert seen(client, 90).id != first.id
    assert [item.seen for item in client.list_strangers("default").items] == [3, 1]


def test_without_remember_nobody_is_remembered_or_counted(client: Client) -> None:
    assert look(client, 0, remember=False) is None
    assert client.list_strangers("default").items == ()
    known = seen(client, 0)
    assert seen(client, 5, remember=False) == known
    assert client.get_stranger("default", known.id) == known


def test_who_is_known_is_no_stranger(client: Client) -> None:
    person(client, "Ann", 0)
    assert look(client, 5) is None
    assert client.list_strangers("default").items == ()


def test_who_was_refused_for_somebody_is_a_stranger_then(client: Client) -> None:
    ann = person(client, "Ann", 0)
    client.refuse_embedding("default", ann, turned(8), model="colour")
    known = seen(client, 8)
    assert seen(client, 9).id == known.id


def test_the_strangers_of_a_picture_are_different_people(client: Client) -> None:
    def strangers(*tiles: tuple[int, int, int]) -> list[UUID]:
        probes = client.search("default", png(*tiles), remember=True).probes
        return [probe.stranger.id for probe in probes if probe.stranger]

    red, pink = strangers(RED, PINK)
    assert red != pink
    assert strangers(RED) == [red]
    assert strangers(PINK) == [pink]
    assert strangers(PINK, RED, GREEN)[:2] == [pink, red]
    assert sorted(item.seen for item in client.list_strangers("default").items) == [1, 3, 3]


def test_a_stranger_becomes_a_person_in_one_call_and_keeps_the_id(client: Client) -> None:
    known = seen(client, 0)
    made = client.promote_stranger(
        "default", known.id, name="Ann", tags=["door"], metadata={"n": 1}
    )
    assert (made.subject.id, made.subject.name, made.subject.faces) == (known.id, "Ann", 1)
    assert (made.subject.tags, made.subject.metadata) == (("door",), {"n": 1})
    assert (made.face.subject, made.face.picture, made.face.box) == (known.id, None, None)
    assert client.list_strangers("default").items == ()
    (probe,) = client.search_embedding("default", turned(4), model="colour", remember=True).probes
    assert probe.verdict.best
    assert probe.verdict.best.person
    assert (probe.verdict.best.person.id, probe.stranger) == (known.id, None)


def test_a_stranger_can_be_somebody_who_is_there(client: Client) -> None:
    ann = person(client, "Ann", 0)
    known = seen(client, 40)
    made = client.promote_stranger("default", known.id, subject=ann)
    assert (made.subject.id, made.subject.faces, made.face.subject) == (ann, 2, ann)
    assert client.list_strangers("default").items == ()
    assert client.search_embedding("default", turned(41), model="colour").probes[0].matches


def test_a_promotion_that_was_cut_off_goes_on(
    client: Client, service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = seen(client, 0)
    held = service.context.store.collection("default")
    for step in ("add", "forget"):
        with monkeypatch.context() as patch:
            patch.setattr(held, step, _cut_off)
            with pytest.raises(KeyboardInterrupt):
                service.strangers.name("default", known.id.hex, "Ann")
        assert client.get_stranger("default", known.id) == known
    made = client.promote_stranger("default", known.id, name="Ann")
    assert (made.subject.id, made.subject.faces) == (known.id, 1)
    assert client.list_strangers("default").items == ()


def _cut_off(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_name_that_is_taken_leaves_the_stranger(client: Client) -> None:
    known = seen(client, 0)
    client.create_subject("default", name="Ann")
    with pytest.raises(ApiError) as error:
        client.promote_stranger("default", known.id, name="ann")
    assert error.value.code == "already_exists"
    assert client.list_strangers("default").items == (known,)


def test_a_stranger_can_be_forgotten(client: Client) -> None:
    known = seen(client, 0)
    assert client.forget_stranger("default", known.id).id == known.id
    assert client.list_strangers("default").items == ()
    assert seen(client, 0).id != known.id


def test_the_mean_follows_how_somebody_changes(client: Client) -> None:
    known = seen(client, 0)
    for degrees in (8, 12, 16, 20, 24):
        assert seen(client, degrees).id == known.id
    assert seen(client, 30).id == known.id  # too far from where it was first seen


def test_a_stranger_is_forgotten_after_the_set_time(service: Services) -> None:
    for keep_for, there in ((timedelta(0), 0), (timedelta(days=1), 1), (None, 2)):
        limits = replace(service.context.limits, keep_strangers=keep_for)
        searching = Searching(replace(service.context, limits=limits))
        degrees = 50.0 * there
        searching.by_embedding(
            "default", turned(degrees), SearchQuery(remember=True), model="colour"
        )
        assert len(service.strangers.page("default", limit=9, cursor=None).items) == there
    until = [item.until for item in service.strangers.page("default", limit=9, cursor=None).items]
    assert until[0] is not None
    assert until[1] is None


def test_strangers_are_listed_by_pages(client: Client) -> None:
    ids = [seen(client, degrees).id for degrees in (0, 60, 120)]
    pages = partial(client.list_strangers, "default")
    assert [item.id for item in every(pages, limit=1)] == ids


def test_they_survive_a_restart_and_no_purge(
    service: Services, client: Client, settings: Settings
) -> None:
    known = seen(client, 0)
    service.close()
    with closing(make_service(settings.data_dir)) as again:
        assert again.strangers.get("default", known.id.hex).seen == 1
        again.context.store.purge("default")
        assert again.strangers.page("default", limit=9, cursor=None).items == ()


def test_two_requests_make_no_two_of_one(service: Services) -> None:
    start = Barrier(2)

    def search(_: object) -> str:
        start.wait()
        found = service.searching.by_embedding(
            "default", turned(0), SearchQuery(remember=True), model="colour"
        )
        assert found.probes[0].stranger
        return found.probes[0].stranger.id

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(search, [1, 2])
    assert one == other


def test_what_cannot_be_is_told(client: Client) -> None:
    known = seen(client, 0)
    ann = client.create_subject("default", name="Ann").id
    calls: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: client.get_stranger("default", uuid4()), "not_found"),
        (lambda: client.forget_stranger("default", uuid4()), "not_found"),
        (lambda: client.promote_stranger("default", uuid4(), name="Ben"), "not_found"),
        (lambda: client.promote_stranger("default", known.id, subject=uuid4()), "not_found"),
        (lambda: client.promote_stranger("default", known.id), "invalid_request"),
        (
            lambda: client.promote_stranger("default", known.id, name="Ben", subject=ann),
            "invalid_request",
        ),
        (
            lambda: client.promote_stranger("default", known.id, subject=ann, tags=["a"]),
            "invalid_request",
        ),
        (
            lambda: client.search(
                "default", png(BLUE), remember=True, only=SearchFilter(tags=("a",))
            ),
            "invalid_request",
        ),
        (lambda: client.list_strangers("nowhere"), "not_found"),
    )
    for call, code in calls:
        with pytest.raises(ApiError) as error:
            call()
        assert error.value.code == code
    refusal = client.refuse_embedding("default", ann, turned(90), model="colour")
    with pytest.raises(ApiError):
        client.get_stranger("default", refusal.id)
    with pytest.raises(ApiError):
        client.undo_refusal("default", known.id)


def test_a_filter_makes_nobody_a_stranger(client: Client) -> None:
    seen(client, 0)
    (probe,) = client.search_embedding(
        "default", turned(0), model="colour", only=SearchFilter(tags=("a",))
    ).probes
    assert (probe.verdict.answer, probe.stranger) == ("unknown", None)


def test_remembering_needs_a_key_that_may_write(http: FlaskClient) -> None:
    made = http.post("/v1/keys", json={"name": "boss", "scope": "admin"}).get_json()
    boss = {"Authorization": f"Bearer {made['token']}"}
    status = {}
    for scope in ("read", "write"):
        key = http.post("/v1/keys", json={"name": scope, "scope": scope}, headers=boss).get_json()
        for remember in (False, True):
            answer = http.post(
                "/v1/collections/default/search",
                json={"embedding": turned(0), "model": "colour", "remember": remember},
                headers={"Authorization": f"Bearer {key['token']}"},
            )
            status[scope, remember] = answer.status_code
    assert status == {
        ("read", False): 200,
        ("read", True): 403,
        ("write", False): 200,
        ("write", True): 200,
    }


def test_a_form_can_ask_for_it(client: Client, service: Services) -> None:
    client.search("default", png(RED), remember=True)
    held: Collection = service.context.store.collection("default")
    assert len(held.exemplars("stranger", limit=9).items) == 1
