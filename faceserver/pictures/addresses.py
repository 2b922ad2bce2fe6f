"""Which addresses a URL may lead to."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_AZURE_HOST = ipaddress.ip_address("168.63.129.16")
"""Public by its number, but answered by the machine's own host: Azure's metadata lives there."""

_UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""All that has been given out of IPv6 for public use."""


class AddressRule:
    """Public addresses are open, and those in the networks that are allowed by name."""

    def __init__(self, allow_networks: Sequence[str]) -> None:
        """Take the networks that are open although they are private, such as "192.168.7.0/24"."""
        self._allowed = [ipaddress.ip_network(network) for network in allow_networks]

    def allows(self, address: Address) -> bool:
        """Whether an address is in an allowed network; one is enough, whatever else it is."""
        return any(address in network for network in self._allowed)

    def opens(self, address: Address) -> bool:
        """Whether an address may be connected to."""
        return self.allows(address) or _is_public(address)


def _is_public(address: Address) -> bool:
    # is_global is true for what is multicast or, in IPv6, site-local or not given out yet.
    if not address.is_global or address == _AZURE_HOST:
        return False
    return address in _UNICAST_V6 if address.version == 6 else not address.is_multicast
