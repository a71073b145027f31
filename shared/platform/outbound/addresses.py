"""Decides to which addresses events may be sent: to none inside our own network. Pure."""

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

# Beyond what the registries call not global. Azure answers virtual machines on a public address. The others
# carry an IPv4 address within, which may be a private one: mapped, compatible, translated, 6to4, Teredo.
_REFUSED: Final = tuple(
    ip_network(each)
    for each in (
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "fec0::/10",
    )
)


def is_public(address: Address) -> bool:
    """Tells whether an address is one of the public network, and of one receiver alone."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address.version == each.version and address in each for each in _REFUSED)
