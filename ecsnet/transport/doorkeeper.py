"""The doorkeeper: who may not come in at all, and who not so often.

It judges networks (an IPv4 address, an IPv6 /64) and only on proof: a handshake counts once its cookie has shown that
the address is real, a strike comes from inside a connection whose packets authenticate. So nobody can have anybody
else shut out by writing a foreign address on a datagram.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from ecsnet.config import GuardConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.transport.address import Address, network_of
from ecsnet.transport.allowance import Allowances

__all__ = ["BlockList", "Doorkeeper"]

IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class BlockList:
    """Networks in CIDR notation; asking costs one lookup for every length of prefix in it."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Start with these.

        Raises:
            LocalProtocolError: One is not a network.
        """
        self._networks: dict[tuple[int, int], set[int]] = {}  # by version and prefix length, the first address
        for network in networks:
            self.add(network)

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"BlockList({len(self)} networks)"

    def __len__(self) -> int:
        """Count the networks."""
        return sum(map(len, self._networks.values()))

    def add(self, network: str) -> None:
        """Block a network, e.g. "203.0.113.7", "203.0.113.0/24" or "2001:db8::/48".

        Raises:
            LocalProtocolError: It is not a network.
        """
        parsed = _parse(network)
        self._networks.setdefault((parsed.version, parsed.prefixlen), set()).add(int(parsed.network_address))

    def remove(self, network: str) -> None:
        """Let a network in again, as it was written in `add`; nothing happens if it is not there."""
        parsed = _parse(network)
        self._networks.get((parsed.version, parsed.prefixlen), set()).discard(int(parsed.network_address))

    def __contains__(self, host: str) -> bool:
        """Tell whether an address lies in one of them; the name of a simulated host never does."""
        if not self._networks:
            return False
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if address.version == 6 and address.ipv4_mapped:  # noqa: PLR2004  # the name of the protocol
            address = address.ipv4_mapped
        number, bits = int(address), address.max_prefixlen
        return any(
            version == address.version and (number >> (bits - length) << (bits - length)) in starts
            for (version, length), starts in self._networks.items()
        )


@dataclass(slots=True)
class _Record:
    """What is held against a network."""

    strikes: int
    last_at: float
    blocked_until: float
    blocks: int


class Doorkeeper:
    """The memory of one server about the networks that knock.

    Attributes:
        block_list: Networks its owner does not want.
    """

    def __init__(self, config: GuardConfig) -> None:
        """Know nobody yet but the block list."""
        self._config = config
        self._allowances = Allowances(config.handshakes_per_second, config.handshakes_at_once, most=config.max_networks)
        self._records: dict[str, _Record] = {}
        self.block_list = BlockList(config.blocked_networks)

    def __repr__(self) -> str:
        """Show how many it knows."""
        return f"Doorkeeper({self.block_list}, {len(self._records)} with strikes)"

    def admits(self, network: str, now: float) -> bool:
        """Count one handshake of a network whose cookie is proved; tell whether it may go on."""
        return self._allowances.take(network, now)

    def is_blocked(self, address: Address, now: float) -> bool:
        """Tell whether nobody from there may come in."""
        if address[0] in self.block_list:
            return True
        record = self._records.get(network_of(address))
        return record is not None and now < record.blocked_until

    def strike(self, address: Address, now: float) -> None:
        """Note that a program there broke the protocol in an authenticated connection; the third time blocks it."""
        config = self._config
        network = network_of(address)
        record = self._records.pop(network, None)
        if record is None or now >= max(record.last_at, record.blocked_until) + config.strike_memory_seconds:
            record = _Record(0, now, now, 0)
        record.strikes += 1
        record.last_at = now
        if record.strikes >= config.strikes_until_block:
            seconds = min(config.block_seconds * 2.0**record.blocks, config.max_block_seconds)
            record.strikes, record.blocks, record.blocked_until = 0, record.blocks + 1, now + seconds
        self._records[network] = record  # at the end: the one heard of least recently is forgotten first
        if len(self._records) > config.max_networks:
            del self._records[next(iter(self._records))]


def _parse(network: str) -> IpNetwork:
    try:
        return ipaddress.ip_network(network.strip(), strict=False)
    except ValueError as error:
        raise LocalProtocolError(
            f"cannot block {network!r}: {error}. Examples: 203.0.113.7, 203.0.113.0/24, 2001:db8::/48"
        ) from error
