"""A server is killed in the middle of a job; the next one finishes it, and nothing occurs twice."""

import signal
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from threading import Event

from PIL import Image

from faceserver.client import Client, every
from tests.e2e.server import Server
from tests.support.loopback import send, serve
from tests.support.photographs import Photographs
from tests.web.v1.live import make_key

PICTURES = 40
HELD = 20


def cropped(path: Path, rows: int) -> bytes:
    """The photograph without its lowest rows: another picture for each number of them."""
    file = BytesIO()
    with Image.open(path) as image:
        image.crop((0, 0, image.width, image.height - rows)).save(file, "JPEG")
    return file.getvalue()


def test_a_killed_server_goes_on_with_its_job(tmp_path: Path, photographs: Photographs) -> None:
    key = make_key(tmp_path)
    pictures = [send(cropped(photographs["obama.jpg"], number)) for number in range(PICTURES)]
    reached, go_on = Event(), Event()

    def held(handler: BaseHTTPRequestHandler) -> None:
        reached.set()
        go_on.wait(60)
        pictures[HELD](handler)

    with serve() as site:
        for number in range(PICTURES):
            site.answers[f"/{number}.jpg"] = pictures[number]
        site.answers[f"/{HELD}.jpg"] = held
        urls = [site.url(f"/{number}.jpg") for number in range(PICTURES)]
        make = partial(Server, tmp_path, url_allow_networks="127.0.0.0/8", requests_per_minute="0")
        with make() as server, Client(server.url, key=key) as client:
            job = client.create_job("default", urls, key="once")
            assert reached.wait(60)
            assert server.stop(signal.SIGKILL) != 0
        go_on.set()
        site.answers[f"/{HELD}.jpg"] = pictures[HELD]
        with make() as server, Client(server.url, key=key) as client:
            assert client.create_job("default", urls, key="once").id == job.id
            done = finished(lambda: client.get_job("default", job.id).state)
            assert done == "done"
            items = list(every(partial(client.list_job_items, "default", job.id)))
            faces = list(every(partial(client.list_faces, "default")))
    assert [item.number for item in items] == [*range(1, PICTURES + 1)]
    assert {item.state for item in items} <= {"stored", "present"}
    assert sorted(face.source for face in faces) == sorted(urls)


def finished(state: Callable[[], str]) -> str:
    """The job's state when it has ended; each question takes the server some milliseconds."""
    for _ in range(100_000):
        now = state()
        if now not in ("queued", "running"):
            return now
    raise AssertionError(now)
