"""What each protocol's table of bad inputs is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import TestResponse

KEY = "11111111-2222-4333-8444-555555555555"
"""Looks like a key of any protocol, and is none."""

HUGE = b"\xff\xd8" + bytes(50_000)
"""More than the tests' server takes as one picture."""

BROKEN = b"this is no picture"


@dataclass(frozen=True)
class BadInput:
    """A request that a protocol refuses.

    Attributes:
        name: what is wrong with it.
        path: below ``/as/<protocol>``.
        status: that is answered.
        judge: fails unless the answer is told in the protocol's own way.
        method: of HTTP.
        key: "good", "wrong", or none at all; each protocol's rows say where a key is put.
        send: further arguments of werkzeug's client.
    """

    name: str
    path: str
    status: int
    judge: Callable[[TestResponse], None]
    method: str = "POST"
    key: str = "good"
    send: Mapping[str, Any] = field(default_factory=dict)


def json_with(**expected: object) -> Callable[[TestResponse], None]:
    """Judges answers of JSON that hold these members, whatever else they hold."""

    def judge(answer: TestResponse) -> None:
        body = answer.get_json()
        assert {name: body.get(name) for name in expected} == expected, body

    return judge
