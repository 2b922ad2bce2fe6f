"""When a server is open, and when it may not start."""

from pathlib import Path

import pytest

from faceserver.access.audit import Event
from faceserver.access.guard import is_loopback, open_audit_log, open_gate, refuse_unguarded
from faceserver.access.keys import KeyStore
from faceserver.config import load_settings
from faceserver.errors import SetupError

LOOPBACK = ["127.0.0.1", "127.8.9.1", "::1", "localhost"]
BEYOND = ["0.0.0.0", "::", "192.168.1.2", "faces.example"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_is_open_until_a_key_is_made(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    settings = load_settings(data_dir=tmp_path, host=host)
    refuse_unguarded(settings)
    gate = open_gate(settings)
    assert gate.is_open()
    KeyStore(tmp_path).create("phone", "read")
    assert not gate.is_open()
    KeyStore(tmp_path).revoke("phone")
    assert not gate.is_open()


@pytest.mark.parametrize("host", BEYOND)
def test_beyond_it_a_key_is_needed(tmp_path: Path, host: str) -> None:
    assert not is_loopback(host)
    settings = load_settings(data_dir=tmp_path, host=host)
    with pytest.raises(SetupError, match="faceserver keys create"):
        refuse_unguarded(settings)
    assert not open_gate(settings).is_open()
    KeyStore(tmp_path).create("phone", "read")
    refuse_unguarded(settings)


def test_a_name_outside_is_like_another_address(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, host_names="faces.example")
    with pytest.raises(SetupError, match=r"faces\.example can be reached"):
        refuse_unguarded(settings)
    assert not open_gate(settings).is_open()


def test_no_auth_opens_it_until_a_key_is_made(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, host="0.0.0.0", no_auth=True)
    refuse_unguarded(settings)
    gate = open_gate(settings)
    assert gate.is_open()
    KeyStore(tmp_path).create("phone", "read")
    assert not gate.is_open()


def test_the_audit_log_lies_where_it_is_set(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.jsonl"
    open_audit_log(load_settings(data_dir=tmp_path, audit_log=elsewhere)).write(
        Event(who="1", what="x", result="ok")
    )
    assert elsewhere.exists()
    open_audit_log(load_settings(data_dir=tmp_path)).write(Event(who="1", what="x", result="ok"))
    assert (tmp_path / "audit.jsonl").exists()
