"""The examples of docs/operations.md, in nginx and HAProxy where they are installed."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faceserver.access.keys import KeyStore
from tests.e2e.server import ROOT, Server

CLIENT = "127.0.0.2"
NGINX = """\
pid {folder}/pid;
daemon off;
events {{}}
http {{
    access_log off;
    {temporary}
    server {{
        listen 127.0.0.1:{port};
        {example}
    }}
}}
"""
TEMPORARY = "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
HAPROXY = """\
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
{example}
"""


def example(name: str, server: str) -> str:
    """An example of the docs, before a server."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^{name}:\n\n```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert "127.0.0.1:8000" in found
    return str(found).replace("127.0.0.1:8000", server)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def nginx_command(folder: Path, server: str, port: int) -> list[str]:
    temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    path = folder / "nginx.conf"
    path.write_text(
        NGINX.format(
            folder=folder, port=port, temporary=temporary, example=example("nginx", server)
        )
    )
    return ["-e", str(folder / "error.log"), "-p", str(folder), "-c", str(path)]


def haproxy_command(folder: Path, server: str, port: int) -> list[str]:
    text, count = re.subn("bind :443 .*", f"bind 127.0.0.1:{port}", example("HAProxy", server))
    assert count == 1
    path = folder / "haproxy.cfg"
    path.write_text(HAPROXY.format(example=text))
    return ["-db", "-f", str(path)]


COMMANDS = {"nginx": nginx_command, "haproxy": haproxy_command}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def key(data: Path) -> str:
    return KeyStore(data).create("client", "admin")[1]


@pytest.fixture(scope="module")
def server(data: Path, key: str) -> Iterator[Server]:
    with Server(data, trusted_proxies="127.0.0.1", host_names="faces.example") as running:
        yield running


@pytest.fixture(params=COMMANDS)
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """Where the proxy listens."""
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"{request.param} is not installed (Debian: apt install {request.param})")
    server: Server = request.getfixturevalue("server")
    port = free_port()
    arguments = COMMANDS[request.param](tmp_path, server.url.removeprefix("http://"), port)
    process = subprocess.Popen([program, *arguments], stderr=subprocess.STDOUT)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while True:
        assert process.poll() is None, "the proxy ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until
        else:
            return


def ask(port: int, path: str, **headers: str) -> tuple[int, str, str]:
    """Ask the proxy, as somebody who lies about where they are: status, Location and body."""
    lies = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Prefix": "/evil"}
    lies |= {"X-Forwarded-Host": "evil.example", "Host": "faces.example"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(
        http.client.HTTPConnection("127.0.0.1", port, source_address=(CLIENT, 0))
    ) as connection:
        connection.request("GET", path, headers=lies | named)
        found = connection.getresponse()
        return found.status, found.getheader("Location", ""), found.read().decode()


def test_the_example_works(port: int, key: str, data: Path) -> None:
    assert ask(port, "/faces")[1].endswith("/faces/")
    assert ask(port, "/faces/")[1] == "/faces/faceRegister.html"
    led = ask(port, "/faces/people?tag=a", Accept="text/html")
    assert led[1] == "/faces/signIn?next=/faces/people?tag%3Da"
    assert '"root": "/faces/"' in ask(port, "/faces/signIn")[2]
    described = json.loads(ask(port, "/faces/v1/openapi.json")[2])
    assert described["servers"] == [{"url": "/faces"}]
    assert ask(port, "/faces/metrics", X_Api_Key=key)[0] == 200
    events = (data / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(events[-1])["address"] == CLIENT
