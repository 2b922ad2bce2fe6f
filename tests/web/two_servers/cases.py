"""The table of cases: what writes through a route of one server, and sees it through another."""

from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from itertools import count
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.services.test_facade import RED, png

V1 = "/v1/collections"


class Server:
    """One of the two."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def __call__(self, method: str, path: str, **sent: Any) -> Any:
        """The answer's JSON, of a request that succeeds."""
        answer = self.ask(method, path, **sent)
        assert answer.status_code < 400, answer.text
        return answer.get_json(force=True, silent=True)

    def ask(self, method: str, path: str, **sent: Any) -> TestResponse:
        return self.client.open(path, method=method, buffered=True, **sent)

    def status(self, method: str, path: str, **sent: Any) -> int:
        return self.ask(method, path, **sent).status_code


Case = Callable[[Server, Server], None]
CASES: dict[str, Case] = {}

_numbers = count()


def case(*routes: str) -> Callable[[Case], Case]:
    """Enter a case, which writes through its first server and reads through its second one."""

    def entered(act: Case) -> Case:
        for route in routes:
            assert route not in CASES, route
            CASES[route] = act
        return act

    return entered


def collection(here: Server) -> str:
    """Make a collection of a name of its own; return its address."""
    name = f"c{next(_numbers)}"
    here("POST", V1, json={"name": name})
    return f"{V1}/{name}"


def file(colour: tuple[int, int, int] = RED, **fields: str) -> dict[str, Any]:
    """What sends a picture of one face, and fields, in a form."""
    return {"data": {"file": (BytesIO(png(colour)), "a.png"), **fields}}


def text(colour: tuple[int, int, int] = RED) -> str:
    """A picture of one face as base64."""
    return b64encode(png(colour)).decode()


def face(here: Server, at: str, colour: tuple[int, int, int] = RED, **fields: str) -> str:
    """Store a face; return its id."""
    added: dict[str, Any] = here("POST", f"{at}/faces", **file(colour, **fields))
    return str(added["faces"][0]["id"])


def person(here: Server, at: str, name: str) -> str:
    """Add a person; return the id."""
    return str(here("POST", f"{at}/subjects", json={"name": name})["id"])
