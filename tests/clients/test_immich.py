"""Immich's requests, as node sends them, to a listener of their own on a real server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clients.envs import run_bare_node
from tests.e2e.server import Server
from tests.support.photographs import Photographs

SCRIPT = Path(__file__).parent / "scripts" / "immich.mjs"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    listen = "127.0.0.1:0=immich"
    with Server(tmp_path_factory.mktemp("immich"), compat_listen=listen) as server:
        yield next(line for line in server.output if " at http" in line).split(" at ")[1].split()[0]


def asked(url: str, picture: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_bare_node(SCRIPT, url, str(picture)))
    return found


def vector(face: dict[str, Any]) -> Any:
    return np.array(json.loads(face["embedding"]))


def test_immich_gets_faces_as_its_database_takes_them(url: str, photographs: Photographs) -> None:
    one, other = (asked(url, photographs[name]) for name in ("obama.jpg", "obama2.jpg"))
    assert one["ping"] == [200, "pong"]
    assert one["clip"] == [501, "not_served"]
    status, body = one["predict"]
    assert status == 200
    (face,) = body["facial-recognition"]
    box = face["boundingBox"]
    assert all(isinstance(value, int) for value in box.values())
    assert 0 <= box["x1"] < box["x2"] <= body["imageWidth"]
    assert 0 <= box["y1"] < box["y2"] <= body["imageHeight"]
    assert vector(face).shape == (512,)
    (again,) = other["predict"][1]["facial-recognition"]
    assert 1 - vector(face) @ vector(again) < 0.5  # Immich's own maximum distance
