"""Keys, sessions and counts that servers share, beside those that each has alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from faceserver.access.base import Counts, Keys, SessionStore
from faceserver.access.guard import open_gate
from faceserver.access.keys import KeyStore
from faceserver.access.sessions import MAX_SESSIONS_OF_KEY, Sessions
from faceserver.config import load_settings
from faceserver.errors import AlreadyExists, InvalidRequest, NotFound


@pytest.fixture(params=["alone", "shared"])
def two_keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Keys, Keys]]:
    """The keys of two servers, or of two processes."""
    if request.param == "alone":
        yield KeyStore(tmp_path), KeyStore(tmp_path)
        return
    with ExitStack() as held:
        settings = load_settings(store=request.getfixturevalue("postgres_url"))
        gates = [open_gate(settings) for _ in range(2)]
        for gate in gates:
            held.callback(gate.close)
        yield gates[0].keys, gates[1].keys


def test_keys_are_heeded_at_once(two_keys: tuple[Keys, Keys]) -> None:
    here, there = two_keys
    assert not there.any()
    assert there.find("fs_0123456789ab_" + "a" * 43) is None
    key, token = here.create("phone", "write", "family")
    assert there.any()
    found = there.find(token)
    assert found
    assert (found.id, found.name, found.scope, found.collection) == (
        key.id,
        "phone",
        "write",
        "family",
    )
    again = here.get(key.id)
    assert again
    assert again.last_used
    assert again.created == key.created
    with pytest.raises(AlreadyExists, match="phone"):
        there.create("phone", "read")
    for name in ("", "a\nb", "0123456789ab"):
        with pytest.raises(InvalidRequest):
            there.create(name, "read")
    assert there.find(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert there.find("") is None
    assert there.revoke("phone").revoked
    assert here.find(token) is None
    assert here.get(key.id) is None
    with pytest.raises(NotFound):
        here.revoke(key.id)
    assert here.any(), "revoking the last key opens the server to nobody"
    second, _ = here.create("phone", "read")
    assert [one.id for one in there.all()] == [key.id, second.id]
    assert there.revoke(second.id).name == "phone"


def test_every_kind_of_key_is_found_by_every_server(two_keys: tuple[Keys, Keys]) -> None:
    here, there = two_keys
    key, token = here.create("viseron", "write", "cameras", kind="uuid")
    assert str(UUID(token)) == token
    for written in (token, token.upper()):
        found = there.find(written)
        assert found
        assert (found.id, found.kind, found.collection) == (key.id, "uuid", "cameras")
    assert there.find(str(UUID(int=0))) is None
    pair, token = there.create("phone", "read", kind="pair")
    access_id, _, secret = token.partition(":")
    held = here.pair(access_id)
    assert held
    assert (held[0].id, held[0].kind, held[1]) == (pair.id, "pair", secret)
    assert here.get(pair.id).last_used  # type: ignore[union-attr]
    for shown in (token, access_id, secret):
        assert here.find(shown) is None
    for unknown in ("FSAK" + "A" * 16, "", "\0"):
        assert here.pair(unknown) is None
    here.revoke("phone")
    assert there.pair(access_id) is None
    own, _ = here.create("script", "read")
    assert [(one.id, one.kind) for one in there.all()] == [
        (key.id, "uuid"),
        (pair.id, "pair"),
        (own.id, "own"),
    ]


@pytest.fixture(params=["alone", "shared"])
def sessions(request: pytest.FixtureRequest) -> Iterator[tuple[SessionStore, SessionStore]]:
    if request.param == "alone":
        own = Sessions(60)
        yield own, own
        return
    with ExitStack() as held:
        url = request.getfixturevalue("postgres_url")
        gates = [open_gate(load_settings(store=url, session_minutes=1)) for _ in range(2)]
        for gate in gates:
            held.callback(gate.close)
        yield gates[0].sessions, gates[1].sessions


def test_a_session_is_one_for_both(sessions: tuple[SessionStore, SessionStore]) -> None:
    here, there = sessions
    secret, session = here.begin("key")
    found = there.find(secret)
    assert found
    assert (found.key_id, found.csrf_token) == ("key", session.csrf_token)
    assert found.ends == pytest.approx(session.ends, abs=30)
    assert there.find("") is None
    assert there.find("\udcff") is None
    there.end(secret)
    there.end("never begun")
    assert here.find(secret) is None


def test_a_key_has_only_so_many_sessions(sessions: tuple[SessionStore, SessionStore]) -> None:
    here, there = sessions
    other, _ = here.begin("another key")
    begun = [here.begin("key")[0] for _ in range(MAX_SESSIONS_OF_KEY + 2)]
    kept = [there.find(secret) is not None for secret in begun]
    assert kept == [False] * 2 + [True] * MAX_SESSIONS_OF_KEY
    assert there.find(other)


def test_a_session_ends(postgres_url: str) -> None:
    gate = open_gate(load_settings(store=postgres_url))
    gate.sessions.seconds = -1
    secret, _ = gate.sessions.begin("key")
    assert gate.sessions.find(secret) is None
    gate.close()


@pytest.fixture
def counts(postgres_url: str) -> Iterator[tuple[Counts, Counts]]:
    gates = [open_gate(load_settings(store=postgres_url)) for _ in range(2)]
    assert gates[0].counts
    assert gates[1].counts
    yield gates[0].counts, gates[1].counts
    for gate in gates:
        gate.close()


def test_servers_count_together(counts: tuple[Counts, Counts]) -> None:
    here, there = counts
    assert here.window("a") is None
    assert [here.add("a", 60, 1), there.add("a", 60, 2), here.add("a", 60, 1)] == [1, 3, 4]
    window = there.window("a")
    assert window
    assert window[0] == 4
    assert 0 < window[1] <= 60
    assert there.add("b", -1, 1) == 1  # its window is over at once
    assert here.window("b") is None
    assert here.add("b", 60, 1) == 1
    here.forget("a")
    assert there.window("a") is None
    there.forget(None)
    assert here.window("b") is None
