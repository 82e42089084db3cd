"""Inspection: how a running server is looked into by whoever holds its private key. Both ends of it.

It is a game of its own, with a World of its own in which nobody plays: an inspector asks with the call `look`, and gets
the answer in pieces, a few with each tick. Together they are lines of JSON, compressed: first how the server stands,
then each client, then each room with its entities. So no tick pays for more than a slice of an answer, however much
there is to show; only a room is copied at once, so that all its entities are of one tick.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ecsnet.errors import RemoteProtocolError
from ecsnet.fields import component, netvar
from ecsnet.game import Game
from ecsnet.gameevent import event
from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.storage.store import Document
from ecsnet.system import System
from ecsnet.targets import CLIENT
from ecsnet.world import World

__all__ = ["EVERYTHING", "INSPECTION", "Desk", "Exhibitor", "Lines", "Piece", "Puzzle", "Wish", "look"]

TICK_RATE_HZ = 60.0  # a slice each: 1,900 entities a second
SLICE_LINES = 32  # of all answers together, in one tick: 0.6 ms of entities with four components each
PIECE_BYTES = 1000  # the longest field
EVERYTHING = 0x7FFFFFFF
MAX_ANSWER_BYTES = 1 << 28  # unfolded: a million entities; what is more does not fit an inspector's memory, either


@dataclass(frozen=True, slots=True)
class Wish:
    """What an inspector wants to see.

    Attributes:
        room: Of this room, by its code; empty: of all.
        entity: This entity; 0: any.
        component: Entities that have it, and nothing else of them; empty: all of any.
        most: So many entities; of the others only how many there are.
    """

    room: str = ""
    entity: int = 0
    component: str = ""
    most: int = EVERYTHING

    @property
    def narrows(self) -> bool:
        """Whether some entities are not wished for."""
        return self.entity != 0 or self.component != ""


Lines: TypeAlias = Iterator[Document]  # each made when it is asked for


@event
class Piece:
    """A part of an answer. Sent by the server."""

    look: int  # the number that `look` returned
    data: bytes = netvar(b"", max_bytes=PIECE_BYTES)
    is_last: bool = False


class Exhibitor(Protocol):
    """What is needed of the server that is looked into."""

    def show(self, wish: Wish) -> Lines:
        """Say what there is to see, each line when it is asked for."""
        ...

    def has_read(self, inspector: int) -> bool:
        """Tell whether an inspector keeps up with what it gets."""
        ...


@component
class Desk:
    """Where the answers are made; there is one. Written by the server and by `look`; read by this file alone."""

    exhibitor: Exhibitor | None = None
    showings: "dict[int, Showing]" = field(default_factory=dict)  # by inspector: each has one at most
    looks: int = 0


class Showing:
    """An answer in the making: what is to be said, and what of it is compressed and waits to be sent."""

    def __init__(self, look: int, lines: Lines) -> None:
        """Begin with a number for its pieces."""
        self._look = look
        self._lines = lines
        self._compressor = zlib.compressobj(level=1)  # the time is the server's
        self._rest = b""
        self.is_over = False

    def advance(self, lines: int) -> Iterator[Piece]:
        """Say some lines more, and yield the pieces that came of it."""
        for _ in range(lines):
            try:
                line = next(self._lines)
            except StopIteration:
                self._rest += self._compressor.flush()
                self.is_over = True
                break
            text = json.dumps(line, separators=(",", ":")) + "\n"
            self._rest += self._compressor.compress(text.encode())
        while len(self._rest) > PIECE_BYTES:
            yield Piece(self._look, self._rest[:PIECE_BYTES])
            self._rest = self._rest[PIECE_BYTES:]
        if self.is_over:
            yield Piece(self._look, self._rest, is_last=True)


@rpc(to=SERVER, rate_hz=4)
def look(call: Call, room: str, entity: int, component: str, most: int) -> int:
    """Ask for what a `Wish` says; return the number of the answer, which takes the place of an earlier one."""
    desk = call.world.single(Desk)
    assert desk.exhibitor is not None
    desk.looks += 1
    desk.showings[call.sender] = Showing(desk.looks, desk.exhibitor.show(Wish(room, entity, component, most)))
    return desk.looks


class Show(System):
    """Server: go on with every answer, a slice in all."""

    def process(self, world: World) -> None:
        """Send what there is now to those who have read what they got before."""
        desk = world.try_single(Desk)
        if desk is None or desk.exhibitor is None or not desk.showings:
            return
        lines = max(1, SLICE_LINES // len(desk.showings))
        for inspector, showing in list(desk.showings.items()):
            if desk.exhibitor.has_read(inspector):
                for piece in showing.advance(lines):
                    world.to(CLIENT(inspector)).send(piece)
            if showing.is_over:
                del desk.showings[inspector]


INSPECTION = Game(
    "ecsnet inspection 1",  # another number when the lines say something else: then it is another application
    systems=[Show],
    rpcs=[look],
    events=[Piece],
    tick_rate_hz=TICK_RATE_HZ,
    send_rate_hz=TICK_RATE_HZ,
)


class Puzzle:
    """An answer as it arrives, put together."""

    def __init__(self, look: int) -> None:
        """Wait for the pieces of this number."""
        self._look = look
        self._decompressor = zlib.decompressobj()
        self._text = bytearray()

    def __repr__(self) -> str:
        """Show how much is there."""
        return f"Puzzle(look {self._look}, {len(self._text)} bytes)"

    def add(self, piece: Piece) -> Document | None:
        """Take the next piece; return the whole once there is no more to come.

        Raises:
            RemoteProtocolError: It is not what a server sends.
        """
        if piece.look != self._look:
            return None
        try:
            self._text += self._decompressor.decompress(piece.data, MAX_ANSWER_BYTES + 1 - len(self._text))
            if len(self._text) > MAX_ANSWER_BYTES:
                raise RemoteProtocolError(f"an answer of more than {MAX_ANSWER_BYTES} bytes; ask for less")
            if not piece.is_last:
                return None
            if not self._decompressor.eof:
                raise RemoteProtocolError("an answer that ends in the middle")
            return _assemble([_unpack_line(line) for line in self._text.splitlines()])
        except (zlib.error, ValueError, RecursionError) as error:
            raise RemoteProtocolError(f"an answer that makes no sense: {error}") from error


def _unpack_line(line: bytes | bytearray) -> tuple[str, Document]:
    """Return what a line is about, and what it says."""
    match json.loads(line):
        case dict() as found if len(found) == 1:
            ((kind, said),) = found.items()
            if isinstance(said, dict):
                return kind, said
    raise RemoteProtocolError(f"an answer with a line that makes no sense: {bytes(line[:100])!r}")


def _assemble(lines: Sequence[tuple[str, Document]]) -> Document:
    """Return one document made of the lines of an answer; entities belong to the room before them."""
    whole: Document = {}
    clients: list[Document] = []
    rooms: list[Document] = []
    entities: list[Document] = []
    for kind, said in lines:
        match kind:
            case "server":
                whole = said
            case "client":
                clients.append(said)
            case "room":
                entities = []
                rooms.append(said | {"entities": entities})
            case "entity":
                entities.append(said)
    return whole | {"clients": clients, "rooms": rooms}
