"""Addresses: where a datagram comes from and goes to, and what one household has in common."""

import ipaddress
from typing import NamedTuple, TypeAlias

__all__ = ["Address", "DatagramAddress", "StreamAddress", "is_loopback", "network_of"]


class StreamAddress(NamedTuple):
    """The far end of a byte stream (TCP). Its number makes a second stream from the same port another address."""

    host: str
    port: int
    stream: int


DatagramAddress: TypeAlias = tuple[str, int]  # host and port, the first two items of a socket's address
Address: TypeAlias = DatagramAddress | StreamAddress


def network_of(address: Address) -> str:
    """Return what one household shares: the IPv4 address, or the first 64 bits of the IPv6 address."""
    host = address[0].partition("%")[0]
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return host  # a name in a simulated network
    if parsed.version == 4:  # noqa: PLR2004  # the name of the protocol
        return host
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64))


def is_loopback(address: Address) -> bool:
    """Tell whether somebody is on this very machine; the name of a simulated host never is."""
    try:
        parsed = ipaddress.ip_address(address[0].partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
