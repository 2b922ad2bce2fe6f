"""A CompreFace taken over; the server itself plays it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask, request

from faceserver import web
from faceserver.client import ApiError
from faceserver.client.compreface import Compreface, Example
from faceserver.lifecycle import Services
from faceserver.services.outcomes import NewPicture, Outcome, Present, Refused, Registered, Rules
from faceserver.transfer.compreface import add_missing, ids_are_free, pictures_of
from faceserver.web.guard.scopes import scope
from tests.services.test_facade import BLUE, GREEN, RED, png
from tests.web.v1.conftest import app, make_service, service, settings, url

__all__ = ["app", "service", "settings", "url"]

PEOPLE = {"Ann": RED, "Bob": GREEN, "Cid": BLUE}
RULES = Rules(largest=True)


@pytest.fixture
def asked(app: Flask) -> list[str]:
    """The addresses of pictures that CompreFace was asked for; "gone" lets it fail at the next."""
    paths: list[str] = []

    @app.before_request
    def note() -> tuple[str, int] | None:
        if not request.path.endswith("/img"):
            return None
        if "gone" in paths:
            return "", 500
        paths.append(request.path)
        return None

    return paths


@pytest.fixture
def source(asked: list[str], app: Flask, service: Services, url: str) -> Compreface:
    for name, tile in PEOPLE.items():
        data = png(tile)
        item = NewPicture(name, lambda data=data: data, person=name)  # type: ignore[misc]
        service.registering.add("default", item)
    service.people.add("default", "Dan")  # of whom there is no example
    _, key = web.gate_of(app).keys.create("import", "read", kind="uuid")
    return Compreface(f"{url}/as/compreface", key=key, max_bytes=10_000)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Services]:
    with closing(make_service(tmp_path / "target")) as made:
        yield made


def take(source: Compreface, target: Services, *, keep_ids: bool = True) -> list[Outcome]:
    items = pictures_of(source, source.examples(), keep_ids=keep_ids)
    return list(target.registering.stream("default", items, RULES))


def ids(services: Services, collection: str = "default") -> dict[str, str]:
    """Each face's id with whom it shows."""
    page = services.named.page(collection, number=0, size=99, of=None)
    return {item.face.id: item.name for item in page.items}


def test_examples_come_with_their_ids(
    source: Compreface, service: Services, target: Services
) -> None:
    outcomes = take(source, target)
    assert [type(outcome) for outcome in outcomes] == [Registered] * 3
    assert ids(target) == ids(service)
    assert list(add_missing(target.people, "default", source.subjects())) == ["Dan"]
    assert {person.name for person in target.people.every("default")} == {*PEOPLE, "Dan"}
    assert list(add_missing(target.people, "default", source.subjects())) == []


def test_again_nothing_is_fetched(source: Compreface, target: Services, asked: list[str]) -> None:
    take(source, target)
    assert len(asked) == 3
    assert [type(outcome) for outcome in take(source, target)] == [Present] * 3
    assert len(asked) == 3


def test_an_interrupted_import_goes_on(
    source: Compreface, service: Services, target: Services, asked: list[str]
) -> None:
    first, *_ = source.examples()
    (outcome,) = target.registering.stream(
        "default", pictures_of(source, [first], keep_ids=True), RULES
    )
    assert isinstance(outcome, Registered)
    take(source, target)
    assert (len(asked), ids(target)) == (3, ids(service))


def test_what_cannot_be_had_is_refused_and_the_others_are_in(
    source: Compreface, target: Services, asked: list[str]
) -> None:
    asked.append("gone")
    outcomes = take(source, target)
    assert [outcome.error.code for outcome in outcomes if isinstance(outcome, Refused)] == [
        "url_failed"
    ] * 3
    assert ids(target) == {}


def test_when_the_server_goes_away_the_import_ends_and_what_is_in_stays(
    source: Compreface, target: Services
) -> None:
    known = source.examples()[:2]
    lost = [Example(uuid4().hex, "Eve", "http://127.0.0.1:1/img") for _ in range(2)]
    items = pictures_of(source, [*known, *lost], keep_ids=True)
    outcomes = target.registering.stream("default", items, Rules(largest=True, batch=2))
    with pytest.raises(ApiError, match="cannot be reached"):
        list(outcomes)
    assert set(ids(target)) == {example.image_id for example in known}


def test_a_picture_that_is_not_kept_there(
    source: Compreface, app: Flask, target: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.view_functions, "as_compreface.examples_image", _nothing)
    outcomes = take(source, target)
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert {outcome.error.code for outcome in outcomes if isinstance(outcome, Refused)} == {
        "empty_file"
    }


@scope("read", reach="own")
def _nothing(image_id: str) -> bytes:
    """CompreFace's answer where it keeps no pictures."""
    del image_id
    return b""


def test_ids_of_another_collection_are_not_taken_twice(
    source: Compreface, target: Services
) -> None:
    take(source, target)
    target.collections.create("family")
    examples = source.examples()
    free = {
        name: ids_are_free(examples, target.collections, target.faces, apart_from=name)
        for name in ("default", "family")
    }
    assert free == {"default": True, "family": False}
    items = pictures_of(source, examples, keep_ids=False)
    assert len(list(target.registering.stream("family", items, RULES))) == 3
    assert not ids(target, "family").keys() & ids(target).keys()


def test_pages(source: Compreface, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceserver.client.compreface._PAGE", 2)
    examples = source.examples()
    assert [example.subject for example in examples] == list(PEOPLE)
    assert all(UUID(example.image_id) for example in examples)


def test_names_that_cannot_be_kept_are_told(target: Services) -> None:
    (refused,) = add_missing(target.people, "default", ["a\u200bb"])
    assert isinstance(refused, Refused)
    assert refused.error.code == "invalid_request"


@pytest.mark.parametrize(
    ("key", "message"),
    [("wrong", "Service API key should be UUID"), (str(UUID(int=0)), "not found")],
)
def test_a_wrong_key(source: Compreface, url: str, key: str, message: str) -> None:
    wrong = Compreface(f"{url}/as/compreface", key=key, max_bytes=10_000)
    with pytest.raises(ApiError, match=message):
        wrong.subjects()


def test_what_is_no_compreface(source: Compreface, url: str) -> None:
    with pytest.raises(ApiError, match="status 404"):
        Compreface(f"{url}/as/original", key="x", max_bytes=10).subjects()
    with pytest.raises(ApiError, match="cannot be reached") as caught:
        Compreface("http://127.0.0.1:1", key="x", max_bytes=10).examples()
    assert caught.value.code == "unreachable"
