"""The second implementation over a stream, written from "Streams" in PROTOCOL.md alone.

Like `second.py`, whose client it changes where that section says so, it imports nothing from ecsnet, and must not.
"""

from tests.transport.second import (
    Ack,
    MinimalClient,
    Opening,
    Ping,
    WireError,
    decode_challenge,
    decode_frames,
    decode_reply,
    encode_hello,
    encode_init,
    expect,
    seal,
    unseal,
    unsigned,
)

RECORD_BYTES = 1200


class MinimalStreamClient(MinimalClient):
    """Connects, exchanges messages and closes over a stream. Bytes go in through `receive_bytes`, in any pieces."""

    opened = 0  # packets received so far: the number of the next
    _receiving = b""
    _unread = b""

    def take_bytes(self) -> bytes:
        records = self.take_datagrams()
        if records and records[0][0] == 0x81:
            records[0] = encode_init(self.attempt, self.application_id, 0)
        return b"".join(unsigned(len(record), 2) + record for record in records)

    def receive_bytes(self, data: bytes) -> None:
        self._unread += data
        while len(self._unread) >= 2:
            size = int.from_bytes(self._unread[:2], "big")
            expect(0 < size <= RECORD_BYTES, f"a record of {size} B")
            if len(self._unread) < 2 + size:
                return
            record, self._unread = self._unread[2 : 2 + size], self._unread[2 + size :]
            self.receive(record)

    def receive(self, data: bytes) -> None:
        if self._receiving:
            self._take_packet(data)
        elif data[0] == 0x82 and self._noise is None and decode_challenge(data).attempt == self.attempt:
            hello, self._noise = encode_hello(
                data, self.application_id, self.credentials, self.ephemeral, self.haves, padded_bytes=0
            )
            self._outgoing.append(hello)
        elif data[0] == 0x84 and self._noise is not None and self.verdict is None:
            self.verdict = decode_reply(data, self.attempt, self._noise)
            if self.verdict.connection_id is not None:
                self._key, self._receiving = self._noise.split()
                self.send_frames(Ping())
        else:
            raise WireError(f"unexpected record {data[0]:#x}")

    def send_bytes(self, plaintext: bytes) -> None:
        header = unsigned(len(plaintext) + 16, 2)
        self._outgoing.append(seal(self._key, self.next_packet, header, plaintext, self.haves.suite))
        self.next_packet += 1

    def _take_packet(self, data: bytes) -> None:
        plaintext = unseal(self._receiving, self.opened, unsigned(len(data), 2), data, self.haves.suite)
        expect(plaintext != b"", "no frames")
        # What is done with the frames is as over UDP; the numbers are counted instead of read.
        opening = _Counting(self.opened, plaintext)
        self.opened += 1
        for frame in decode_frames(plaintext, self.channels):
            if isinstance(frame, Ack):
                expect(len(frame.packets) == 1, "an ACK over a stream has no bitmap")
        self._opening = opening
        self._receive_packet(opening, data)


class _Counting(Opening):
    """Gives out what was opened already."""

    def __init__(self, number: int, plaintext: bytes) -> None:
        self.accepted = {number}  # so the ACK names the newest alone, without a bitmap
        self.largest = number
        self._opened = number, plaintext

    def open(self, data: bytes) -> tuple[int, bytes]:
        return self._opened
