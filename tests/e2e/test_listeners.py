"""Addresses of their own for clients without keys, on real sockets."""

from pathlib import Path

import requests

from faceserver.access.keys import KeyStore
from tests.e2e.server import Server
from tests.support.photographs import Photographs


def test_clients_without_keys_come_in_at_their_own_address(
    photographs: Photographs, tmp_path: Path
) -> None:
    listen = "127.0.0.1:0=original?scope=write,127.0.0.1:0=original"
    picture = photographs["obama.jpg"]
    with Server(tmp_path, compat_listen=listen) as server:
        doors = [line.split(" at ")[1].split()[0] for line in server.output if " at http" in line]
        KeyStore(tmp_path).create("somebody", "admin")
        assert server.register(picture).status_code == 401
        answers = [
            requests.post(f"{door}faceRegister", files={"f": picture.read_bytes()}, timeout=60)
            for door in doors
        ]
        assert [answer.status_code for answer in answers] == [200, 403]
        assert requests.get(f"{doors[0]}v1/status", timeout=60).status_code == 404
        events = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
        assert "listener 127.0.0.1:0=original" in events
