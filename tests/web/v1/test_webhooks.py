"""Webhooks over the API; and what searches and jobs tell."""

import json
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from faceserver.client import ApiError, Client, every
from faceserver.lifecycle import Services
from tests.services.test_facade import GREEN, RED, png
from tests.web.v1.test_search import person, turned

URL = "https://hooks.example/faces?door=1"


def told(service: Services, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is sent from now on, when it is sent."""
    sent: list[dict[str, Any]] = []

    def post(url: str, body: bytes, _: object) -> int:
        assert url == URL
        sent.append(json.loads(body))
        return 200

    monkeypatch.setattr(service.webhooks.sender, "_post", post)
    return sent


def deliver(service: Services) -> None:
    while service.webhooks.sender.turn():
        pass


def test_webhooks_are_made_listed_and_deleted(client: Client) -> None:
    made = client.create_webhook(URL, ["match", "job"], collection="default")
    assert made.secret.startswith("whsec_")
    hook = made.webhook
    assert (hook.url, hook.events, hook.collection) == (URL, ("match", "job"), "default")
    other = client.create_webhook("http://hooks.example", ["stranger"]).webhook
    assert (other.collection, other.last) == (None, None)
    assert list(every(partial(client.list_webhooks), limit=1)) == [hook, other]
    assert client.get_webhook(hook.id) == hook
    assert "whsec_" not in client.list_webhooks().model_dump_json()
    assert client.delete_webhook(hook.id).id == hook.id
    assert client.list_webhooks().items == (other,)


def test_a_ping_and_its_answer_are_listed(
    client: Client, service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = told(service, monkeypatch)
    hook = client.create_webhook(URL, ["match"]).webhook.id
    made = client.ping_webhook(hook)
    assert (made.event, made.state, made.attempts) == ("ping", "waiting", 0)
    deliver(service)
    done = client.get_webhook(hook).last
    assert done
    assert (done.id, done.state, done.status, done.attempts) == (made.id, "delivered", 200, 1)
    assert [item["type"] for item in sent] == ["ping"]
    client.ping_webhook(hook)
    pages = partial(client.list_deliveries, hook)
    assert [item.state for item in every(pages, limit=1)] == ["waiting", "delivered"]


def test_searches_tell_matches_and_strangers(
    client: Client, service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = told(service, monkeypatch)
    client.create_webhook(URL, ["match", "stranger"])
    ann = person(client, "Ann", 0)
    client.search_embedding("default", turned(3), model="colour")
    client.search_embedding("default", turned(90), model="colour")
    known = client.search_embedding("default", turned(90), model="colour", remember=True)
    deliver(service)
    match, stranger = sent
    assert (match["type"], match["collection"]) == ("match", "default")
    assert match["data"]["subject"] == {"id": ann.hex, "name": "Ann"}
    assert 0 < match["data"]["distance"] < 0.1
    assert known.probes[0].stranger
    assert stranger["data"]["id"] == known.probes[0].stranger.id.hex
    assert (stranger["type"], stranger["data"]["seen"]) == ("stranger", 1)


def test_pictures_and_frames_tell_each_person_once(
    client: Client, service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = told(service, monkeypatch)
    client.create_webhook(URL, ["match"])
    for name, colour in (("Ann", RED), ("Ben", GREEN)):
        subject = client.create_subject("default", name=name).id
        client.add_faces("default", png(colour), subject=subject)
    client.search("default", png(RED, GREEN))
    client.search_frames("default", [png(RED), png(RED)])
    deliver(service)
    assert [item["data"]["subject"]["name"] for item in sent] == ["Ann", "Ben", "Ann"]


def test_jobs_tell_their_end(
    client: Client, service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = told(service, monkeypatch)
    client.create_webhook(URL, ["job"])
    cancelled = client.create_job("default", ["https://faces.example/red"])
    client.cancel_job("default", cancelled.id)
    deliver(service)
    assert [(item["data"]["id"], item["data"]["state"]) for item in sent] == [
        (cancelled.id.hex, "cancelled")
    ]
    done = client.create_job("default", ["https://faces.example/red"])
    service.jobs._worker._run(service.jobs.get("default", done.id.hex))
    deliver(service)
    data = sent[1]["data"]
    assert (data["id"], data["state"], data["stored"]) == (done.id.hex, "done", 1)


def test_with_its_collection_a_webhook_goes(client: Client) -> None:
    client.create_collection("staff")
    client.create_webhook(URL, ["match"], collection="staff")
    client.delete_collection("staff")
    assert client.list_webhooks().items == ()


def test_what_cannot_be_is_told(client: Client) -> None:
    for call, code in (
        (lambda: client.create_webhook("ftp://hooks.example", ["match"]), "invalid_request"),
        (lambda: client.create_webhook("https://a:b@hooks.example", ["match"]), "invalid_request"),
        (lambda: client.create_webhook(URL, []), "invalid_request"),
        (lambda: client.create_webhook(URL, ["ping"]), "invalid_request"),  # type: ignore[list-item]
        (lambda: client.create_webhook(URL, ["match"], collection="nowhere"), "not_found"),
        (lambda: client.get_webhook(uuid4()), "not_found"),
        (lambda: client.ping_webhook(uuid4()), "not_found"),
        (lambda: client.list_deliveries(uuid4()), "not_found"),
        (lambda: client.delete_webhook(uuid4()), "not_found"),
    ):
        with pytest.raises(ApiError) as error:
            call()
        assert error.value.code == code
    assert client.list_webhooks().items == ()
