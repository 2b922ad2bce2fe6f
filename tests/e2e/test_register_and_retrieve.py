"""What the project is for: register two men, find each again in another photograph."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import Server
from tests.support.photographs import Photographs


def nearest_source(server: Server, probe: Path) -> list[dict[str, Any]]:
    answer = server.retrieve(probe)
    assert answer.status_code == 200, answer.text
    faces: list[dict[str, Any]] = answer.json()["faces"]
    assert faces == sorted(faces, key=lambda face: face["distance"])
    return faces


def path_of(server: Server, picture: Path) -> str:
    """The path under which the server has stored a picture: its nearest match is itself."""
    best = nearest_source(server, picture)[0]
    assert best["distance"] == pytest.approx(0, abs=1e-3)
    return str(best["path"])


def test_the_same_man_is_found_and_the_other_is_not(
    tmp_path: Path, photographs: Photographs
) -> None:
    with Server(tmp_path) as server:
        answer = server.register(photographs["obama.jpg"], photographs["biden.jpg"])
        assert answer.status_code == 200, answer.text
        obama, biden = (path_of(server, photographs[f"{who}.jpg"]) for who in ("obama", "biden"))
        assert obama != biden

        found = nearest_source(server, photographs["obama2.jpg"])
        assert [face["path"] for face in found] == [obama]

        stored = server.get(obama)
        assert stored.headers["Content-Type"] == "image/jpeg"

    with Server(tmp_path) as server:
        assert server.get("/health").json()["faces"] == 2
        assert nearest_source(server, photographs["obama2.jpg"]) == found
        assert server.get(obama).content == stored.content


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, photographs: Photographs) -> None:
    with Server(tmp_path) as server:
        assert server.register(photographs["obama.jpg"]).status_code == 200
        server.stop(signal.SIGKILL)
    with Server(tmp_path) as server:
        (match,) = nearest_source(server, photographs["obama2.jpg"])
        assert server.get(str(match["path"])).status_code == 200


def test_terminating_ends_the_server_in_order(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        assert server.stop(signal.SIGTERM) == 0


def test_a_second_server_on_the_same_folder_refuses_to_start(tmp_path: Path) -> None:
    with Server(tmp_path), pytest.raises(AssertionError, match="store_locked"), Server(tmp_path):
        pass
