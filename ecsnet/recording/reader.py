"""Recording: what a file holds, moment by moment, from any time on, whatever is missing of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Self

from ecsnet.errors import RecordingError
from ecsnet.game import Game
from ecsnet.quoting import printable
from ecsnet.recording.format import (
    CALL,
    CHECK,
    END,
    KEY,
    MORE,
    STATE,
    WHOLE,
    Block,
    Item,
    find_blocks,
    unpack_block,
    unpack_header,
    unpack_items,
)
from ecsnet.replication.schema import Schema, difference
from ecsnet.wire import Tick, tick_difference

__all__ = ["Moment", "Recording", "clock_text"]

TICK_BYTES = 4  # with which a state message begins


@dataclass(slots=True, eq=False)
class Moment:
    """One send tick.

    Attributes:
        state: What changed, a state message.
        whole: All there is, a state message; None where only what changed is told.
        calls: Calls and events that everybody was told after it.
        check: The fingerprint of all there is after it, once a second.
        is_fresh: Something may be missing before it: only what `whole` says counts.
    """

    tick: Tick
    state: bytes
    whole: bytes | None = None
    calls: list[bytes] = field(default_factory=list)
    check: bytes | None = None
    is_fresh: bool = False

    @property
    def messages(self) -> list[bytes]:
        """What brings a World to where it was after this tick, in this order; a new World, if `is_fresh`."""
        return [self.whole, self.state] if self.is_fresh and self.whole is not None else [self.state]


class Recording:
    """A recording, read.

    Attributes:
        name: What messages call it.
        header: What it says of itself.
        ending: How it ended, nothing where a server just closed; None: it is cut off.
    """

    def __init__(self, data: bytes, name: str = "the recording") -> None:
        """Find out what is there.

        Raises:
            RecordingError: It is no recording, or one of a newer format, or nothing of it is left.
        """
        self.name = name
        self._data = data
        try:
            self.header, start = unpack_header(data)
        except RecordingError as error:
            raise RecordingError(f"{name}: {error}") from error
        found = list(find_blocks(data, start))
        self._blocks = [block for block in found if block.kind != END]
        if not any(block.kind == KEY for block in self._blocks):
            raise RecordingError(f"{name}: it is cut off before anything was recorded")
        header = Block(MORE, self.header.start_tick, self.header.start_tick, 0, start)
        self._gaps = {b.start: a for a, b in pairwise([header, *found]) if not self._follows(a, b)}
        self._last = found[-1].last
        is_ended = found[-1].kind == END and found[-1].end == len(data)
        self.ending = self._unpack(found[-1]).decode(errors="replace") if is_ended else None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a file; one that still grows is as if it were cut off now.

        Raises:
            RecordingError: As above, or the file cannot be read.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise RecordingError(f"cannot read {path}: {error.strerror}") from error
        return cls(data, str(path))

    def __repr__(self) -> str:
        """Show what it is of, and how long it is."""
        return f"Recording({self.name!r}, {self.header.game!r}, {self.seconds:.1f} s)"

    @property
    def size_bytes(self) -> int:
        """How long the file is."""
        return len(self._data)

    @property
    def seconds(self) -> float:
        """How long the game lasted that is in it."""
        return self.time_of(self._blocks[-1].last)

    def time_of(self, tick: Tick) -> float:
        """Return when a tick was, in seconds since the beginning."""
        return tick_difference(tick, self.header.start_tick) / self.header.tick_rate_hz

    @property
    def is_damaged(self) -> bool:
        """Whether something is missing that is not just the end."""
        return bool(self._gaps)

    @property
    def lost_seconds(self) -> float:
        """How much of the game cannot be played, since it is missing or goes on from what is."""
        lost, reached = 0.0, 0.0
        for start, before in self._gaps.items():
            key = self._resumed(start)
            until = self.time_of(self._last) if key is None else self.time_of(key) - 1 / self.header.send_rate_hz
            since = max(reached, self.time_of(before.last))
            reached = max(since, until)
            lost += reached - since
        return lost

    def faults(self) -> list[str]:
        """Return what is wrong with the file, a line for each place."""
        lines = [self._fault(before.last, start) for start, before in self._gaps.items()]
        if self.ending is None:
            lines.append(
                f"cut off after {clock_text(self.seconds)}: the server ended without closing it, or still runs"
            )
        return lines

    def _follows(self, before: Block, block: Block) -> bool:
        """Tell whether nothing is missing between two blocks: no byte, and no tick in which something was sent."""
        interval = round(self.header.tick_rate_hz / self.header.send_rate_hz)
        is_next = tick_difference(block.first, before.last) == interval or block.kind == END or before.start == 0
        return before.end == block.start and is_next

    def _resumed(self, start: int) -> Tick | None:
        """Return from when on what is behind a gap can be played; None: not at all."""
        return next((each.first for each in self._blocks if each.kind == KEY and each.start >= start), None)

    def _fault(self, since: Tick, start: int) -> str:
        key = self._resumed(start)
        until = "nothing behind it can be played" if key is None else f"played on from {clock_text(self.time_of(key))}"
        return f"damaged after {clock_text(self.time_of(since))}, before byte {start}: {until}"

    def check_game(self, game: Game, schema: Schema) -> None:
        """Refuse to be read as what it is not.

        Raises:
            RecordingError: It is of another game, or of other components or calls; the text says which.
        """
        if game.name != self.header.game:
            raise RecordingError(f"{self.name} shows {printable(self.header.game)}, not {game.name}")
        if schema.hash.hex() != self.header.schema:
            version = f" (version {printable(self.header.version)})" if self.header.version else ""
            described = [printable(line) for line in self.header.description]
            found = difference(schema.describe(), described, there="in the recording")
            raise RecordingError(f"{self.name} is of another {game.name}{version} than is installed:\n{found}")

    def landmarks(self) -> Iterator[Moment]:
        """Yield those moments at which all there is was noted, about every ten seconds; nothing between them.

        Raises:
            RecordingError: As `moments`.
        """
        for block in self._blocks:
            if block.kind == KEY:
                yield from islice(self._moments_of(block, is_fresh=True), 1)

    def moments(self, since_seconds: float = 0.0) -> Iterator[Moment]:
        """Yield what happened, from the last moment on that is whole and not after a time.

        Raises:
            RecordingError: What is there is whole, but none of ours.
        """
        first = 0
        for at, block in enumerate(self._blocks):
            if block.kind == KEY and (at == 0 or self.time_of(block.first) <= since_seconds):
                first = at
        is_fresh = True
        for block in self._blocks[first:]:
            is_fresh = is_fresh or block.start in self._gaps
            if is_fresh and block.kind != KEY:
                continue  # what it goes on from is missing
            yield from self._moments_of(block, is_fresh=is_fresh)
            is_fresh = False

    def _moments_of(self, block: Block, *, is_fresh: bool) -> Iterator[Moment]:
        body = self._unpack(block)
        try:
            yield from _moments(unpack_items(body), is_fresh=is_fresh)
        except RecordingError as error:
            raise RecordingError(f"{self.name}: {error}") from error

    def _unpack(self, block: Block) -> bytes:
        try:
            return unpack_block(self._data, block)
        except RecordingError as error:
            raise RecordingError(f"{self.name}: {error}") from error


def _moments(items: Iterator[Item], *, is_fresh: bool) -> Iterator[Moment]:
    """Put together what belongs to a tick; items of kinds that a later version may add are left out."""
    moment, whole = None, None
    for kind, data in items:
        if kind == STATE:
            if moment is not None:
                yield moment
            moment = Moment(int.from_bytes(data[:TICK_BYTES], "big"), data, whole, is_fresh=is_fresh)
            whole, is_fresh = None, False
        elif kind == WHOLE:
            whole = data
        elif moment is not None and kind == CALL:
            moment.calls.append(data)
        elif moment is not None and kind == CHECK:
            moment.check = data
    if moment is not None:
        yield moment


def clock_text(seconds: float) -> str:
    """Return a time for people: "mm:ss", "h:mm:ss" from an hour on."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
