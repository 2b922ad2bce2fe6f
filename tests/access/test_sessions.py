"""Sessions: they end, they are few, and nobody guesses them."""

import pytest

from faceserver.access import sessions as sessions_module
from faceserver.access.sessions import Sessions


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(sessions_module, "monotonic", lambda: self.now)


def test_a_session_is_found_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    sessions = Sessions(60)
    secret, session = sessions.begin("key")
    assert sessions.find(secret) == session
    assert session.key_id == "key"
    clock.now += 59
    assert sessions.find(secret) == session
    clock.now += 1
    assert sessions.find(secret) is None


def test_a_session_can_be_ended() -> None:
    sessions = Sessions(60)
    secret, _ = sessions.begin("key")
    other, _ = sessions.begin("key")
    sessions.end(secret)
    sessions.end("never begun")
    assert sessions.find(secret) is None
    assert sessions.find(other) is not None


def test_secrets_and_tokens_are_never_the_same() -> None:
    sessions = Sessions(60)
    begun = [sessions.begin("key") for _ in range(20)]
    assert len({secret for secret, _ in begun} | {one.csrf_token for _, one in begun}) == 40
    assert sessions.find("") is None
    assert sessions.find("\udcff") is None


def test_the_oldest_goes_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "MAX_SESSIONS", 3)
    sessions = Sessions(60)
    secrets = [sessions.begin("key")[0] for _ in range(5)]
    assert [sessions.find(secret) is not None for secret in secrets] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_what_has_ended_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(sessions_module, "MAX_SESSIONS", 2)
    sessions = Sessions(60)
    sessions.begin("key")
    clock.now += 30
    kept, _ = sessions.begin("key")
    clock.now += 31
    sessions.begin("key")
    assert sessions.find(kept) is not None
