"""Forms over a real socket: what a client sends in pieces, under a name in Latin-1."""

from collections.abc import Iterator
from pathlib import Path

import requests

from tests.e2e.server import Server
from tests.support.photographs import Photographs


def test_a_chunked_form_with_odd_names(tmp_path: Path, photographs: Photographs) -> None:
    picture = photographs["obama.jpg"].read_bytes()
    heads = (
        b'name="b"; filename="b\xe4r.jpg"',
        b'name="c"',
        b'name="d"; filename="\x8e\xca\x90^.jpg"',
    )
    body = b"".join(
        b"--XX\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + picture + b"\r\n"
        for head in heads
    )

    def pieces() -> Iterator[bytes]:
        whole = body + b"--XX--\r\n"
        for start in range(0, len(whole), 30_000):
            yield whole[start : start + 30_000]

    with Server(tmp_path) as server:
        answer = requests.post(
            f"{server.url}/faceRegister",
            data=pieces(),
            headers={"Content-Type": "multipart/form-data; boundary=XX"},
            timeout=60,
        )
    assert answer.status_code == 200, answer.text
    items = answer.json()["faces"]
    assert [item["name"] for item in items] == ["bär.jpg", "c", "写真.jpg"]
    assert all(item["BoxsPoints"] for item in items)
