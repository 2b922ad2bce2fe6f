"""What counts as one place, and who is behind a proxy."""

import pytest

from faceserver.access.addresses import Proxies, Route, is_local, place_of


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("a name", "a name"),
    ],
)
def test_a_place(address: str, place: str) -> None:
    assert place_of(address) == place


def test_this_machine() -> None:
    local = {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}
    assert all(is_local(address) for address in local)
    assert not any(is_local(address) for address in ("10.0.0.1", "", "x"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", "192.0.2.9", "198.51.100.1"),
        ("10.0.0.2", "192.0.2.9", "192.0.2.9"),
        ("10.0.0.2", "203.0.113.5, 192.0.2.9", "192.0.2.9"),
        ("10.0.0.2", "203.0.113.5, 192.0.2.9, 10.0.0.3", "192.0.2.9"),
        ("10.0.0.2", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "203.0.113.5, nonsense", "10.0.0.2"),
        ("10.0.0.2", "2001:db8::9", "2001:db8::9"),
        ("10.0.0.2", "192.0.2.9:4711", "192.0.2.9"),
        ("10.0.0.2", "[2001:db8::9]:4711, [10.0.0.3]", "2001:db8::9"),
        ("10.0.0.2", ",".join(["10.0.0.3"] * 10_000), "10.0.0.3"),
    ],
)
def test_who_is_behind_proxies(peer: str, forwarded: str, client: str) -> None:
    assert Proxies(["10.0.0.0/24"]).route(peer, forwarded).client == client


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.1", "192.0.2.9", Route("198.51.100.1", 0, True)),
        ("10.0.0.2", "192.0.2.9", Route("192.0.2.9", 1, True)),
        ("10.0.0.2", "10.0.0.9", Route("10.0.0.9", 1, True)),
        ("10.0.0.2", "192.0.2.9, 10.0.0.3", Route("192.0.2.9", 2, True)),
        ("10.0.0.2", "", Route("10.0.0.2", 1, False)),
        ("10.0.0.2", "nonsense", Route("10.0.0.2", 1, False)),
        ("10.0.0.2", "nonsense, 10.0.0.3", Route("10.0.0.3", 1, True)),
    ],
)
def test_how_many_proxies_a_request_came_through(
    peer: str, forwarded: str, expected: Route
) -> None:
    assert Proxies(["10.0.0.0/24"]).route(peer, forwarded) == expected


def test_proxies_can_be_counted() -> None:
    two = Proxies(["2"])
    assert two.have("198.51.100.1")
    assert two.route("198.51.100.1", "1.1.1.1, 192.0.2.9, 10.0.0.3") == Route("192.0.2.9", 2, True)
    assert two.route("198.51.100.1", "192.0.2.9") == Route("192.0.2.9", 1, True)
    assert two.route("198.51.100.1", "") == Route("198.51.100.1", 1, False)
    assert not Proxies([]).have("198.51.100.1")
