"""Floods a port with junk: `python -m tests.process.flood GAME PORT SECONDS`. Ends with a line of JSON.

A third is random bytes, a third looks like packets of connections that do not exist, and a third are true INITs, from
many addresses and ports. It sends as many as it should, or as many as it can.
"""

import json
import random
import socket
import sys
import time

from ecsnet import game as games
from ecsnet.config import TransportConfig
from ecsnet.peer import CHANNELS
from ecsnet.transport.connection import Connection

RATE = 50_000  # datagrams a second
SOURCES = 256
KINDS = 3
DATAGRAMS = 1000 * KINDS  # made before, so that making them does not slow the flood
PACKET_BYTES = 80  # a client's usual one
MAX_BYTES = 1200
LONGEST_ARREARS_SECONDS = 0.002  # what is later is not made up for: a flood of many senders has no bursts
PAUSE_SECONDS = 0.0005


def main(game_name: str, port: int, seconds: float) -> None:
    """Flood, and tell how much it was."""
    chance = random.Random(1)
    sockets = [open_toward(port, number) for number in range(SOURCES)]
    application_id = games.load(game_name).application_id
    datagrams = [make(chance, application_id, kind=number % KINDS) for number in range(DATAGRAMS)]
    print("flooding", flush=True)  # noqa: T201  # a command's output
    begin = paid_until = now = time.monotonic()
    sent = 0
    while now < begin + seconds:
        paid_until = max(paid_until, now - LONGEST_ARREARS_SECONDS)
        due = int((now - paid_until) * RATE)
        paid_until += due / RATE
        for number in range(sent, sent + due):
            sockets[number % SOURCES].send(datagrams[number % DATAGRAMS])
        sent += due
        time.sleep(PAUSE_SECONDS)
        now = time.monotonic()
    print(json.dumps({"rate": sent / (now - begin)}))  # noqa: T201  # a command's output


def open_toward(port: int, number: int) -> socket.socket:
    """Open a socket with an address of its own."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((f"127.0.9.{number % 250 + 1}", 0))
    opened.connect(("127.0.0.1", port))
    return opened


def make(chance: random.Random, application_id: bytes, *, kind: int) -> bytes:
    """Make a datagram that means nothing to the server."""
    if kind == 0:
        return chance.randbytes(chance.randint(1, MAX_BYTES))
    if kind == 1:
        return b"\0" + chance.randbytes(PACKET_BYTES)
    knocking = Connection.connect(
        ("127.0.0.1", 1), pins=(), application_id=application_id, credentials=b"", channels=CHANNELS,
        config=TransportConfig(), entropy=chance.randbytes, now=0.0,
    )  # fmt: skip
    [(init, _)] = knocking.datagrams_to_send(0.0)
    return init


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
