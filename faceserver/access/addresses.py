"""Where a request comes from: the address that is counted and written down.

Behind a proxy every connection comes from the proxy, which tells the client's address in
``X-Forwarded-For``. Anybody can send that header, so it counts from the settings' proxies alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_HOUSEHOLD_BITS = 64
"""A subscriber with IPv6 has a network of so many bits, and may use every address in it."""

_MAX_HOPS = 32


def place_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 network of an IPv6 one."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address):
        return address if parsed is None else str(parsed)
    return str(ip_network((int(parsed), _HOUSEHOLD_BITS), strict=False))


def is_local(address: str) -> bool:
    """Whether it is this machine's own, where a proxy may stand as well."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


@dataclass(frozen=True)
class Route:
    """The way of a request, as far as it can be believed.

    Attributes:
        client: the last address that is no trusted proxy's; what is before it anybody may have
            written.
        proxies: how many trusted ones the request came through.
        is_client_known: the client is not merely the proxy that did not tell whom it was asked by.
    """

    client: str
    proxies: int
    is_client_known: bool


class Proxies:
    """The trusted proxies before the server."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Take their addresses or networks, such as ``10.0.0.2`` or ``10.0.0.0/24``.

        A single number instead is how many of them every request comes through, wherever they are.
        """
        self._count = proxy_count(trusted)
        self._networks = [] if self._count else [ip_network(network) for network in trusted]

    def have(self, address: str) -> bool:
        """Whether one of them has, or may have, this address."""
        parsed = _parsed(address)
        return bool(self._count) or (
            parsed is not None and any(parsed in network for network in self._networks)
        )

    def route(self, peer: str, forwarded_for: str) -> Route:
        """The way of a request.

        Args:
            peer: who has connected.
            forwarded_for: the header ``X-Forwarded-For``: each proxy appends whom it was asked by.
        """
        hops = forwarded_for.split(",")[-(self._count or _MAX_HOPS) :]
        if not self.have(peer):
            return Route(peer, 0, is_client_known=True)
        found, proxies, is_known = peer, 1, False
        for number, hop in enumerate(reversed(hops), start=1):
            address = _parsed(_without_port(hop.strip()))
            if not self.have(found) or address is None:
                break
            found, proxies, is_known = str(address), number, True
        return Route(found, proxies, is_known)


def proxy_count(trusted: Sequence[str]) -> int:
    """How many proxies a setting counts; 0 where it names their addresses, or none."""
    return int(trusted[0]) if len(trusted) == 1 and trusted[0].isdecimal() else 0


def _without_port(hop: str) -> str:
    """Some proxies write a port behind the address: ``192.0.2.9:4711``, ``[2001:db8::9]:4711``."""
    bare, _, port = hop.rpartition(":")
    has_port = port.isdecimal() and (bare.count(".") == 3 or bare.endswith("]"))
    return (bare if has_port else hop).removeprefix("[").removesuffix("]")


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
