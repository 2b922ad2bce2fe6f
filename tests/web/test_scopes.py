"""Every route x every scope, from the app's own url map: as the table in docs/security.md says.

``python -m tests.web.test_scopes`` prints the table as it should be.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask import Flask
from flask.testing import FlaskClient

from faceserver import web
from faceserver.access.base import Keys
from faceserver.access.keys import KeyScope
from faceserver.config import load_settings
from faceserver.web.guard import scopes
from faceserver.web.guard.scopes import scope
from tests.web.fakes import FakeBackend, make_app
from tests.web.guarded import REACHED, Route, hollow_out, routes, status_of

DOCS = Path(__file__).resolve().parents[2] / "docs" / "security.md"

BOUND = {
    "path": "the collection in the address",
    "default": "the collection `default`",
    "own": "its own collection; `default` if it has none",
    "none": "any key",
    "view": "what is in its collection",
}
SCOPES: tuple[KeyScope, ...] = ("read", "write", "admin")


def app_in(folder: Path, **settings: object) -> Flask:
    return make_app(FakeBackend(load_settings(data_dir=folder)), **settings)


def all_routes() -> list[Route]:
    with TemporaryDirectory() as folder:
        return routes(app_in(Path(folder)))


ROUTES = all_routes()


def row(route: Route) -> str:
    return f"| {route.method} | `{route.address}` | {route.scope} | {bound(route)} |"


def bound(route: Route) -> str:
    if route.scope == "public":
        return "-"
    if route.reach == "path" and "<collection>" not in route.address:
        return "none of them"
    return BOUND[route.reach]


def test_the_docs_have_the_table() -> None:
    rows = re.findall(r"^\| [A-Z]+ \| `/.*$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [row(route) for route in ROUTES], "python -m tests.web.test_scopes prints it"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    made = app_in(tmp_path_factory.mktemp("data"))
    hollow_out(made)
    return made


@pytest.fixture(scope="module")
def keys(app: Flask) -> dict[str, str]:
    """A key for each scope, for all collections and for one, and one that was revoked."""
    store: Keys = web.gate_of(app).keys
    made: dict[str, str] = {name: store.create(name, name)[1] for name in SCOPES}
    made |= {f"{name} of own": store.create(f"{name} of own", name, "own")[1] for name in SCOPES}
    made |= {"admin of default": store.create("of default", "admin", "default")[1]}
    made |= {"revoked": store.create("revoked", "admin")[1]}
    store.revoke("revoked")
    return made


@pytest.fixture(scope="module")
def client(app: Flask, keys: dict[str, str]) -> FlaskClient:
    return app.test_client()


def ask(client: FlaskClient, route: Route, key: str | None, collection: str = "default") -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return status_of(client.open(route.path(collection), method=route.method, headers=headers))


ids = [f"{route.method} {route.address}" for route in ROUTES]


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_every_scope(client: FlaskClient, keys: dict[str, str], route: Route) -> None:
    order = ("public", *SCOPES)
    for name in SCOPES:
        allowed = order.index(name) >= order.index(route.scope)
        assert ask(client, route, keys[name]) == (REACHED if allowed else 403), name


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_without_a_good_key(client: FlaskClient, keys: dict[str, str], route: Route) -> None:
    expected = REACHED if route.scope == "public" else 401
    for key in (None, keys["revoked"], "fs_0123456789ab_" + "A" * 43, "nonsense"):
        assert ask(client, route, key) == expected, key


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_keys_of_one_collection(client: FlaskClient, keys: dict[str, str], route: Route) -> None:
    own, other = (ask(client, route, keys["admin of own"], name) for name in ("own", "other"))
    if route.scope == "public" or route.reach in {"own", "none", "view"}:
        assert (own, other) == (REACHED, REACHED)
    elif route.reach == "path" and "<collection>" in route.address:
        assert (own, other) == (REACHED, 403)
    else:
        assert (own, other) == (403, 403)
    if route.reach == "default" and route.scope != "public":
        assert ask(client, route, keys["admin of default"]) == REACHED
    if route.scope in {"write", "admin"}:
        assert ask(client, route, keys["read of own"], "own") == 403


def test_asking_for_the_methods_reaches_no_view(client: FlaskClient) -> None:
    for route in ROUTES:
        answer = client.options(route.path())
        assert (answer.status_code, answer.data) == (200, b""), route
        assert route.method in answer.headers["Allow"]


def test_an_open_server_lets_everybody_do_everything(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    hollow_out(app)
    client = app.test_client()
    assert {ask(client, route, None) for route in ROUTES} == {REACHED}


def test_a_closed_server_without_a_key_lets_nobody_in(tmp_path: Path) -> None:
    app = app_in(tmp_path, host="0.0.0.0")
    hollow_out(app)
    client = app.test_client()
    for route in ROUTES:
        assert ask(client, route, None) == (REACHED if route.scope == "public" else 401)


def test_an_app_with_a_route_without_a_mark_does_not_start(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    app.add_url_rule("/new", "new", lambda: "forgotten")
    with pytest.raises(RuntimeError, match="new"):
        scopes.check(app)


def test_a_mark_leaves_the_view_as_it_is() -> None:
    def view() -> str:
        return "seen"

    assert scope("admin", reach="view")(view) is view
    assert view() == "seen"


if __name__ == "__main__":
    print("| method | address | scope | a key of one collection reaches |")
    print("|---|---|---|---|")
    for each in ROUTES:
        print(row(each))
