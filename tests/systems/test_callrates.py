"""How often a client may call: a second's worth at once, and who is told of the rest."""

import logging

import pytest

from ecsnet.rpc import SERVER, Call, rpc
from ecsnet.systems.callrates import CallRates


@rpc(to=SERVER, rate_hz=4)
def knock(call: Call) -> None: ...


@rpc(to=SERVER, rate_hz=0.5)
def ring(call: Call) -> None: ...


@rpc(to=SERVER)
def shout(call: Call) -> None: ...


def test_a_seconds_worth_at_once_and_the_rate_in_the_long_run() -> None:
    """Each client and each function has its own; rare ones may be called once."""
    rates = CallRates()
    at_once = [rates.allows(1, knock, 10.0, is_told=True) for _ in range(6)]
    others = [rates.allows(2, knock, 10.0, is_told=True), rates.allows(1, shout, 10.0, is_told=True)]
    later = [rates.allows(1, knock, 10.0 + 0.3 * i, is_told=True) for i in range(1, 5)]
    rare = [rates.allows(1, ring, 10.0 + i, is_told=True) for i in range(5)]

    assert at_once == [True] * 4 + [False] * 2
    assert others == [True, True]
    assert later == [True] * 4
    assert rare == [True, False, True, False, True]


@pytest.mark.parametrize("wait", [1.0, 100.0])
def test_nothing_is_saved_up(wait: float) -> None:
    """Who has been silent for long may call no more at once than who begins."""
    rates = CallRates()
    rates.allows(1, knock, 10.0, is_told=True)

    assert sum(rates.allows(1, knock, 10.0 + wait, is_told=True) for _ in range(20)) == 4


def test_what_nobody_is_told_of_is_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    """When its client has calmed down, or is gone; a flood of calls must be no flood of lines."""
    rates = CallRates()
    with caplog.at_level(logging.WARNING):
        for i in range(100):
            rates.allows(1, knock, 10.0 + 0.01 * i, is_told=False)
        during = len(caplog.records)
        rates.allows(1, knock, 20.0, is_told=False)
        for _ in range(9):
            rates.allows(1, knock, 20.0, is_told=False)
        rates.forget(1)
        rates.forget(1)

    assert during == 0
    assert [record.getMessage() for record in caplog.records] == [
        "93 calls of knock by client 1 were dropped: over 4 a second",
        "6 calls of knock by client 1 were dropped: over 4 a second",
    ]
