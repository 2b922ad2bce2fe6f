"""Each protocol's bad inputs, in one table: the status, the form of the answer, nothing stored.

A protocol's rows stand in ``bad_inputs.py`` of its folder, with ``with_key``, which puts a key
where its clients put it. ``prepare``, if it is there, patches what stands in a row's way.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.lifecycle import Services
from faceserver.web.compat import PROTOCOLS
from faceserver.web.context import backend_of
from tests.web.compat.table import KEY, BadInput

FOLDER = Path(__file__).parent
KINDS = ("no key", "wrong key", "no picture", "broken picture", "huge picture", "wrong types")


def module_of(protocol: str) -> Any:
    return import_module(f"tests.web.compat.{protocol.replace('-', '_')}.bad_inputs")


TABLE = [
    pytest.param(protocol, row, id=f"{protocol}: {row.name}")
    for protocol in PROTOCOLS.names()
    for row in module_of(protocol).rows()
]


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_every_protocol_has_a_row_of_each_kind(protocol: str) -> None:
    names = [row.name for row in module_of(protocol).rows()]
    without = getattr(module_of(protocol), "WITHOUT", ())  # clients of some cannot do it wrong
    for kind in KINDS:
        assert kind in without or any(name.startswith(kind) for name in names), kind


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.testing = False  # an error that nobody foresaw is a 500, as it is for users
    return app.test_client()


@pytest.mark.parametrize(("protocol", "row"), TABLE)
def test_bad_input(
    client: FlaskClient,
    service: Services,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
    row: BadInput,
) -> None:
    getattr(module_of(protocol), "prepare", lambda _: None)(monkeypatch)
    _, token = web.gate_of(client.application).keys.create("client", "admin")
    shown = {"good": token, "wrong": KEY}.get(row.key)
    headers = module_of(protocol).with_key(shown) if shown else {}
    own: dict[str, Any] = {**headers, **row.send}
    answer = client.open(f"/as/{protocol}{row.path}", method=row.method, **own)
    assert answer.status_code == row.status, answer.text
    row.judge(answer)
    assert "Traceback" not in answer.text
    assert service.collections.status().faces == 0
    assert service.people.page("default", limit=1).items == ()
    folder = backend_of(client.application).settings.data_dir
    assert not list(folder.glob("uploadImages/*"))
