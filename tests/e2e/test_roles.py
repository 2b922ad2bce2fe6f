"""A web server and a worker, two processes on one database: one takes jobs, the other does them."""

from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.support import loopback
from tests.support.photographs import Photographs

PATH = "/v1/collections/default/jobs"


def test_a_worker_does_what_a_web_server_takes(
    postgres_url: str, photographs: Photographs, tmp_path: Path
) -> None:
    shared = {
        "store": postgres_url,
        "url_allow_networks": "127.0.0.0/8",
        "requests_per_minute": "0",
    }
    with loopback.serve() as site, Server(tmp_path, role="web", **shared) as web:
        site.answers["/a.jpg"] = loopback.send(photographs["obama.jpg"].read_bytes())
        assert web.get("/health").json()["role"] == "web"
        job = web.post(PATH, json={"items": [{"url": site.url("/a.jpg")}]}).json()
        with Server(tmp_path, role="worker", **shared) as worker:
            assert "This is a worker" in "\n".join(worker.output)
            # Until now nobody has begun with it.
            states = (web.get(f"{PATH}/{job['id']}").json() for _ in range(5000))
            done = next(state for state in states if state["state"] not in {"queued", "running"})
            assert (done["state"], done["stored"], done["faces"]) == ("done", 1, 1)
            health = worker.get("/health")
            assert (health.status_code, health.json()["role"]) == (200, "worker")
            assert "faceserver_jobs_open 0.0" in worker.get("/metrics").text
            refused = worker.get(f"{PATH}/{job['id']}")
            assert (refused.status_code, refused.json()["code"]) == (501, "not_served")
        second = web.post(PATH, json={"items": [{"url": site.url("/a.jpg?2")}]}).json()
        assert second["state"] == "queued"


def test_a_web_server_without_a_database_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="FACESERVER_STORE"), Server(tmp_path, role="web"):
        pass
