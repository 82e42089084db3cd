"""Trust on first use: what a client does about a server whose key nobody told it."""

import logging

from ecsnet.client import Client
from ecsnet.errors import KeyFileError, ServerKeyChangedError
from ecsnet.joinlink import JoinLink
from ecsnet.keys import KnownServers
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.state import State

__all__ = ["FirstUse"]

logger = logging.getLogger(__name__)


class FirstUse:
    """The key a server shows at the first contact is the one it must show from then on, or name its successor by."""

    def __init__(self, known: KnownServers, link: JoinLink) -> None:
        """Look the server up.

        Raises:
            KeyFileError: The list of known servers cannot be understood.
        """
        self.pins = known.pins(link.host, link.port)
        self._known = known
        self._link = link
        self._settled = False

    def settle(self, client: Client) -> None:
        """Once it is known how the handshake went, note the key, or explain why there is no trusting it."""
        if self._settled:
            return
        host, port = self._link.host, self._link.port
        if client.disconnected is not None:
            self._settled = True
            if client.disconnected[0] is DisconnectReason.SERVER_KEY_MISMATCH:
                try:
                    error: Exception = self._known.changed(host, port, client.server_key or None)
                except KeyFileError as unreadable:  # since it was read
                    error = unreadable
                client.disconnected = (DisconnectReason.SERVER_KEY_MISMATCH, str(error))
        elif client.state is State.CONNECTED:
            self._settled = True
            try:
                self._known.remember(host, port, client.server_key, client.current_server_key)
            except (KeyFileError, ServerKeyChangedError) as error:  # the disk must not end a game that has begun
                logger.warning("the key of %s was not noted: %s", self._link.place, error)
