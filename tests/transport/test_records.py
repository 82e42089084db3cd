"""Records: cut out of a stream whatever pieces it comes in, and never more held than one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.transport.records import RecordReader, pack_record

LIMIT = 1200

RECORDS = st.lists(st.binary(min_size=1, max_size=LIMIT), max_size=8)


@given(RECORDS, st.lists(st.integers(1, 500), min_size=1))
def test_what_was_packed_is_read_back_whatever_pieces_it_comes_in(records: list[bytes], sizes: list[int]) -> None:
    """TCP keeps no boundaries."""
    reader, got = RecordReader(LIMIT), []
    data = b"".join(map(pack_record, records))
    while data:
        for size in sizes:
            got += reader.feed(data[:size])
            data = data[size:]

    assert got == records
    assert repr(reader) == "RecordReader(0 B held)"


@given(st.lists(st.binary(max_size=3000), max_size=10))
def test_any_bytes_are_records_or_break_the_reader(pieces: list[bytes]) -> None:
    """And less than one record is held, whatever a length announces."""
    reader = RecordReader(LIMIT)
    for piece in pieces:
        assert all(0 < len(record) <= LIMIT for record in reader.feed(piece))
        assert reader.held_bytes < LIMIT + 2


@pytest.mark.parametrize("length", [b"\x00\x00", b"\x04\xb1", b"\xff\xff"])
def test_a_length_that_is_not_allowed_breaks_it_for_good(length: bytes) -> None:
    """Where one record begins wrongly, nobody knows where the next does."""
    reader = RecordReader(LIMIT)

    assert reader.feed(pack_record(b"fine") + length + pack_record(b"lost")) == [b"fine"]
    assert reader.is_broken
    assert reader.feed(pack_record(b"lost")) == []
    assert reader.held_bytes == 0
