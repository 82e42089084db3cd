"""Floods a port with junk, every other time: `python -m tests.process.flood GAME PORT SECONDS ROUNDS`. Ends with JSON.

The times between it floods a port of its own that nobody reads: the machine has the same to do, but the server has not.

A third is random bytes, a third looks like packets of connections that do not exist, and a third are true INITs, from
many addresses and ports. It sends as many as it should, or as many as it can.
"""

import json
import random
import socket
import sys
import time
from typing import TypedDict

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


class Phase(TypedDict):
    """A time in which one port was flooded."""

    is_fire: bool  # at the server
    begin: float  # monotonic
    end: float
    rate: float  # datagrams a second


def main(game_name: str, port: int, seconds: float, rounds: int) -> None:
    """Flood, and tell when and how much it was."""
    chance = random.Random(1)
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    targets = [(is_fire, open_sources(to)) for is_fire, to in ((False, sink.getsockname()[1]), (True, port))]
    application_id = games.load(game_name).application_id
    datagrams = [make(chance, application_id, kind=number % KINDS) for number in range(DATAGRAMS)]
    flood(targets[0][1], datagrams, seconds)  # nothing is measured while things get going
    phases = [flood(sources, datagrams, seconds, is_fire=fire) for _ in range(rounds) for fire, sources in targets]
    print(json.dumps(phases))  # noqa: T201  # a command's output


def flood(sources: list[socket.socket], datagrams: list[bytes], seconds: float, *, is_fire: bool = False) -> Phase:
    """Flood from these sources for a time."""
    begin = paid_until = now = time.monotonic()
    sent = 0
    while now < begin + seconds:
        paid_until = max(paid_until, now - LONGEST_ARREARS_SECONDS)
        due = int((now - paid_until) * RATE)
        paid_until += due / RATE
        for number in range(sent, sent + due):
            sources[number % SOURCES].send(datagrams[number % DATAGRAMS])
        sent += due
        time.sleep(PAUSE_SECONDS)
        now = time.monotonic()
    return {"is_fire": is_fire, "begin": begin, "end": now, "rate": sent / (now - begin)}


def open_sources(port: int) -> list[socket.socket]:
    """Open sockets toward a port, each with an address of its own."""
    return [open_toward(port, number) for number in range(SOURCES)]


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
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
