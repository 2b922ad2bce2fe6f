"""What is seen from outside: request ids, the audit log, figures, and the end of the server."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from faceserver.errors import StoreFull
from faceserver.runtime.metrics import Gauge
from faceserver.store.base import CollectionStatus, StoreStatus
from faceserver.store.results import Loss
from faceserver.web.guard.auth import gate_of
from faceserver.web.ops.metrics import add_gauges
from tests.web.fakes import FakeBackend, FakeService
from tests.web.forms import error_of, post_form

FACE = ("f", b"one face", "a.jpg")


def audited(backend: FakeBackend) -> list[dict[str, object]]:
    path: Path = backend.settings.data_dir / "audit.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def test_every_answer_has_an_id(client: FlaskClient) -> None:
    ids = [client.get(path).headers["X-Request-ID"] for path in ("/", "/nothing", "/health")]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


@pytest.mark.parametrize("given", ["abc", "A-b_c.9", "x" * 64])
def test_an_id_can_be_brought(client: FlaskClient, given: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "{}", "\xe9", '"', "a\tb"])
def test_an_id_that_could_spoil_a_log_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_who_did_what(client: FlaskClient, app: Flask, backend: FakeBackend) -> None:
    key, token = gate_of(app).keys.create("phone", "read")
    headers = {"x-api-key": token, "X-Request-ID": "r1"}
    post_form(client, "/faceRetrieve", FACE, headers=headers)
    post_form(client, "/faceRegister", FACE, headers=headers)
    client.get("/static/uploadImages/a.jpg?x=1")
    client.get("/health")
    client.get("/static/app.css").close()
    client.get("/nothing")
    first, second, third = audited(backend)
    assert first.pop("time")
    assert first == {
        "who": f"phone ({key.id})",
        "what": "POST /faceRetrieve",
        "result": "ok",
        "status": 200,
        "address": "127.0.0.1",
        "request_id": "r1",
    }
    assert (second["result"], second["status"]) == ("not_permitted", 403)
    assert third["who"] == "anonymous"
    assert third["what"] == "GET /static/uploadImages/<name>"
    assert third["target"] == {"name": "a.jpg"}
    assert third["result"] == "not_authenticated"


def test_signing_in_is_written_down(client: FlaskClient, app: Flask, backend: FakeBackend) -> None:
    key, token = gate_of(app).keys.create("laptop", "read")
    client.post("/signIn", data={"key": "wrong"})
    client.post("/signIn", data={"key": token})
    wrong, right = audited(backend)
    assert (wrong["who"], wrong["result"]) == ("anonymous", "not_authenticated")
    assert (right["who"], right["result"]) == (f"laptop ({key.id})", "ok")


def test_errors_are_written_down(
    client: FlaskClient, backend: FakeBackend, service: FakeService
) -> None:
    service.crash = StoreFull("full")
    post_form(client, "/faceRegister", FACE)
    service.crash = RuntimeError("odd")
    post_form(client, "/faceRegister", FACE)
    post_form(client, "/faceRetrieve")
    assert [event["result"] for event in audited(backend)] == [
        "store_full",
        "internal_error",
        "no_file",
    ]


def test_neither_log_holds_key_or_picture(
    client: FlaskClient,
    app: Flask,
    backend: FakeBackend,
    service: FakeService,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, token = gate_of(app).keys.create("phone", "write")
    service.crash = RuntimeError("odd")
    for headers in ({"x-api-key": token}, {"x-api-key": token[:-1]}, {}):
        post_form(client, "/faceRegister", FACE, headers=headers)
    client.post("/signIn", data={"key": token})
    written = (backend.settings.data_dir / "audit.jsonl").read_text() + caplog.text
    assert len(audited(backend)) == 4
    secret = token.split("_", 2)[2]  # which may hold further underscores
    assert secret[:20] not in written
    assert "one face" not in written


class Held(FakeService):
    """Holds two collections, one of them with a graph."""

    def status(self) -> StoreStatus:
        small = CollectionStatus(name="default", model="m", dims=4, faces=3, indexed=3)
        large = CollectionStatus(
            name="large",
            model="m",
            dims=4,
            faces=5000,
            indexed=4000,
            index="building",
            progress=0.8,
            ef=64,
            recall=0.993,
        )
        return StoreStatus(
            faces=5003, indexed=4003, collections=(small, large), loss=Loss(changes=7, faces=13)
        )


def figures(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("collection", "")): float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures(app: Flask, client: FlaskClient, backend: FakeBackend) -> None:
    backend.fake = Held()
    add_gauges(app, lambda: [Gauge("queue", "Waiting.", 2, {})])
    answer = client.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    told = figures(answer.text)
    assert told["faceserver_ready", ""] == 1
    assert told["faceserver_faces", "default"] == 3
    assert told["faceserver_faces", "large"] == 5000
    assert told["faceserver_index_faces", "large"] == 4000
    assert told["faceserver_index_progress", "large"] == 0.8
    assert told["faceserver_index_ef", "large"] == 64
    assert told["faceserver_index_recall", "large"] == 0.993
    assert ("faceserver_index_recall", "default") not in told
    assert told["faceserver_lost_changes", ""] == 7
    assert told["faceserver_lost_faces", ""] == 13
    assert told["faceserver_queue", ""] == 2
    assert told["process_resident_memory_bytes", ""] > 1_000_000


def test_the_docs_name_every_figure(app: Flask, client: FlaskClient, backend: FakeBackend) -> None:
    backend.fake = Held()
    told = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}
    own = {name for name in told if name.startswith("faceserver_")}
    docs = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text("utf-8")
    named = {name.removesuffix("_total") for name in re.findall(r"`(faceserver_\w+)`", docs)}
    with_server = {"faceserver_jobs_open", "faceserver_queue", "faceserver_workers_busy"}
    assert own | with_server | {"faceserver_connections"} == named


def test_figures_of_a_server_that_is_not_ready(client: FlaskClient, backend: FakeBackend) -> None:
    backend.status = "starting"
    assert figures(client.get("/metrics").text)["faceserver_ready", ""] == 0


def test_requests_are_counted_by_route(client: FlaskClient, backend: FakeBackend) -> None:
    backend.fake = Held()
    for name in ("a", "b"):
        client.get(f"/static/uploadImages/{name}")
    client.open("/health", method="BREW")
    client.get("/made/up")
    text = client.get("/metrics").text
    counted = re.search(
        r'requests_total\{method="GET",route="/static/uploadImages/<name>",status="404"\} (\d+)',
        text,
    )
    assert counted
    assert int(counted[1]) >= 2
    assert re.search(r'requests_total\{method="other",route="none",status="405"\}', text)
    assert re.search(r'requests_total\{method="GET",route="none",status="404"\}', text)
    assert "made/up" not in text
    assert "BREW" not in text


def test_a_server_that_stops_takes_nothing_new(
    client: FlaskClient, backend: FakeBackend, service: FakeService
) -> None:
    backend.draining = True
    response = post_form(client, "/faceRegister", FACE)
    assert error_of(response) == (503, "shutting_down")
    assert service.registered == []
    backend.fake = Held()
    assert client.get("/health").status_code == 200
    assert client.get("/metrics").status_code == 200
