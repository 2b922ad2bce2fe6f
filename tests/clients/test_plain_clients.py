"""Protocols whose clients are curl and scripts, on real photographs."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faceserver.access.keys import KeyStore
from faceserver.cli.main import main
from tests.e2e.server import Server
from tests.support.photographs import Photographs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with Server(folder, compat="original,compare,face-id,deepstack,facebox") as running:
        yield running


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return KeyStore(server.data_dir).create("client", "write")[1]


def curl(*arguments: str) -> str:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail-with-body", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def example(photographs: Photographs, target: Path, *names: str) -> Path:
    """A request as `faceserver gen-example-json` writes it."""
    pictures = [str(photographs[name]) for name in names]
    main.main(["gen-example-json", *pictures, "--output", str(target)], standalone_mode=False)
    return target


def test_face_compare_as_its_example_client_calls_it(
    server: Server, key: str, photographs: Photographs, tmp_path: Path
) -> None:
    url = f"{server.url}/key/{key}/service"
    same = example(photographs, tmp_path / "same.json", "obama.jpg", "obama2.jpg")
    other = example(photographs, tmp_path / "other.json", "obama.jpg", "biden.jpg")
    near = float(curl("-X", "POST", url, "-T", str(same)))
    far = float(curl("-X", "POST", url, "-T", str(other)))
    assert 0 < near < 1 < far < 2
    assert float(curl(url, "-d", f"@{same}")) == pytest.approx(near, abs=1e-4)
    as_json = ("-H", "Content-Type: application/json", "--data-binary", f"@{same}")
    assert float(curl(url, *as_json)) == pytest.approx(near, abs=1e-4)
    (bound,) = json.loads(curl(f"{url}/detect", "-X", "POST", "-T", str(same)))["bounds"]
    assert bound[0] < bound[2]
    assert bound[4] > 0.9


def test_the_embedding_of_a_plain_picture(
    server: Server, key: str, photographs: Photographs
) -> None:
    url = f"{server.url}/key/{key}/service"
    picture = photographs["obama.jpg"]
    vector = json.loads(curl("-X", "POST", url, "-T", str(picture)))
    assert len(vector) == 512
    assert sum(number * number for number in vector) == pytest.approx(1, abs=1e-4)
    again = json.loads(curl(url, "--data-binary", f"@{picture}"))
    assert again == pytest.approx(vector, abs=1e-3)


def test_face_id_names_the_nearest(server: Server, key: str, photographs: Photographs) -> None:
    headers = {"X-Api-Key": key}

    def image(name: str) -> dict[str, str]:
        return {"image": b64encode(photographs[name].read_bytes()).decode()}

    def post(path: str, body: dict[str, Any]) -> Any:
        return server.post(path, json=body, headers=headers).json()

    for number, name in ((44, "obama.jpg"), (46, "biden.jpg")):
        assert post("/generate", {"id": number, "images": [image(name)]}) == {"Response": "OK"}
    found = post("/infer", image("obama2.jpg"))
    assert (found["cos_id"], found["euc_id"]) == ([44], [44])
    assert 0.4 < found["cos_conf"][0] <= 1
    assert 0.4 < found["euc_conf"][0] <= 1
    ((left, top, right, bottom),) = found["bb"]
    assert 0 <= left < right
    assert 0 <= top < bottom
    transparent = post("/infer", image("32bit.png"))  # what its author lists as missing
    assert len(transparent["bb"]) == len(transparent["cos_id"]) >= 1
    assert server.get("/ids", headers=headers).json() == {"ids": [44, 46]}


def test_facebox_with_a_password(server: Server, key: str, photographs: Photographs) -> None:
    user = ("-u", f"any:{key}")
    at = f"{server.url}/facebox"
    known, again = photographs["obama.jpg"], photographs["obama2.jpg"]
    lesson = ("-F", f"file=@{known}", "-F", "name=Barack", "-F", "id=obama.jpg")
    assert json.loads(curl(*user, f"{at}/teach", *lesson)) == {"success": True}
    (face,) = json.loads(curl(*user, f"{at}/check", "-F", f"file=@{again}"))["faces"]
    assert (face["matched"], face["name"], face["id"]) == (True, "Barack", "obama.jpg")
    assert face["confidence"] > 0.5
    other = photographs["biden.jpg"]
    (stranger,) = json.loads(curl(*user, f"{at}/check", "-F", f"file=@{other}"))["faces"]
    # Whoever is registered by then, it is not the man of the other photographs.
    assert stranger.get("name") != "Barack"
    assert json.loads(curl(*user, "-X", "DELETE", f"{at}/teach/obama.jpg"))["success"] is True
    assert json.loads(curl(*user, f"{server.url}/healthz"))["metadata"]["boxname"] == "facebox"
