"""Keys at a real server: made and revoked beside it, asked for at once, and written nowhere."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import requests
from PIL import Image as Pillow

from tests.e2e.server import ROOT, Server
from tests.support.photographs import Photographs


def keys(data_dir: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "faceserver", "keys", *arguments],
        env={**os.environ, "FACESERVER_DATA_DIR": str(data_dir)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_keys_take_effect_beside_a_running_server(photographs: Photographs, tmp_path: Path) -> None:
    picture = photographs["obama.jpg"]
    files = {"f": ("f.jpg", picture.read_bytes())}
    with Server(tmp_path, log_format="json") as server:
        assert server.register(picture).status_code == 200  # open: no API key exists
        writer = keys(tmp_path, "create", "--name", "camera", "--scope", "write")
        assert code(server.register(picture)) == (401, "not_authenticated")
        headers = {"Authorization": f"Bearer {writer}", "X-Request-ID": "from-the-camera"}
        assert server.post("/faceRegister", files=files, headers=headers).status_code == 200
        found = server.post("/faceRetrieve", files=files, headers=headers).json()["faces"]
        assert code(server.get(found[0]["path"])) == (401, "not_authenticated")
        assert server.get(found[0]["path"], headers=headers).status_code == 200
        keys(tmp_path, "revoke", "camera")
        assert code(server.post("/faceRetrieve", files=files, headers=headers))[0] == 401
    log = [json.loads(line) for line in server.output if line.startswith("{")]
    assert any("no API key exists" in entry["message"] for entry in log)
    events = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    assert '"request_id": "from-the-camera"' in events
    for text in (events, "\n".join(server.output)):
        assert writer.split("_", 2)[2] not in text


def test_a_browser_signs_in_registers_and_signs_out(
    photographs: Photographs, tmp_path: Path
) -> None:
    token = keys(tmp_path, "create", "--name", "laptop", "--scope", "write")
    files = {"f": ("f.jpg", photographs["obama.jpg"].read_bytes())}
    with Server(tmp_path) as server:
        browser = requests.Session()
        browser.headers["Accept"] = "text/html"
        page = browser.get(f"{server.url}/faceRegister.html", timeout=60)
        assert page.url.endswith("/signIn?next=/faceRegister.html")
        page = browser.post(
            f"{server.url}/signIn", data={"key": token, "next": "/faceRegister.html"}, timeout=60
        )
        assert page.url.endswith("/faceRegister.html")
        found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
        assert found
        url = f"{server.url}/faceRegister"
        assert browser.post(url, files=files, timeout=60).status_code == 403
        headers = {"X-CSRF-Token": found[1]}
        assert browser.post(url, files=files, headers=headers, timeout=60).status_code == 200
        browser.post(f"{server.url}/signOut", data={"csrf_token": found[1]}, timeout=60)
        page = browser.get(f"{server.url}/faceRegister.html", timeout=60)
        assert page.url.endswith("/signIn?next=/faceRegister.html")


def test_a_picture_is_served_without_what_came_with_it(
    photographs: Photographs, tmp_path: Path
) -> None:
    """No place where it was taken, no profile, no comment, nothing behind its end."""
    file = io.BytesIO()
    tags = Pillow.Exif()
    tags[0x010E] = "<script>alert(1)</script>"
    tags.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    Pillow.open(photographs["obama.jpg"]).save(
        file, "JPEG", exif=tags, icc_profile=b"profile" * 9, comment=b"a comment"
    )
    sent = file.getvalue() + b"<script>alert(2)</script>"
    with Server(tmp_path) as server:
        files = {"f": ("<script>.jpg", sent)}
        answer = server.post("/faceRegister?include=path", files=files)
        served = server.get(answer.json()["faces"][0]["path"])
    assert served.headers["Content-Type"] == "image/jpeg"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    for part in (b"script", b"profile", b"comment", b"Exif"):
        assert part in sent
        assert part not in served.content
    assert not Pillow.open(io.BytesIO(served.content)).getexif()
    assert [path.name for path in tmp_path.rglob("*script*")] == []
