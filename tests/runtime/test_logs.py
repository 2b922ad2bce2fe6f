"""The log: text or JSON, with the request's id, without keys."""

import json
import logging
from collections.abc import Iterator

import pytest

from faceserver.runtime import logs

KEY = "fs_0123456789ab_" + "Sx-_" * 10 + "abc"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def fail() -> None:
    raise ValueError(f"the key {KEY} is bad")


def log_a_failure() -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("x").exception("no luck with %s", KEY)


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text", "info")
    logging.getLogger("x").info("hello %s", "there")
    logging.getLogger("x").debug("not this")
    token = logs.request_id.set("r1")
    logging.getLogger("x").warning("evil\nERROR x: forged")
    logs.request_id.reset(token)
    assert (
        capsys.readouterr().err == "INFO x: hello there\nWARNING x [r1]: evil\\nERROR x: forged\n"
    )


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")
    token = logs.request_id.set("r1")
    log_a_failure()
    logs.request_id.reset(token)
    logging.getLogger("x").info("after")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first["level"] == "error"
    assert first["logger"] == "x"
    assert first["request_id"] == "r1"
    assert first["message"].startswith("no luck with fs_0123456789ab_***")
    assert "Traceback" in first["exception"]
    assert first["time"].endswith("Z")
    assert set(second) == {"time", "level", "logger", "message"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_key_is_in_it(capsys: pytest.CaptureFixture[str], form: str) -> None:
    logs.configure(form, "info")  # type: ignore[arg-type]
    log_a_failure()
    output = capsys.readouterr().err
    assert "Sx-_" not in output
    assert output.count("fs_0123456789ab_***") >= 2


def test_configuring_again_replaces(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text", "info")
    logs.configure("text", "warning")
    logging.getLogger("x").info("not this")
    logging.getLogger("x").warning("once")
    assert capsys.readouterr().err == "WARNING x: once\n"
