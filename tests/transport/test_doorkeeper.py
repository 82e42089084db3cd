"""Who may not come in, and who not so often."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.config import GuardConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.transport.allowance import Allowance
from ecsnet.transport.doorkeeper import BlockList, Doorkeeper

HERE = ("192.0.2.7", 4000)
NEIGHBOUR = ("192.0.2.8", 4000)


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7"], ["203.0.113.8", "::1"]),
        ("203.0.113.99/24", ["203.0.113.0", "203.0.113.255"], ["203.0.114.0", "2001:db8::1"]),
        ("2001:db8::/48", ["2001:db8::1", "2001:db8:0:ffff::%eth0"], ["2001:db8:1::", "203.0.113.7"]),
        ("0.0.0.0/0", ["1.2.3.4"], ["2001:db8::1", "server"]),
    ],
)
def test_a_network_is_blocked_as_a_whole_and_no_other(network: str, inside: list[str], outside: list[str]) -> None:
    blocked = BlockList([network])
    assert all(host in blocked for host in inside)
    assert not any(host in blocked for host in outside)
    blocked.remove(network)

    assert not any(host in blocked for host in inside)
    assert len(blocked) == 0


@given(
    st.lists(st.ip_addresses(v=4).flatmap(lambda ip: st.integers(0, 32).map(lambda n: f"{ip}/{n}"))),
    st.ip_addresses(v=4),
)
def test_the_list_agrees_with_the_standard_library(networks: list[str], host: ipaddress.IPv4Address) -> None:
    expected = any(host in ipaddress.ip_network(network, strict=False) for network in networks)

    assert (str(host) in BlockList(networks)) == expected


@pytest.mark.parametrize("wrong", ["", "203.0.113", "203.0.113.0/33", "example.org", "203.0.113.0-255"])
def test_what_is_no_network_is_refused_with_examples(wrong: str) -> None:
    with pytest.raises(LocalProtocolError, match=r"203\.0\.113\.0/24"):
        BlockList([wrong])


def test_the_third_strike_blocks_and_each_block_lasts_twice_as_long() -> None:
    keeper = Doorkeeper(GuardConfig())
    now = 0.0
    for seconds in (60, 120, 240):
        keeper.strike(HERE, now)
        keeper.strike(HERE, now)
        assert not keeper.is_blocked(HERE, now)
        keeper.strike(HERE, now)
        assert keeper.is_blocked(("192.0.2.7", 5), now + seconds - 1)
        assert not keeper.is_blocked(NEIGHBOUR, now)
        now += seconds
        assert not keeper.is_blocked(HERE, now)
    for _ in range(60):
        keeper.strike(HERE, now)

    assert keeper.is_blocked(HERE, now + 86_399)
    assert not keeper.is_blocked(HERE, now + 86_400)


def test_strikes_are_forgotten() -> None:
    keeper = Doorkeeper(GuardConfig())
    for now in (0.0, 599.0, 1199.0):
        keeper.strike(HERE, now)

    assert not keeper.is_blocked(HERE, 1199.0)


def test_a_network_may_knock_so_often_and_its_neighbour_does_not_suffer() -> None:
    keeper = Doorkeeper(GuardConfig(handshakes_at_once=3, handshakes_per_second=0.5))

    assert [keeper.admits("192.0.2.7", 0.0) for _ in range(4)] == [True, True, True, False]
    assert keeper.admits("192.0.2.8", 0.0)
    assert [keeper.admits("192.0.2.7", 4.0) for _ in range(3)] == [True, True, False]


def test_what_is_remembered_is_bounded() -> None:
    keeper = Doorkeeper(GuardConfig(max_networks=100, handshakes_at_once=1))
    for number in range(1000):
        keeper.admits(f"host {number}", now=0.0)
        keeper.strike((f"host {number}", 1), now=0.0)

    assert 90 < len(keeper._allowances) <= 100
    assert len(keeper._records) == 100
    assert not keeper.admits("host 999", now=0.0)  # those seen last are remembered


def test_a_crowd_of_networks_is_not_looked_through_for_each_newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An IPv6 /48 has 65,536 of them: each handshake cost 0.6 ms before its key exchange."""
    keeper = Doorkeeper(GuardConfig(max_networks=160))
    looks = []
    is_full = Allowance.is_full

    def counted(allowance: Allowance, now: float) -> bool:
        looks.append(now)
        return is_full(allowance, now)

    monkeypatch.setattr(Allowance, "is_full", counted)
    for number in range(1600):
        keeper.admits(f"host {number}", now=number / 2000)  # every look finds few that have recovered

    assert len(looks) <= 16 * 1600
