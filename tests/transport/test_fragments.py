"""Long messages, cut and put together."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.fragments import Assembly, cut


@given(st.binary(min_size=1, max_size=2000), st.integers(1, 100), st.randoms(use_true_random=False))
def test_parts_make_the_message_in_any_order(message: bytes, part_bytes: int, chance: random.Random) -> None:
    parts = cut(message, part_bytes)
    order = [*range(len(parts)), *range(len(parts))]  # everything twice
    chance.shuffle(order)
    assembly = Assembly(len(parts), overhead_bytes=10)
    whole = [made for index in order if (made := assembly.add(index, len(parts), parts[index])) is not None]

    assert whole == [message]
    assert assembly.held_bytes == len(message) + 10 * len(parts)


def test_nothing_is_held_for_what_was_only_announced() -> None:
    """A bomb announces 256 parts and sends one."""
    assembly = Assembly(256, overhead_bytes=128)
    assembly.add(255, 256, b"one")

    assert assembly.held_bytes == 131


def test_parts_that_contradict_each_other_break_the_protocol() -> None:
    assembly = Assembly(3, overhead_bytes=0)
    assembly.add(0, 3, b"")
    with pytest.raises(RemoteProtocolError, match="3 fragments and then 4"):
        assembly.add(1, 4, b"")
