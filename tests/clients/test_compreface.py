"""CompreFace's own clients, unmodified, against a real server; and that server taken over."""

import json
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np
import pytest
import requests
from click.testing import CliRunner
from PIL import Image as Pillow

from faceserver.access.keys import KeyStore
from faceserver.cli.main import main
from tests.clients.envs import node_of, run_node, run_python
from tests.e2e.server import Server
from tests.support.loopback import send, serve
from tests.support.photographs import Photographs

SCRIPTS = Path(__file__).parent / "scripts"
NO_FACE = {"code": 28, "message": "No face is found in the given image"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("data"), compat="original,compreface,core") as running:
        yield running


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return KeyStore(server.data_dir).create("client", "write", kind="uuid")[1]


def similarities(result: dict[str, Any]) -> list[tuple[str, float]]:
    """The first prediction of each face."""
    firsts = [face["subjects"][0] for face in result["result"]]
    return [(first["subject"], first["similarity"]) for first in firsts]


def test_compreface_sdk(server: Server, key: str, photographs: Photographs) -> None:
    place = urlsplit(server.url)
    people = [str(photographs[f"{name}.jpg"]) for name in ("obama", "obama2", "biden")]
    told: dict[str, Any] = json.loads(
        run_python(
            "compreface",
            SCRIPTS / "compreface_sdk_calls.py",
            *(str(place.hostname), str(place.port), key, *people),
        )
    )
    assert told["no_subjects"] == {"subjects": []}
    assert told["subject"] == {"subject": "Joe Biden"}
    assert told["twice"] == {"code": 43, "message": "Subject already exists"}
    assert told["example"]["subject"] == "Barack Obama"
    assert told["list"]["total_elements"] == 2
    assert told["subjects"] == {"subjects": ["Joe Biden", "Barack Obama"]}

    ((name, similarity),) = similarities(told["recognized"])
    assert name == "Barack Obama"
    assert similarity > 0.6  # from where double-take takes it for a match
    assert "plugins_versions" in told["recognized"]
    (face,) = told["plugins"]["result"]
    assert len(face["embedding"]) == 512
    assert len(face["landmarks"]) == 5
    assert 0 < face["age"]["low"] <= face["age"]["high"] <= 100
    assert face["gender"]["value"] == "male"
    assert set(told["detected"]["result"][0]) == {"box"}

    (same,), (different,) = (told[name]["result"] for name in ("verified", "different"))
    assert same["face_matches"][0]["similarity"] > 0.6
    assert different["face_matches"][0]["similarity"] < 0.4
    (verified,) = told["verified_example"]["result"]
    assert (verified["subject"], verified["similarity"] > 0.6) == ("Barack Obama", True)

    assert (told["renamed"], told["merged"]) == ({"updated": True}, {"updated": True})
    assert {face["subject"] for face in told["merged_list"]["faces"]} == {"Joe Biden"}
    image_id = told["example"]["image_id"]
    assert told["deleted"] == {"image_id": image_id, "subject": "Joe Biden"}
    assert told["deleted_again"] == {"code": 44, "message": f"Image {image_id} not found"}
    assert told["deleted_all"] == {"deleted": 1}
    assert told["deleted_subject"] == {"subject": "Third"}
    assert told["unknown_subject"] == {"code": 42, "message": "Subject third not found"}
    assert told["deleted_subjects"] == {"deleted": 1}
    assert told["wrong_key"] == {"code": 26, "message": "Service API key should be UUID"}


def test_compreface_js_sdk(server: Server, key: str, photographs: Photographs) -> None:
    place = urlsplit(server.url)
    folder = node_of("compreface")
    person, again = (
        os.path.relpath(photographs[f"{name}.jpg"], folder) for name in ("obama", "obama2")
    )
    with serve() as site:
        for name in ("obama2", "biden"):
            data = photographs[f"{name}.jpg"].read_bytes()
            site.answers[f"/{name}.jpg"] = send(data, Content_Type="image/jpeg")
        printed = run_node(
            "compreface",
            SCRIPTS / "compreface_sdk.mjs",
            *(f"http://{place.hostname}", str(place.port), key, person, again),
            *(site.url("/obama2.jpg"), site.url("/biden.jpg")),
        )
    told: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert told["example"]["subject"] == "Barack"
    assert told["fromUrl"]["subject"] == "Joe"
    assert told["list"]["total_elements"] == 2
    for how in ("recognized", "fromBase64", "chunked"):
        ((name, similarity),) = similarities(told[how])
        assert (name, similarity > 0.6) == ("Barack", True), how
    assert "plugins_versions" in told["recognized"]
    assert "plugins_versions" in told["detected"]
    assert len(told["chunked"]["result"][0]["subjects"]) == 2
    for how in ("verified", "verifiedMixed", "verifiedBase64"):
        assert told[how]["result"][0]["face_matches"][0]["similarity"] > 0.6, how
    assert told["verifiedUrls"]["result"][0]["face_matches"][0]["similarity"] < 0.4
    assert told["verifiedExample"]["result"][0]["subject"] == "Barack"
    assert told["noName"] == [400, {"code": 26, "message": "Subject name cannot be empty"}]
    assert told["renamed"] == {"updated": True}
    assert told["subjects"] == {"subjects": ["Joe"]}
    image_id = told["example"]["image_id"]
    assert told["deleted"] == {"image_id": image_id, "subject": "Joe"}
    assert told["missing"] == [404, {"code": 44, "message": f"Image {image_id} not found"}]
    assert [each["subject"] for each in told["deletedSome"]] == ["Joe"]
    assert told["deletedOfSubject"] == {"deleted": 1}
    assert told["deletedAll"] == {"deleted": 1}
    assert told["deletedSubject"] == {"subject": "Fifth"}
    assert told["deletedSubjects"] == {"deleted": 0}


def test_a_back_end_finds_its_core(server: Server, key: str, photographs: Photographs) -> None:
    """What the back end sends: a form with a file, parameters in the query."""
    headers = {"X-Api-Key": key}
    status = server.get("/status", headers={**headers, "Accept": "*/*"}).json()
    assert status["available_plugins"]["calculator"] == status["calculator_version"]
    c0, c1 = status["similarity_coefficients"]
    assert 0 < c0 < 2 < c1
    query = "limit=1&det_prob_threshold=0.8&face_plugins=calculator,age,gender,landmarks"
    with photographs["obama.jpg"].open("rb") as file:
        answer = server.post(f"/find_faces?{query}", files={"file": file}, headers=headers).json()
    (face,) = answer["result"]
    assert len(face["embedding"]) == 512
    assert {"age", "gender", "landmarks"} < set(face)

    cut = {"file": ("a.jpg", cut_out(photographs["obama.jpg"], face["box"]))}
    scan = server.post("/scan_faces?detect_faces=false", files=cut, headers=headers).json()
    (alone,) = scan["result"]
    assert np.dot(alone["embedding"], face["embedding"]) > 0.9  # the same face, not looked for


def cut_out(photograph: Path, box: dict[str, int]) -> bytes:
    """A face with a little around it, as other programs cut it out."""
    with Pillow.open(photograph) as picture:
        margin = (box["x_max"] - box["x_min"]) // 10
        corners = (
            *(box["x_min"] - margin, box["y_min"] - margin),
            *(box["x_max"] + margin, box["y_max"] + margin),
        )
        file = BytesIO()
        picture.convert("RGB").crop(corners).save(file, "JPEG", quality=95)
    return file.getvalue()


def test_a_running_compreface_is_taken_over(
    server: Server,
    key: str,
    photographs: Photographs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = {"x-api-key": key}
    api = f"{server.url}/api/v1/recognition"
    for name, subject in (("obama", "Barack"), ("obama2", "Barack"), ("biden", "Joe")):
        with photographs[f"{name}.jpg"].open("rb") as file:
            query = {"subject": subject}
            added = requests.post(
                f"{api}/faces", params=query, files={"file": file}, headers=headers, timeout=60
            )
        assert added.status_code == 201
    known = requests.get(f"{api}/faces", headers=headers, timeout=60).json()["faces"]

    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "gallery"))
    monkeypatch.setenv("COMPREFACE_KEY", key)
    command = ["import-compreface", "--url", server.url, "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["stored"] == 3
    again = CliRunner().invoke(main, command)
    assert {**json.loads(again.stdout), "seen": 3, "present": 3, "stored": 0} == json.loads(
        again.stdout
    )
    with Server(tmp_path / "gallery", compat="compreface") as taken_over:
        listed = taken_over.get("/api/v1/recognition/faces").json()["faces"]
    by_id = sorted(listed, key=lambda face: UUID(face["image_id"]))
    assert by_id == sorted(known, key=lambda face: UUID(face["image_id"]))
