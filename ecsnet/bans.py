"""Bans: players whom a server's owner does not want back, by all that they have proved."""

from collections.abc import Iterator
from dataclasses import dataclass

from ecsnet.accountnames import name_key
from ecsnet.arrival import Arrival

__all__ = ["Ban", "Bans"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """Nobody may come in who has any of these; what is empty concerns nobody.

    Attributes:
        text: What who tries reads.
        account: The name of one.
        player_id: As connect tokens say it.
        player_key: A public key.
        network: An IPv4 address, or the first address of an IPv6 /64; see `Arrival.network`.
    """

    text: str = ""
    account: str = ""
    player_id: str = ""
    player_key: bytes = b""
    network: str = ""

    @staticmethod
    def of(arrival: Arrival, text: str, *, network: bool) -> "Ban":
        """Return a ban of a player by all it has shown; with `network`, of everybody from there."""
        return Ban(
            text=text,
            account=arrival.account,
            player_id="" if arrival.token is None else arrival.token.player_id,
            player_key=arrival.player_key,
            network=arrival.network if network else "",
        )

    @property
    def marks(self) -> set[tuple[str, str | bytes]]:
        """What it goes by, each with its kind."""
        named = (
            ("account", name_key(self.account)),
            ("player_id", self.player_id),
            ("player_key", self.player_key),
            ("network", self.network),
        )
        return {(kind, value) for kind, value in named if value}


class Bans:
    """The bans of one server, in memory: a host that wants to keep them goes through them, and adds them again."""

    def __init__(self) -> None:
        """Begin without any."""
        self._bans: dict[Ban, None] = {}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Bans({len(self._bans)})"

    def __len__(self) -> int:
        """Count them."""
        return len(self._bans)

    def __iter__(self) -> Iterator[Ban]:
        """Go through them, the oldest first."""
        return iter(list(self._bans))

    def add(self, ban: Ban) -> None:
        """Let nobody in any more whom it concerns; who is in stays.

        Raises:
            ValueError: It concerns nobody.
        """
        if not ban.marks:
            raise ValueError(f"{ban} names nobody: give an account, a player_id, a player_key or a network")
        self._bans[ban] = None

    def remove(self, ban: Ban) -> None:
        """Let them in again; nothing happens if there is no such ban."""
        self._bans.pop(ban, None)

    def find(self, arrival: Arrival) -> Ban | None:
        """Return the ban that concerns somebody."""
        marks = Ban.of(arrival, "", network=True).marks
        return next((ban for ban in self._bans if not marks.isdisjoint(ban.marks)), None)
