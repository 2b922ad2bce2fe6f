"""Programs that ask for vectors and keep them themselves, against a real server and real models."""

import base64
import json
import math
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image as Pillow

from faceserver.access.keys import KeyStore
from tests.e2e.server import Server
from tests.support.photographs import Photographs

SECONDS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server's URL and a key that reads and writes."""
    folder = tmp_path_factory.mktemp("vectors")
    with Server(folder) as running:
        yield running.url, KeyStore(folder).create("client", "write")[1]


def curl(url: str, key: str, **parts: str) -> Any:
    """What PHP's curl sends: a multipart form with the picture as an octet stream."""
    forms = [word for name, value in parts.items() for word in ("-F", f"{name}={value}")]
    command = ["curl", "-sS", "-H", f"x-api-key: {key}", *forms, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    return json.loads(done.stdout)


def test_nextcloud_s_clusters_join_one_person_and_no_other(
    server: tuple[str, str], photographs: Photographs
) -> None:
    url, key = server
    base = f"{url}/as/nextcloud"
    assert curl(f"{base}/open", key)["preferred_mimetype"] == "image/jpeg"
    found = {
        name: curl(
            f"{base}/detect",
            key,
            file=f"@{photographs[name]};type=application/octet-stream;filename=phpX",
        )
        for name in ("obama.jpg", "obama2.jpg", "biden.jpg")
    }
    assert all(answer["faces-count"] == 1 for answer in found.values())
    one, same, other = (answer["faces"][0] for answer in found.values())
    assert all(face["detection_confidence"] >= 0.99 for face in (one, same, other))
    assert math.dist(one["descriptor"], same["descriptor"]) < 0.4
    assert math.dist(one["descriptor"], other["descriptor"]) > 0.4
    again = curl(f"{base}/compute", key, file=f"@{photographs['obama.jpg']}", face=json.dumps(one))[
        "face"
    ]
    assert math.dist(again["descriptor"], one["descriptor"]) < 0.01


def large(path: Path) -> bytes:
    """The same photograph as a file that only a picture is allowed to be as large as."""
    file = BytesIO()
    with Pillow.open(path) as picture:
        picture.convert("RGB").save(file, "PNG")
    assert len(file.getvalue()) > 400_000
    return file.getvalue()


def test_deepface_s_users_verify_register_and_search(
    server: tuple[str, str], photographs: Photographs
) -> None:
    url, key = server
    headers = {"Authorization": f"Bearer {key}"}

    def post(path: str, **body: object) -> Any:
        answer = requests.post(
            f"{url}/as/deepface{path}", json=body, headers=headers, timeout=SECONDS
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    pictures = {
        name: "data:image/png;base64," + base64.b64encode(large(photographs[name])).decode()
        for name in ("obama.jpg", "obama2.jpg", "biden.jpg")
    }
    one, same, other = pictures.values()
    assert post("/verify", img1=one, img2=same, model_name="Facenet512")["verified"] is True
    assert post("/verify", img1=one, img2=other)["verified"] is False
    assert post("/register", img=one, img_name="Barack Obama") == {"inserted": 1}
    ((hit,),) = post("/search", img=same)["results"]
    assert hit["img_name"] == "Barack Obama"
    assert post("/search", img=other)["results"] == [[]]
    (told,) = post("/analyze", img=one)["results"]
    assert told["dominant_gender"] == "Man"
    assert 30 < told["age"] < 75
    assert "dominant_emotion" not in told


def test_photoprism_s_crops_become_vectors(
    server: tuple[str, str], photographs: Photographs
) -> None:
    url, key = server
    headers = {"Authorization": f"Bearer {key}"}
    crops = []
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        with photographs[name].open("rb") as file:
            answer = requests.post(
                f"{url}/v1/detect", files={"file": file}, headers=headers, timeout=SECONDS
            )
        box = answer.json()["faces"][0]["box"]
        middle = (box["x1"] + box["x2"]) / 2, (box["y1"] + box["y2"]) / 2
        half = max(box["x2"] - box["x1"], box["y2"] - box["y1"]) * 0.6
        edges = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
        crop = BytesIO()
        with Pillow.open(photographs[name]) as picture:
            picture.convert("RGB").crop(tuple(map(round, edges))).resize((160, 160)).save(
                crop, "JPEG"
            )
        crops.append("data:image/jpeg;base64," + base64.b64encode(crop.getvalue()).decode())
    answer = requests.post(
        f"{url}/as/photoprism/api/v1/vision/face",
        json={"id": "b1", "suffix": "", "stream": False, "images": crops},
        headers=headers,
        timeout=SECONDS,
    )
    body = answer.json()
    assert (body["code"], body["model"]["resolution"]) == (200, 160)
    ((one,), (same,), (other,)) = body["result"]["embeddings"]
    assert len(one) == 512
    assert math.dist(one, same) < math.dist(one, other)
