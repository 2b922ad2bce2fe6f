"""base64 in a form's fields, as programs send it that do not quote what they send."""

from base64 import b64encode

import pytest
from flask import Flask

from faceserver.web.compat.bodies import base64_bytes

DATA = b"\xff\xd8" + bytes(range(256)) + b"\xfb\xef\xbe" * 9
TEXT = b64encode(DATA).decode()
LOST = TEXT.replace("+", " ")
URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "text", [LOST, f" {LOST}\r\n", f"data:image/jpeg;base64,{LOST}", f"data:;base64, {LOST}", TEXT]
)
def test_a_plus_that_a_form_has_lost_is_put_back(text: str) -> None:
    assert " " in LOST
    with Flask(__name__).test_request_context(method="POST", content_type=URLENCODED):
        assert base64_bytes(text) == DATA


def test_elsewhere_a_blank_is_no_plus() -> None:
    with Flask(__name__).test_request_context(method="POST", json={}):
        assert base64_bytes(f"{TEXT[:40]} {TEXT[40:]}") == DATA
