"""Servers are killed under load: no request fails but those they had, and each job is done once.

Three times by default; FACESERVER_TEST_KILLS=50 does it fifty times in turn.
"""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Condition, Event
from time import monotonic
from typing import Any

import requests
from PIL import Image

from tests.e2e.server import Server
from tests.support import loopback
from tests.support.photographs import Photographs
from tests.support.postgres import free_port

KILLS = int(os.environ.get("FACESERVER_TEST_KILLS", "3"))
CLIENTS = 3
JOB_PICTURES = 12
AT = "/v1/collections/default"
WAIT = 180.0
"""Seconds until the test gives up on what should happen."""


class Node:
    """One of the servers: killed, and started anew at the same address."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        port = str(free_port())
        self._make = partial(Server, folder, port=port, **settings)
        self.url = f"http://127.0.0.1:{port}"
        self.kills = 0
        self.is_killed = False
        self.is_up = False
        self.start()

    def start(self) -> None:
        self._server = self._make().__enter__()
        self.is_killed = False
        self.is_up = True

    def kill(self) -> None:
        """As a machine does that loses its power; whoever balances the load is not told before."""
        self.kills += 1
        self.is_killed = True
        self._server.stop(signal.SIGKILL)
        self.is_up = False

    def stop(self) -> None:
        self._server.stop(signal.SIGTERM)


class Load:
    """Clients behind a balancer: a server that fails is left out, and its request sent again."""

    def __init__(self, nodes: list[Node], make: Callable[[], bytes]) -> None:
        self.nodes = nodes
        self.make = make
        self.stored: set[str] = set()
        self.answered = 0
        self.resent = 0
        self.longest = 0.0
        self.stop = Event()
        self._turn = count()
        self._changed = Condition()
        self._at_work = CLIENTS

    def ask(self, method: str, path: str, **sent: Any) -> requests.Response:
        """An answer, of whichever server; only those that are killed meanwhile may give none."""
        begun = monotonic()
        while monotonic() - begun < WAIT:
            node = self.nodes[next(self._turn) % len(self.nodes)]
            if not node.is_up:
                continue
            kills = node.kills
            try:
                answer = requests.request(method, node.url + path, timeout=60, **sent)
            except requests.RequestException:
                assert node.is_killed or node.kills > kills, (
                    "a server that nobody killed gave no answer"
                )
                self.resent += 1
                continue
            assert answer.status_code < 300, answer.text
            self.longest = max(self.longest, monotonic() - begun)
            return answer
        raise AssertionError("no server answers")

    def work(self) -> None:
        """Store faces and search for them, until it is told to stop."""
        try:
            while not self.stop.is_set():
                self._once()
        finally:  # whoever waits for more must not wait for a client that has failed
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _once(self) -> None:
        picture = self.make()
        (face,) = self.ask("POST", f"{AT}/faces", files={"file": picture}).json()["faces"]
        (probe,) = self.ask("POST", f"{AT}/search", files={"file": picture}).json()["probes"]
        assert probe["matches"], "all are one man"
        assert self.ask("GET", f"{AT}/faces/{face['id']}").json()["id"] == face["id"]
        with self._changed:
            self.stored.add(face["id"])
            self.answered += 3
            self._changed.notify_all()

    def wait_for_more(self, more: int) -> None:
        """Wait until so many more faces are stored."""
        with self._changed:
            wanted = len(self.stored) + more
            self._changed.wait_for(
                lambda: len(self.stored) >= wanted or self._at_work < CLIENTS, timeout=WAIT
            )
            assert len(self.stored) >= wanted, "clients have failed, or are slow"


def pictures(photographs: Photographs) -> Iterator[bytes]:
    """The same man again and again, each time in another picture."""
    with Image.open(photographs["obama.jpg"]) as opened:
        man = opened.convert("RGB").resize((300, 375))
    for number in count(1):
        for bit in range(16):
            shade = 255 if number >> bit & 1 else 0
            man.paste((shade, shade, shade), (8 * bit, 0, 8 * bit + 8, 8))
        file = BytesIO()
        man.save(file, "PNG")
        yield file.getvalue()


@contextmanager
def working(load: Load) -> Iterator[None]:
    """The clients are at work while the context lasts."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(load.work) for _ in range(CLIENTS)]
        try:
            yield
        finally:
            load.stop.set()
            for client in clients:
                client.result()


def hand_in(load: Load, site: loopback.Site, number: int) -> str:
    """Have a job of pictures of its own done."""
    paths = [f"/{number}-{at}.png" for at in range(JOB_PICTURES)]
    for path in paths:
        site.answers[path] = loopback.send(load.make())
    headers = {"Idempotency-Key": f"job-{number}"}  # it may be sent twice
    body = {"items": [{"url": site.url(path)} for path in paths]}
    return str(load.ask("POST", f"{AT}/jobs", json=body, headers=headers).json()["id"])


def until_begun(load: Load, job: str) -> None:
    end = monotonic() + WAIT
    while load.ask("GET", f"{AT}/jobs/{job}").json()["state"] == "queued":
        # The one before may have been that of a server that was killed.
        if monotonic() > end or any(not node.is_up for node in load.nodes):
            return


def until_done(load: Load, job: str) -> dict[str, Any]:
    end = monotonic() + WAIT
    while monotonic() < end:
        found: dict[str, Any] = load.ask("GET", f"{AT}/jobs/{job}").json()
        if found["state"] not in {"queued", "running"}:
            return found
    raise AssertionError("a job is not done")


def every_face(load: Load) -> list[dict[str, Any]]:
    faces: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = load.ask("GET", f"{AT}/faces?limit=1000{cursor}").json()
        faces += page["items"]
        if not page["next"]:
            return faces
        cursor = f"&cursor={page['next']}"


def test_no_request_fails_but_those_of_killed_servers_and_jobs_are_done_once(
    postgres_url: str, photographs: Photographs, tmp_path: Path
) -> None:
    settings = {
        "store": postgres_url,
        "url_allow_networks": "127.0.0.0/8",
        "requests_per_minute": "0",
        "log_level": "error",
    }
    different = pictures(photographs)
    with loopback.serve() as site, ExitStack() as held:
        nodes = [Node(tmp_path, settings) for _ in range(2)]
        for node in nodes:
            held.callback(node.stop)
        making = Condition()

        def make() -> bytes:
            with making:
                return next(different)

        load = Load(nodes, make)
        jobs = []
        with working(load):
            for number in range(KILLS):
                jobs.append(hand_in(load, site, number))
                until_begun(load, jobs[-1])
                load.wait_for_more(2)
                nodes[number % 2].kill()
                load.wait_for_more(2)
                nodes[number % 2].start()
        done = [until_done(load, job) for job in jobs]
        for job in done:
            assert (job["state"], job["refused"]) == ("done", 0)
            assert job["stored"] + job["present"] == JOB_PICTURES
        faces = every_face(load)
        ids = {face["id"] for face in faces}
        assert load.stored <= ids, "acknowledged, and lost"
        of_jobs = [face for face in faces if face["id"] not in load.stored]
        assert len(of_jobs) == KILLS * JOB_PICTURES, "a picture of a job was stored twice, or never"
        print(
            f"{KILLS} kills, {load.answered} answers, {load.resent} sent again, "
            f"{len(of_jobs)} pictures of jobs; longest {load.longest:.1f} s"
        )
