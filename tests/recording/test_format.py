"""A file that is cut, damaged, foreign or newer is played as far as it is good, or refused in a sentence."""

import struct
import zlib
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import RecordingError
from ecsnet.game import Game
from ecsnet.recording import format as layout
from ecsnet.recording.format import MORE, find_blocks, pack_block, pack_item, unpack_block, unpack_header, unpack_items
from ecsnet.recording.reader import Recording, clock_text
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.replication.schema import Schema
from ecsnet.testing.simulation import Simulation
from tests.recording.film import Film, game

SECONDS = 32  # three times all there is, and some


@cache
def filmed(seconds: float = SECONDS) -> tuple[bytes, Schema]:
    """Return a recording of a player in a yard."""
    film, sim = Film(), Simulation(game, clients=1, seed=5)
    sim.server.record(film.begin)
    sim.run(seconds)
    sim.server.close(now=sim.now)
    return bytes(film.data), sim.server.schema


def ticks_and_prints(data: bytes) -> list[tuple[int, bytes]]:
    """Return what a file plays: each tick, and what all there was then comes to."""
    rebuilt = Rebuilt(Recording(data), filmed()[1])
    return [(moment.tick, rebuilt.fingerprint()) for moment in rebuilt.run()]


def test_a_file_that_is_cut_anywhere_plays_up_to_its_last_whole_block() -> None:
    """A server may be killed while it writes: what is on the disk is good."""
    data, schema = filmed(2.3)
    whole = ticks_and_prints(data)
    starts = {0: 0}
    blocks = list(find_blocks(data, unpack_header(data)[1]))
    for size in range(len(data)):
        try:
            recording = Recording(data[:size])
        except RecordingError:
            refused = size
            continue
        played = sum(1 for _ in recording.moments())
        starts[played] = size
        assert recording.ending is None
        assert recording.faults()[-1].startswith("cut off after 00:0")
    assert refused == blocks[0].end - 1
    for played, size in starts.items():
        assert not played or ticks_and_prints(data[:size]) == whole[:played]

    assert list(starts) == [0, 10, 20, 23]
    assert Recording(data).ending == ""
    assert Recording(data).faults() == []
    assert schema.game is game


@pytest.mark.parametrize("part", range(6))
def test_a_byte_that_was_changed_is_found_and_what_it_spoils_is_left_out(part: int) -> None:
    """Nothing is played that was not recorded; it goes on where all there is was noted the next time."""
    data, _ = filmed()
    whole, header_end = ticks_and_prints(data), unpack_header(data)[1]
    blocks = list(find_blocks(data, header_end))
    keys = [block for block in blocks if block.kind == layout.KEY]
    assert len(keys) == 4
    for at in range(part, len(data), 6 * 37):
        spoiled = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        if at < header_end:
            with pytest.raises(RecordingError):
                Recording(spoiled)
            continue
        recording = Recording(spoiled)
        hit = next(block for block in blocks if block.start <= at < block.end)
        resumed = min([key.start for key in keys if key.start > hit.start], default=len(data))
        lost = [block for block in blocks if hit.start <= block.start < resumed and block.kind != layout.END]
        good = {moment.tick for moment in recording.moments()}
        assert not any(block.first <= tick <= block.last for tick in good for block in lost), at
        assert len(recording.faults()) == 1, at
        if at % 5 == 0:
            assert ticks_and_prints(spoiled) == [row for row in whole if row[0] in good], at


def test_a_damaged_block_is_named_with_its_time_and_where_it_goes_on() -> None:
    """People want to know what is missing."""
    data, _ = filmed()
    block = list(find_blocks(data, unpack_header(data)[1]))[12]
    spoiled = bytearray(data)
    spoiled[block.end - 1] ^= 1

    [fault] = Recording(bytes(spoiled)).faults()

    assert fault == f"damaged after 00:12, before byte {block.end}: played on from 00:20"
    assert Recording(data[: block.start] + data[block.end :]).faults() == [  # as if somebody had cut it out
        f"damaged after 00:12, before byte {block.start}: played on from 00:20"
    ]


def test_what_is_no_recording_is_refused_and_so_is_a_newer_one() -> None:
    """In a sentence that names the file."""
    data, _ = filmed(2.3)
    newer = data[:8] + struct.pack("!H", 2) + data[10:]

    for wrong, text in (
        (b"", "it is no recording of ecsnet"),
        (b"hello", "it is no recording of ecsnet"),
        (data.replace(b"\n", b"\r\n", 1), "it is no recording of ecsnet"),
        (newer, "it has format 2, made by a newer ecsnet; this one reads up to 1"),
        (data[:12], "it is cut off before anything was recorded"),
        (data[:8] + data[8:30] + b"\x00" + data[31:], "its first part is damaged"),
    ):
        with pytest.raises(RecordingError, match=text) as caught:
            Recording(wrong, "a.ecsrec")
        assert str(caught.value).startswith("a.ecsrec: ")


def test_a_recording_of_another_game_or_of_other_components_says_what_differs() -> None:
    """As a client says it whose server has another version."""
    recording = Recording(filmed(2.3)[0], "a.ecsrec")
    other = Schema(Game("soccer"))
    changed = Schema(Game("yard", input=game.input, components=game.components[:3], tick_rate_hz=20, send_rate_hz=10))

    with pytest.raises(RecordingError, match=r"^a\.ecsrec shows yard, not soccer$"):
        Rebuilt(recording, other)
    with pytest.raises(RecordingError, match=r"is of another yard \(version 1\.2\) than is installed") as caught:
        Rebuilt(recording, changed)
    assert "Told: missing here, component in the recording" in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read_and_nothing_else(data: bytes) -> None:
    """A file may be anything."""
    good, _ = filmed(2.3)
    start = unpack_header(good)[1]
    for made in (data, good[:start] + data, good[:start] + pack_block(layout.KEY, 1, 1, data)):
        try:
            list(Rebuilt(Recording(made), filmed()[1]).run())
        except RecordingError:
            continue


def test_what_unpacks_to_more_than_may_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes can stand for gigabytes."""
    monkeypatch.setattr(layout, "MAX_BODY_BYTES", 1000)
    for size, fits in ((1000, True), (1001, False)):
        data = pack_block(MORE, 1, 1, bytes(size))
        [block] = find_blocks(data, 0)
        if fits:
            assert unpack_block(data, block) == bytes(size)
        else:
            with pytest.raises(RecordingError, match="more than 1000 B"):
                unpack_block(data, block)

    header, _ = unpack_header(filmed(2.3)[0])
    packed = zlib.compress(b" " * (layout.MAX_HEADER_BYTES + 1))
    head = struct.pack("!8sHII", b"\x89ECSREC\n", 1, len(packed), zlib.crc32(packed))
    with pytest.raises(RecordingError, match=f"more than {layout.MAX_HEADER_BYTES} B"):
        unpack_header(head + packed)
    assert unpack_header(layout.pack_header(header))[0] == header


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=100))))
def test_items_are_read_as_they_were_packed(items: list[tuple[int, bytes]]) -> None:
    """Of any kind: a later version may add some."""
    assert list(unpack_items(b"".join(pack_item(*item) for item in items))) == items


def test_times_are_written_as_people_write_them() -> None:
    """With hours only where there are some."""
    assert [clock_text(seconds) for seconds in (-1, 0, 59.99, 61, 3600 + 62)] == [
        "00:00", "00:00", "00:59", "01:01", "1:01:02",
    ]  # fmt: skip
