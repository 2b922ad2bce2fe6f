"""SIGTERM at a real server: what is under way finishes, what is new is refused, all is kept."""

import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests

from tests.e2e.server import Server
from tests.support import loopback
from tests.support.photographs import Photographs

WAIT = 60.0


class HeldSite:
    """A site whose picture comes when the test lets it go."""

    def __init__(self, site: loopback.Site, picture: bytes) -> None:
        self.site = site
        self.url = site.url("/held.jpg")
        self.asked = threading.Event()
        self.let_go = threading.Event()
        send = loopback.send(picture)

        def answer(handler: BaseHTTPRequestHandler) -> None:
            self.asked.set()
            assert self.let_go.wait(WAIT)
            send(handler)

        site.answers["/held.jpg"] = answer


@pytest.fixture
def held(photographs: Photographs) -> Iterator[HeldSite]:
    with loopback.serve() as site:
        made = HeldSite(site, photographs["obama.jpg"].read_bytes())
        yield made
        made.let_go.set()


def start_batch(server: Server, url: str) -> tuple[threading.Thread, list[requests.Response]]:
    answers: list[requests.Response] = []
    thread = threading.Thread(
        target=lambda: answers.append(server.post("/faceRegisterBatch", json={"urls": [url]}))
    )
    thread.start()
    return thread, answers


def test_what_is_under_way_finishes_and_nothing_new_begins(held: HeldSite, tmp_path: Path) -> None:
    with Server(tmp_path, url_allow_networks="127.0.0.0/8", url_timeout="60") as server:
        kept_alive = requests.Session()
        assert kept_alive.get(f"{server.url}/health", timeout=WAIT).json()["ready"]
        thread, answers = start_batch(server, held.url)
        assert held.asked.wait(WAIT)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("INFO faceserver.server: shutting down")

        for get in (requests.get, kept_alive.get):  # a new connection, and one from before
            refused = get(f"{server.url}/faceRegister.html", timeout=WAIT)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "shutting_down"
            assert refused.headers["Connection"] == "close"
        health = server.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "draining")
        assert health.json()["live"]
        assert server.process.poll() is None

        held.let_go.set()
        thread.join(WAIT)
        assert answers[0].status_code == 200
        assert len(answers[0].json()["faces"][0]["BoxsPoints"]) == 1
        assert server.process.wait(WAIT) == 0
    with Server(tmp_path) as server:
        assert server.get("/health").json()["faces"] == 1


def ask_in_vain(server: Server, url: str) -> None:
    # Where the server is hanging up, the answer's head may still have come.
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        server.post("/faceRegisterBatch", json={"urls": [url]})


def test_what_takes_too_long_is_not_waited_for(held: HeldSite, tmp_path: Path) -> None:
    settings = {"url_allow_networks": "127.0.0.0/8", "url_timeout": "4", "drain_timeout": "0"}
    with Server(tmp_path, **settings) as server:
        thread = threading.Thread(target=ask_in_vain, args=(server, held.url))
        thread.start()
        assert held.asked.wait(WAIT)
        server.process.send_signal(signal.SIGTERM)
        thread.join(WAIT)
        assert server.process.wait(WAIT) == 0


def test_a_second_signal_ends_it_at_once(held: HeldSite, tmp_path: Path) -> None:
    settings = {"url_allow_networks": "127.0.0.0/8", "url_timeout": "4", "drain_timeout": "60"}
    with Server(tmp_path, **settings) as server:
        thread = threading.Thread(target=ask_in_vain, args=(server, held.url))
        thread.start()
        assert held.asked.wait(WAIT)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("INFO faceserver.server: shutting down")
        server.process.send_signal(signal.SIGTERM)
        thread.join(WAIT)
        assert server.process.wait(WAIT) == 0


def test_a_job_stops_at_a_safe_point_and_goes_on_at_the_next_start(
    held: HeldSite, photographs: Photographs, tmp_path: Path
) -> None:
    others = [f"{held.url}?{number}" for number in range(19)]
    other = loopback.send(photographs["biden.jpg"].read_bytes())
    for url in others:
        held.site.answers[url.partition(str(held.site.port))[2]] = other
    settings = {"url_allow_networks": "127.0.0.0/8", "requests_per_minute": "0"}
    items = [{"url": url} for url in (held.url, *others)]
    with Server(tmp_path, **settings) as server:
        job = server.post("/v1/collections/default/jobs", json={"items": items}).json()
        assert held.asked.wait(WAIT)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("INFO faceserver.server: shutting down")
        held.let_go.set()
        assert server.process.wait(WAIT) == 0
    fetched_before = len(held.site.requests)
    assert fetched_before < len(items)
    with Server(tmp_path, **settings) as server:
        path = f"/v1/collections/default/jobs/{job['id']}"
        states = (server.get(path).json() for _ in range(5000))
        done = next(state for state in states if state["state"] not in {"queued", "running"})
        assert (done["state"], done["waiting"], done["refused"]) == ("done", 0, 0)
        assert server.get("/health").json()["faces"] == done["faces"]
    assert len(held.site.requests) == len(items)  # nothing was fetched twice
