"""Where a request comes from: the address that is counted and written down.

Behind a proxy every connection comes from the proxy, which tells the client's address in
``X-Forwarded-For``. Anybody can send that header, so it counts from the settings' proxies alone.
"""

from collections.abc import Sequence
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


class Proxies:
    """The proxies that stand before the server."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Take their addresses or networks, such as ``10.0.0.2`` or ``10.0.0.0/24``."""
        self._networks = [ip_network(network) for network in networks]

    def have(self, address: str) -> bool:
        """Whether one of them has this address."""
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address.

        Args:
            peer: who has connected.
            forwarded_for: the header ``X-Forwarded-For``: each proxy appends whom it was asked by.

        Returns:
            The last address that is no proxy's; what stands before it anybody may have written.
        """
        found = peer
        for hop in reversed(forwarded_for.split(",")[-_MAX_HOPS:]):
            if not self.have(found):
                break
            parsed = _parsed(hop.strip())
            if parsed is None:
                break
            found = str(parsed)
        return found


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
