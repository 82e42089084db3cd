"""An answer to an inspector: made in slices, sent in pieces, put together again; and whatever else somebody sends."""

import json
import random
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import RemoteProtocolError
from ecsnet.rpc import Call
from ecsnet.storage.store import Document
from ecsnet.systems import inspection
from ecsnet.systems.inspection import (
    MAX_ANSWER_BYTES,
    PIECE_BYTES,
    SLICE_LINES,
    Desk,
    Lines,
    Piece,
    Puzzle,
    Show,
    Showing,
    Wish,
    look,
)
from ecsnet.targets import OneClient, Target
from ecsnet.world import World

LONG_LINES = [random.Random(number).randbytes(400).hex() for number in range(100)]


class Counted:
    """An exhibitor with a thousand lines for everybody, that counts how many were asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.readers = {1, 2, 3, 4}

    def show(self, wish: Wish) -> Lines:
        for _ in range(1000):
            self.asked += 1
            yield {"entity": wish.entity}

    def has_read(self, inspector: int) -> bool:
        return inspector in self.readers


class Letters:
    """Mail that keeps what was sent, by whom it is for."""

    def __init__(self) -> None:
        self.sent: list[tuple[Target, object]] = []

    def call(self, *_: object) -> None:
        raise AssertionError("nothing is called")

    def send(self, target: Target, event: object) -> None:
        self.sent.append((target, event))


def desk(inspectors: int) -> tuple[World, Counted, Letters]:
    world, exhibitor = World(tick_rate_hz=60), Counted()
    world.mail = letters = Letters()
    world.create_entity(Desk(exhibitor))
    world.add_system(Show())
    for inspector in range(1, inspectors + 1):
        look(Call(world, inspector, 0, 0), "", inspector, "", 0)
    return world, exhibitor, letters


def pieces(lines: Lines, slice_lines: int = SLICE_LINES) -> Iterator[Piece]:
    showing = Showing(1, lines)
    while not showing.is_over:
        yield from showing.advance(slice_lines)


def put_together(sent: Iterator[Piece]) -> Document | None:
    puzzle = Puzzle(1)
    for piece in sent:
        whole = puzzle.add(piece)
        if whole is not None:
            return whole
    return None


@pytest.mark.parametrize("inspectors", [1, 2, 4])
def test_all_answers_together_take_32_lines_of_a_tick(inspectors: int) -> None:
    """More inspectors wait longer; the game never does."""
    world, exhibitor, _ = desk(inspectors)
    for _ in range(5):
        world.process()

    assert exhibitor.asked == 5 * SLICE_LINES


def test_who_has_not_read_is_left_out_and_costs_the_others_nothing() -> None:
    """Its answer stays where it is."""
    world, exhibitor, letters = desk(2)
    exhibitor.readers = {2}
    for _ in range(70):
        world.process()

    assert {target for target, _ in letters.sent} == {OneClient(2)}
    assert exhibitor.asked == 1000


def test_pieces_are_short_and_the_last_one_says_so() -> None:
    """However long a line is."""
    sent = list(pieces(iter([{"entity": {"text": line}} for line in LONG_LINES])))

    assert len(sent) > 10
    assert max(len(piece.data) for piece in sent) == PIECE_BYTES
    assert [piece.is_last for piece in sent] == [False] * (len(sent) - 1) + [True]


@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text() | st.booleans(), max_size=3)),
    st.integers(1, 5),
)
def test_what_was_said_is_what_is_put_together(entities: list[Document], slice_lines: int) -> None:
    """In slices of any length; entities stay with their room."""

    def said() -> Lines:
        yield {"server": {"game": "a"}}
        yield {"client": {"name": "b"}}
        for room in ("c", "d"):
            yield {"room": {"code": room}}
            for entity in entities:
                yield {"entity": entity}

    rooms = [{"code": room, "entities": entities} for room in ("c", "d")]
    whole = {"game": "a", "clients": [{"name": "b"}], "rooms": rooms}
    assert put_together(pieces(said(), slice_lines)) == whole


def test_pieces_of_an_earlier_answer_are_passed_over() -> None:
    """They were on their way when the next question was asked."""
    puzzle = Puzzle(2)
    (piece,) = pieces(iter([{"server": {"game": "a"}}]))

    assert puzzle.add(piece) is None
    assert puzzle.add(Piece(2, piece.data, is_last=True)) == {"game": "a", "clients": [], "rooms": []}


@given(
    st.binary() | st.binary().map(zlib.compress) | st.text().map(lambda text: zlib.compress(json.dumps(text).encode()))
)
def test_any_bytes_are_an_answer_or_an_error(data: bytes) -> None:
    """A server that is not ours must not end the program that asks it."""
    try:
        whole = Puzzle(1).add(Piece(1, data, is_last=True))
    except RemoteProtocolError:
        return
    assert whole is None or set(whole) >= {"clients", "rooms"}


@pytest.mark.parametrize(
    "line",
    ["[1]", "{}", "null", '{"server": 1}', '{"room": 2}', '{"a": 1, "b": 2}', '{"entity": 1', "{" * 5000, "[" * 9999],
)
def test_a_line_that_makes_no_sense_is_an_error(line: str) -> None:
    """Whole compressed, and still nothing that we say."""
    with pytest.raises(RemoteProtocolError):
        Puzzle(1).add(Piece(1, zlib.compress(line.encode()), is_last=True))


def test_an_answer_that_ends_too_early_is_an_error() -> None:
    """What is cut off is not shown as if it were all."""
    data = zlib.compress(b'{"server": {}}\n')

    with pytest.raises(RemoteProtocolError, match="ends in the middle"):
        Puzzle(1).add(Piece(1, data[:-5], is_last=True))


def test_an_answer_unfolds_to_its_limit_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand bytes may stand for a million; the memory of who asks is not for the server to fill."""
    assert MAX_ANSWER_BYTES == 1 << 28
    monkeypatch.setattr(inspection, "MAX_ANSWER_BYTES", 10_000)
    puzzle = Puzzle(1)
    compressor = zlib.compressobj()
    fits = compressor.compress(b" " * 10_000) + compressor.flush(zlib.Z_SYNC_FLUSH)

    assert puzzle.add(Piece(1, fits)) is None
    with pytest.raises(RemoteProtocolError, match="more than 10000 bytes"):
        puzzle.add(Piece(1, compressor.compress(b" " * 50_000) + compressor.flush()))
