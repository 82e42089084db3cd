"""The handshake: prove the address, the keys and the password if there is one; leave fresh keys for the packets.

    client                                          server
      INIT       >= 1200 B   who knocks      -->      keeps nothing
                             <--   CHALLENGE <= 101 B cookie, server keys, offer
      HELLO      >= 1200 B   Noise message 1 -->      cookie proved: one key exchange, one bounded entry
                             <--   REPLY <= 1200 B    Noise message 2: yes with a connection id, or no and why
      first data packet                      -->      confirmed

This is what the rest of the transport uses of it; each half has its own file.
"""

from ecsnet.transport.clienthandshake import (
    Accepted,
    ClientHandshake,
    ClientHandshakeState,
    HandshakeFailure,
    Refused,
)
from ecsnet.transport.crypto import SessionKeys
from ecsnet.transport.hello import HANDSHAKE_BIT, Suite
from ecsnet.transport.serverhandshake import HandshakeDrop, HandshakeRequest, Reply, Requested, ServerHandshakes

__all__ = [
    "HANDSHAKE_BIT",
    "Accepted",
    "ClientHandshake",
    "ClientHandshakeState",
    "HandshakeDrop",
    "HandshakeFailure",
    "HandshakeRequest",
    "Refused",
    "Reply",
    "Requested",
    "ServerHandshakes",
    "SessionKeys",
    "Suite",
]
