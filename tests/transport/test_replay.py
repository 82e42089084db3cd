"""The replay window, against published cases and against a plain set of everything that ever arrived."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.transport.crypto import PACKET_NUMBER_LIMIT
from ecsnet.transport.replay import ReplayWindow

SIZE = 1024
W = SIZE - 1  # the published cases call the number of places behind the largest the window's size

Published = Callable[[str], Any]


def accepts(window: ReplayWindow, number: int) -> bool:
    """Receive one authentic packet."""
    allowed = window.check(number)
    if allowed:
        window.commit(number)
    return allowed


def test_the_published_sequence_is_judged_as_published(published: Published) -> None:
    """Steps, leaps, repeats and the end of the number space."""
    window = ReplayWindow(SIZE)

    for case in published("replay-window.json")["main"]:
        n = case["n"]
        number = n.get("T_LIM", 0) * (W + 1) + n.get("LIMIT", 0) * PACKET_NUMBER_LIMIT + n["plus"]
        if n.get("LIMIT") == 0:
            number = n["plus"]
        assert accepts(window, number) is case["accept"], case


@pytest.mark.parametrize("name", ["bulk1", "bulk2", "bulk3", "bulk4", "bulk5"])
def test_published_runs_fill_the_window(published: Published, name: str) -> None:
    """Upward and downward over the whole width: each number is accepted once."""
    [case] = [case for case in published("replay-window.json")["bulk"] if case["name"] == name]
    insert, window = case["insert"], ReplayWindow(SIZE)
    start = insert["from"] if "from" in insert else W + insert["from_W_plus"]
    end = insert["to"] if "to" in insert else W + insert["to_W_plus"]
    for number in range(start, end + insert["step"], insert["step"]):
        assert accepts(window, number), number

    for number, expected in case["then"]:
        assert accepts(window, W + 1 if number == "W+1" else number) is expected


@given(
    st.lists(st.one_of(st.integers(0, 40), st.integers(0, PACKET_NUMBER_LIMIT + 5)), max_size=60), st.integers(1, 20)
)
def test_it_agrees_with_a_set_of_everything_seen(numbers: list[int], size: int) -> None:
    """A model without any trick: seen before, or too far behind the largest."""
    window, seen = ReplayWindow(size), set[int]()

    for number in numbers:
        expected = number not in seen and number > max(seen, default=-1) - size and number < PACKET_NUMBER_LIMIT
        assert accepts(window, number) is expected
        if expected:
            seen.add(number)
    assert window.largest == max(seen, default=-1)


def test_checking_alone_changes_nothing() -> None:
    """A forged packet is checked but never committed."""
    window = ReplayWindow(SIZE)
    assert accepts(window, 5)
    for number in (6, 1000, PACKET_NUMBER_LIMIT - 1):
        assert window.check(number)

    assert window.largest == 5
    assert accepts(window, 6)


def test_a_far_leap_costs_no_memory() -> None:
    """Shifting a bitmap by 2**60 would be the end of the process."""
    window = ReplayWindow(SIZE)
    assert accepts(window, 0)

    assert accepts(window, PACKET_NUMBER_LIMIT - 1)
    assert not accepts(window, 0)
    assert accepts(window, PACKET_NUMBER_LIMIT - SIZE)
    assert not accepts(window, PACKET_NUMBER_LIMIT - SIZE - 1)


def test_a_long_walk_costs_no_memory() -> None:
    """One bit a packet for ever would be a leak, and every shift slower than the one before."""
    window = ReplayWindow(SIZE)
    for number in range(3 * SIZE):
        assert accepts(window, number)

    assert window._seen.bit_length() == SIZE
