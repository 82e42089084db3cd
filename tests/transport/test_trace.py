"""The trace tells what happened, and nothing of what was said."""

import json

from ecsnet.config import TransportConfig
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import packet
from ecsnet.transport.trace import TraceWriter, describe
from tests.transport.pair import ORDERED, UNRELIABLE, Pair

KINDS = bytes(range(4))


def test_every_packet_leaves_a_line_at_both_ends() -> None:
    lines: list[str] = []
    pair = Pair(config=TransportConfig(trace=TraceWriter(lines.append)))
    client, server = pair.connect()
    client.send(UNRELIABLE, b"secret")
    server.send(ORDERED, b"secret" * 1000)
    pair.run(0.5)
    client.close(DisconnectReason.LEFT, "bye", now=pair.now)
    pair.run(1)
    records = [json.loads(line) for line in lines]

    assert all(set(record) == {"time", "connection", "what", "packet", "bytes", "frames"} for record in records)
    sent, received = ([r for r in records if r["what"] == what] for what in ("sent", "received"))
    packets = client.statistics.datagrams_sent + server.statistics.datagrams_sent - 2  # without INIT and HELLO
    assert len(sent) == packets
    assert 0 < len(received) <= packets
    words = [word for record in records for word in record["frames"]]
    assert "MESSAGE channel 0, 6 B" in words
    assert any(word.startswith("FRAGMENT channel 3, number 0, 2 of 6") for word in words)
    assert any(word.startswith("ACK ") for word in words)
    assert "CLOSE 8 'bye'" in words
    assert not any("secret" in line for line in lines)


def test_frames_in_words() -> None:
    frames = packet.pack_credit(7) + packet.pack_path_challenge(8) + packet.pack_numbered(3, 9, b"x")

    assert describe(frames, KINDS) == ["CREDIT 7", "PATH_CHALLENGE 8", "MESSAGE channel 3, number 9, 1 B"]
    assert describe(b"\x01", KINDS) == ["PING"]
    assert describe(b"\x00", KINDS) == []
    assert describe(b"\x09", KINDS) == ["unreadable: unknown frame type 0x09"]


def test_a_forgotten_trace_does_not_fill_the_disk() -> None:
    lines: list[str] = []
    trace = TraceWriter(lines.append, side="server", limit_bytes=1000)
    for number in range(100):
        trace(1.0, 5, "sent", number, b"\x01", KINDS)

    assert sum(map(len, lines)) < 1200
    assert json.loads(lines[0]) == {
        "time": 1.0, "connection": "00000005", "what": "sent", "side": "server", "packet": 0, "bytes": 1,
        "frames": ["PING"],
    }  # fmt: skip
    assert json.loads(lines[-1])["what"].startswith("the trace ends here")


def test_a_full_disk_ends_the_trace_and_not_the_game() -> None:
    """An exception out of a packet half made would lose what it carried."""
    tries: list[str] = []

    def write(line: str) -> None:
        tries.append(line)
        raise OSError(28, "No space left on device")

    pair = Pair(config=TransportConfig(trace=TraceWriter(write)))
    client, server = pair.connect()
    client.send(ORDERED, b"still here")
    pair.run(0.5)

    assert server.take_messages() == [(ORDERED, b"still here")]
    assert len(tries) == 1
