"""Arrival: who wants to come into a server, all that is known, as its `accept` sees it.

def accept(arrival: Arrival) -> str | None:
    return None if arrival.account in members else "members only, tonight"
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeAlias

from ecsnet.accountnames import name_key
from ecsnet.tokens import ConnectToken
from ecsnet.transport.address import Address, network_of

__all__ = ["Accept", "Arrival", "Identity"]

Identity: TypeAlias = Hashable  # what tells one player from all others


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody who has proved an address, and the password if the server has one.

    Attributes:
        name: How others will see the player: the account's or the token's name, or else what the client says.
        address: Where from.
        account: The account logged into; empty on a server without.
        token: What the connect token says, on a server that asks for one.
        player_key: A public key that the client has proved to be its own; empty if it has none.
        greeting: The bytes its program was given for this server, at most 1024.
        version: Of the client's game, as `Game(version=)` says there.
        returns: The player has a place here already, and goes on in it.
        room: The code of the room; empty where there is but one, or the server chooses.
    """

    name: str
    address: Address
    account: str = ""
    token: ConnectToken | None = field(default=None, repr=False)
    player_key: bytes = b""
    greeting: bytes = field(default=b"", repr=False)
    version: str = ""
    returns: bool = False
    room: str = ""

    @property
    def network(self) -> str:
        """What its household shares: the IPv4 address, or the first 64 bits of the IPv6 address."""
        return network_of(self.address)

    @property
    def identity(self) -> Identity | None:
        """What only this player can have proved; None of somebody who has only a name.

        The account first: several people may play from one machine, with one key.
        """
        if self.account:
            return "account", name_key(self.account)
        if self.token is not None:
            return "token", self.token.player_id
        return ("key", self.player_key) if self.player_key else None

    @property
    def owner(self) -> str:
        """The identity as a text, as stores call it: "account/anna", "token/1234", "key/ab12..."; empty if None."""
        match self.identity:
            case ("key", bytes(key)):
                return f"key/{key.hex()}"
            case (kind, value):
                return f"{kind}/{value}"
        return ""


Accept: TypeAlias = Callable[[Arrival], str | None]  # None: come in; or why not, for the player to read
