"""The access log: who came in, went, moved or was turned away, and from where. The only place that tells addresses.

The logger is `ecsnet.access`, silent unless the host configures logging. A line is a word and `key=value` pairs, for
people and for programs that block addresses. Everything that somebody else chose stands in quotes, in which quotes and
whatever cannot be printed are escaped: nobody can forge a line, or another value within one.
"""

import logging

from ecsnet.bans import Ban
from ecsnet.inputstatistics import InputStatistics
from ecsnet.peer import Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.quoting import quoted
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.identity import fingerprint

__all__ = ["banned", "doubted", "inspected", "joined", "left", "lost", "moved", "refused", "returned"]

logger = logging.getLogger("ecsnet.access")


def joined(peer: Peer, room: str) -> None:
    """Note a new player, and the code of its room if there are several."""
    _note("joined", _player(peer), _room(room), _credentials(peer))


def returned(peer: Peer, room: str) -> None:
    """Note a player who goes on over another connection, perhaps in another room."""
    _note("returned", _player(peer), _room(room), _credentials(peer))


def lost(peer: Peer, reason: DisconnectReason, text: str) -> None:
    """Note a player whose connection broke off and whose place is kept."""
    _note("lost", _player(peer), _why(reason, text))


def left(peer: Peer, reason: DisconnectReason, text: str) -> None:
    """Note a player who is gone."""
    _note("left", _player(peer), _why(reason, text))


def moved(peer: Peer, before: Address) -> None:
    """Note that a player's packets come from another address."""
    _note("moved", _player(peer), f"before={_place(before)}")


def doubted(peer: Peer, inputs: InputStatistics) -> None:
    """Note, when a conversation ends, that a player sent inputs which no client of ours sends, or hardly ever."""
    _note("doubted", _player(peer), f"refused={inputs.refused} changed={inputs.changed} unread={inputs.unread}")


def banned(peer: Peer, ban: Ban) -> None:
    """Note that a player may not come back, and by what it would be known."""
    by = ",".join(sorted(kind for kind, _ in ban.marks))
    _note("banned", _player(peer), _credentials(peer), f"by={by} text={quoted(ban.text)}")


def inspected(address: Address) -> None:
    """Note somebody who looks into the server; it has shown that it holds the server's key."""
    _note("inspected", _from(address))


def refused(address: Address, reason: DisconnectReason, text: str, player_key: bytes = b"") -> None:
    """Note somebody who proved an address and was not let in."""
    key = f" player_key={fingerprint(player_key)}" if player_key else ""
    _note("refused", f"{_from(address)}{key}", _why(reason, text))


def _note(*parts: str) -> None:
    logger.info(" ".join(["%s" for part in parts if part]), *[part for part in parts if part])


def _player(peer: Peer) -> str:
    return f"client={peer.client_id} name={quoted(peer.name)} {_from(peer.connection.address)}"


def _room(code: str) -> str:
    return f"room={code}" if code else ""


def _credentials(peer: Peer) -> str:
    """Return what the player has proved beside the password."""
    proved = [f"account={quoted(peer.account)}"] if peer.account else []
    proved += [f"player_key={fingerprint(peer.player_key)}"] if peer.player_key else []
    return " ".join([*proved, f"player={quoted(peer.token.player_id)}"] if peer.token is not None else proved)


def _why(reason: DisconnectReason, text: str) -> str:
    return f"reason={reason.name} text={quoted(text or reason.text)}"


def _from(address: Address) -> str:
    return f"address={_place(address)} transport={'tcp' if isinstance(address, StreamAddress) else 'udp'}"


def _place(address: Address) -> str:
    """Return host and port as they are written in links."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
