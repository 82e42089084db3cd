"""Words both ends share: the protocol's name and version, and the reasons for which a connection ends."""

from enum import IntEnum

__all__ = ["LOST_REASONS", "MAGIC", "PROTOCOL_VERSION", "DisconnectReason"]

MAGIC = b"ecsn"  # opens every INIT, in all versions
PROTOCOL_VERSION = 1  # changes with every change of the wire; the golden tests hold the bytes it stands for


class DisconnectReason(IntEnum):
    """Why a connection ended, or was not granted; its number travels, its text is for people."""

    UNKNOWN = 0
    VERSION_MISMATCH = 1
    WRONG_GAME = 2
    SCHEMA_MISMATCH = 3
    SERVER_FULL = 4
    REFUSED = 5
    KICKED = 6
    SERVER_CLOSING = 7
    LEFT = 8
    TIMEOUT = 9
    HANDSHAKE_TIMEOUT = 10
    SERVER_KEY_MISMATCH = 11
    PROTOCOL_ERROR = 12
    BANNED = 13
    WRONG_PASSWORD = 14
    BAD_TOKEN = 15
    SERVER_RESTARTED = 16
    CONNECTION_LOST = 17
    TOO_SLOW = 18
    FLOODING = 19
    ROOM_CLOSED = 20
    BAD_ACCOUNT = 21
    REPLACED = 22

    @property
    def text(self) -> str:
        """A sentence for people."""
        return _TEXTS[self]

    @staticmethod
    def from_code(code: int) -> "DisconnectReason":
        """Return the reason of a number from the wire; UNKNOWN for one that this version does not know."""
        try:
            return DisconnectReason(code)
        except ValueError:
            return DisconnectReason.UNKNOWN


_TEXTS = {
    DisconnectReason.UNKNOWN: "the connection ended for a reason this version does not know",
    DisconnectReason.VERSION_MISMATCH: "client and server speak different versions of the protocol",
    DisconnectReason.WRONG_GAME: "the server runs another game",
    DisconnectReason.SCHEMA_MISMATCH: "client and server have different versions of the game",
    DisconnectReason.SERVER_FULL: "the server is full",
    DisconnectReason.REFUSED: "the server refused the connection",
    DisconnectReason.KICKED: "removed by the server",
    DisconnectReason.SERVER_CLOSING: "the server is closing",
    DisconnectReason.LEFT: "the player left",
    DisconnectReason.TIMEOUT: "nothing was heard of the other side for too long",
    DisconnectReason.HANDSHAKE_TIMEOUT: "the server did not answer",
    DisconnectReason.SERVER_KEY_MISMATCH: "the server has another key than expected",
    DisconnectReason.PROTOCOL_ERROR: "the other side broke the protocol",
    DisconnectReason.BANNED: "this address is blocked",
    DisconnectReason.WRONG_PASSWORD: "the password is wrong, or missing",
    DisconnectReason.BAD_TOKEN: "the token or ticket is not valid, or not any more",
    DisconnectReason.SERVER_RESTARTED: "the server has been restarted, or had given up waiting",
    DisconnectReason.CONNECTION_LOST: "the connection broke off",
    DisconnectReason.TOO_SLOW: "too much waits to be sent: the link is too slow, or the other side does not read",
    DisconnectReason.FLOODING: "the other side sent far more than allowed",
    DisconnectReason.ROOM_CLOSED: "the room was closed",
    DisconnectReason.BAD_ACCOUNT: "the account or its password is wrong, or missing",
    DisconnectReason.REPLACED: "you joined from another place",
}

# The connection broke, nobody wanted it to; whoever left, was kicked or broke the protocol has no place to keep. Over
# TCP a network that is gone may show first by what cannot be sent.
LOST_REASONS = frozenset((DisconnectReason.TIMEOUT, DisconnectReason.CONNECTION_LOST, DisconnectReason.TOO_SLOW))
