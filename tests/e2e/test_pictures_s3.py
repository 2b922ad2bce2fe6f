"""A server whose pictures are kept on S3: what its users see, also when S3 goes away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.server import Server
from tests.support.photographs import Photographs
from tests.support.relay import Relay, relay_to
from tests.support.s3_server import S3Server


@pytest.fixture
def relay(s3: S3Server) -> Iterator[Relay]:
    with relay_to(int(s3.endpoint.rpartition(":")[2])) as relay:
        yield relay


def settings(s3: S3Server, relay: Relay, folder: Path) -> dict[str, str]:
    return {
        "pictures": f"s3://{s3.bucket}/{folder.name}",
        "s3_endpoint": f"http://127.0.0.1:{relay.port}",
        "s3_region": "us-east-1",
    }


def add(server: Server, picture: Path) -> requests.Response:
    return requests.post(
        f"{server.url}/v1/collections/default/faces",
        files={"file": picture.read_bytes()},
        timeout=60,
    )


def stored(server: Server) -> list[dict[str, Any]]:
    answer = server.get("/v1/collections/default/faces")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_pictures_go_to_the_bucket_and_come_through_the_server(
    tmp_path: Path, s3: S3Server, relay: Relay, photographs: Photographs
) -> None:
    with Server(tmp_path, **settings(s3, relay, tmp_path)) as server:
        (face,) = add(server, photographs["obama.jpg"]).json()["faces"]
        path = f"/v1/collections/default/faces/{face['id']}"
        picture = server.get(f"{path}/picture")
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert int(picture.headers["Content-Length"]) == len(picture.content) > 10_000
        part = requests.get(
            f"{server.url}{path}/picture", headers={"Range": "bytes=2-5"}, timeout=10
        )
        assert (part.status_code, part.content) == (206, picture.content[2:6])
        assert server.get(f"{path}/crop").headers["Content-Type"] == "image/jpeg"
        (match,) = server.retrieve(photographs["obama2.jpg"]).json()["faces"]
        assert server.get(match["path"]).content == picture.content
        assert not (tmp_path / "uploadImages").exists()

        requests.delete(server.url + path, timeout=10)
        assert server.get(match["path"]).status_code == 404

    with Server(tmp_path, **settings(s3, relay, tmp_path)) as server:
        assert stored(server) == []


def test_s3_goes_away_and_comes_back(
    tmp_path: Path, s3: S3Server, relay: Relay, photographs: Photographs
) -> None:
    with Server(tmp_path, **settings(s3, relay, tmp_path)) as server:
        (face,) = add(server, photographs["obama.jpg"]).json()["faces"]
        relay.close()
        refused = add(server, photographs["biden.jpg"])
        assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
        assert [item["id"] for item in stored(server)] == [face["id"]]
        picture = f"/v1/collections/default/faces/{face['id']}/picture"
        assert server.get(picture).json()["code"] == "store_unavailable"
        # What needs no picture goes on.
        assert server.retrieve(photographs["obama2.jpg"]).status_code == 200

        relay.open = True
        assert add(server, photographs["biden.jpg"]).status_code == 201
        assert server.get(picture).status_code == 200
        assert len(stored(server)) == 2


def test_a_server_that_starts_while_s3_is_away_waits_for_it(
    tmp_path: Path, s3: S3Server, relay: Relay
) -> None:
    relay.close()
    with Server(tmp_path, ready="", **settings(s3, relay, tmp_path)) as server:
        server.wait_for("waiting: ", inside=True)
        health = server.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "starting")
        assert "does not answer" in health.json()["reason"]
        relay.open = True
        server.wait_for("Ready")
        assert server.get("/health").json()["status"] == "ready"


def test_clients_may_be_led_to_the_bucket(
    tmp_path: Path, s3: S3Server, relay: Relay, photographs: Photographs
) -> None:
    led = {**settings(s3, relay, tmp_path), "s3_public_endpoint": s3.endpoint}
    with Server(tmp_path, **led) as server:
        (face,) = add(server, photographs["obama.jpg"]).json()["faces"]
        url = f"{server.url}/v1/collections/default/faces/{face['id']}/picture"
        answer = requests.get(url, allow_redirects=False, timeout=10)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "private, no-cache")
        assert answer.headers["Location"].startswith(f"{s3.endpoint}/{s3.bucket}/{tmp_path.name}/")
        followed = requests.get(url, headers={"Authorization": "Bearer of-ours"}, timeout=10)
        assert followed.status_code == 200
        assert followed.content[:2] == b"\xff\xd8"
        page = server.get("/faceRegister.html")
        assert (
            f"img-src 'self' blob: data: {s3.endpoint};" in page.headers["Content-Security-Policy"]
        )
