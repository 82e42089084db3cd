"""Recorder: one room's tape. What is heard is gathered for a second, then packed and written by a worker.

Nothing here waits. If the disk does not keep up, what waits grows up to a limit; there the recording ends, readably.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import Protocol

from ecsnet.recording.format import (
    CALL,
    CHECK,
    END,
    KEY,
    MORE,
    STATE,
    WHOLE,
    Header,
    pack_block,
    pack_header,
    pack_item,
)
from ecsnet.replication.sender import Sender
from ecsnet.wire import Tick, tick_difference
from ecsnet.worker import Worker

__all__ = ["KEY_SECONDS", "MAX_WAITING_BYTES", "Recorder", "Sink"]

BLOCK_SECONDS = 1.0  # what a crash of the machine or the program costs at most, and how often there is a fingerprint
KEY_SECONDS = (
    10.0  # how far one has to play forward after a jump: 0.1 s of work with 200 entities; costs 2 % of the file
)
MAX_BLOCK_BYTES = 1 << 20  # before packing; where a second holds more, it is several blocks
MAX_WAITING_BYTES = 1 << 24  # for the disk: four minutes of 200 moving entities, then it is not slow but gone

logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Where the bytes go: a file that is opened for writing without a buffer."""

    def write(self, data: bytes, /) -> int | None:
        """Write some of it; return how many bytes."""

    def close(self) -> None:
        """Let go of it."""


class Recorder:
    """Records one room.

    Attributes:
        name: What messages call it.
        is_over: Whether nothing more is recorded.
    """

    def __init__(self, sink: Sink, header: Header, *, worker: Worker, name: str) -> None:
        """Begin to write.

        Args:
            worker: Writes, a job at a time.
        """
        self.name = name
        self.is_over = False
        self._sink = sink
        self._worker = worker
        self._block_ticks = BLOCK_SECONDS * header.tick_rate_hz
        self._key_ticks = KEY_SECONDS * header.tick_rate_hz
        self._interval_ticks = header.tick_rate_hz / header.send_rate_hz
        self._items: list[bytes] = []
        self._size = 0  # of these
        self._first: Tick = 0  # of the block
        self._last: Tick = header.start_tick
        self._key_at: Tick | None = None
        self._waiting: list[partial[bytes]] = [partial(pack_header, header)]
        self._waiting_bytes = 0  # before packing, with those that are being written
        self._writing_bytes = 0
        self._job: Future[None] | None = None

    def __repr__(self) -> str:
        """Show how far it is, and how far behind."""
        return f"Recorder({self.name!r}, tick={self._last}, {self._waiting_bytes} B waiting, over={self.is_over})"

    @property
    def is_written(self) -> bool:
        """Whether it is over and nothing of it waits any more."""
        return self.is_over and not self._waiting and (self._job is None or self._job.done())

    def note(self, sender: Sender, calls: Sequence[bytes]) -> None:
        """Note the state that was just sent, and what everybody was told after it.

        HOT: once per send tick of a room that is recorded; tests/bench/bench_recording.py.
        """
        if self.is_over:
            self.go_on()
            return
        tick = sender.tick
        if not self._items:
            self._begin_block(sender)
        self._add(STATE, sender.tell_all())
        for call in calls:
            self._add(CALL, call)
        self._last = tick
        passed = tick_difference(tick, self._first) + self._interval_ticks
        if passed >= self._block_ticks or self._size >= MAX_BLOCK_BYTES:
            self._add(CHECK, sender.fingerprint())
            self._end_block()
            if self._waiting_bytes > MAX_WAITING_BYTES:
                told = f"the disk does not keep up: {self._waiting_bytes} B wait for it"
                logger.warning("the recording %s ends here: %s", self.name, told)
                self.end(told)
            self.go_on()

    def end(self, text: str = "") -> None:
        """Write what there is, and how it ended."""
        if self.is_over:
            return
        self.is_over = True
        if self._items:
            self._end_block()
        self._put(END, text.encode(), len(text))
        self.go_on()

    def finish(self, within_seconds: float) -> bool:
        """Wait until all is written that ended; tell whether it is. For the end of a program."""
        while self._job is not None:
            try:
                self._job.exception(within_seconds)
            except FutureTimeoutError:
                logger.warning("the recording %s was not written to its end: the disk does not answer", self.name)
                return False
            self.go_on()
        return True

    # Blocks.

    def _begin_block(self, sender: Sender) -> None:
        self._first = sender.tick
        if self._key_at is None or tick_difference(sender.tick, self._key_at) >= self._key_ticks:
            self._key_at = sender.tick
            self._add(WHOLE, sender.tell_all(whole=True))

    def _add(self, kind: int, data: bytes) -> None:
        self._items.append(pack_item(kind, data))
        self._size += len(data)

    def _end_block(self) -> None:
        items, self._items = self._items, []
        size, self._size = self._size, 0
        self._put(KEY if self._key_at == self._first else MORE, b"".join(items), size)

    def _put(self, kind: int, body: bytes, size: int) -> None:
        self._waiting.append(partial(pack_block, kind, self._first, self._last, body))
        self._waiting_bytes += size

    # Writing.

    def go_on(self) -> None:
        """Give the worker what waits, if it is done with what it had. What goes on by itself asks in `note`."""
        if self._job is not None:
            if not self._job.done():
                return
            error = self._job.exception()
            self._job = None
            self._waiting_bytes -= self._writing_bytes
            if error is not None:
                self._give_up(error)
        if self._waiting:
            blocks, self._waiting = self._waiting, []
            self._writing_bytes = self._waiting_bytes
            self._job = self._worker.submit(partial(_write, self._sink, blocks, closes=self.is_over))

    def _give_up(self, error: BaseException) -> None:
        """End where the last whole block ends: the file cannot be written."""
        logger.warning("the recording %s ends here: %s", self.name, error)
        self.is_over = True
        self._items, self._waiting, self._waiting_bytes = [], [], 0


def _write(sink: Sink, blocks: Sequence[partial[bytes]], *, closes: bool) -> None:
    """Pack and write blocks; of what cannot be written the file is let go of."""
    try:
        for pack in blocks:
            _write_all(sink, pack())
    except BaseException:
        sink.close()
        raise
    if closes:
        sink.close()


def _write_all(sink: Sink, data: bytes) -> None:
    while data:
        written = sink.write(data)
        if not written:
            raise OSError("it takes nothing more")
        data = data[written:]
