"""Credit: a reader that stops stops the sender, and one that reads on starts it again, whatever gets lost."""

import pytest

from ecsnet.config import TransportConfig
from ecsnet.testing.network import Link
from ecsnet.transport.credit import CreditGiver, CreditSender
from ecsnet.transport.packet import pack_credit
from ecsnet.transport.reliable import Spending
from tests.transport.pair import CLIENT, ORDERED, SERVER, UNORDERED, Pair


def test_credit_is_given_anew_when_a_quarter_was_read() -> None:
    giver = CreditGiver(1000, 10, 500)
    giver.receive(bytes(230))
    assert not giver.read()
    giver.receive(b"")
    assert giver.read()

    assert giver.granted == 1250


@pytest.mark.parametrize("before", [60_000, 70_000, 81_855])
@pytest.mark.parametrize("credit", [262_208, 327_680])
def test_the_longest_message_never_waits_for_credit_that_nobody_says(before: int, credit: int) -> None:
    """All is read, and what was read is less than a quarter; but what is left is less than the message costs."""
    pair = Pair(config=TransportConfig(credit_bytes=credit))
    client, server = pair.connect()
    for message in (bytes(before), bytes(262_144)):
        client.send(ORDERED, message)
        pair.run_until(lambda: bool(server.take_messages()))


def test_a_credit_that_was_overtaken_takes_nothing_back() -> None:
    spending = Spending(100)
    spending.left -= 60
    spending.raise_to(300)
    spending.raise_to(200)

    assert spending.left == 240


def test_only_the_newest_credit_is_repeated() -> None:
    sender = CreditSender()
    sender.say(100)
    old = sender.peek()
    assert old is not None
    sender.pop()
    sender.say(200)
    new = sender.peek()

    assert not sender.repeat(old)
    assert new is not None
    assert new.frame == pack_credit(200)
    sender.pop()
    assert sender.is_idle
    assert sender.repeat(new)
    sender.acknowledge(new)
    assert sender.is_idle


def test_a_credit_that_gets_lost_is_said_again() -> None:
    """Everything sent has arrived and the sender waits for credit: only the reader can move things on."""
    pair = Pair(config=TransportConfig(credit_bytes=10_000, max_reliable_message_bytes=5000))
    client, server = pair.connect()
    for _ in range(20):
        client.send(ORDERED, bytes(1000))
    pair.run(2)
    got = len(server.take_messages())
    pair.network.partition(CLIENT, SERVER)
    pair.run(3)
    pair.network.heal(CLIENT, SERVER)
    for _ in range(120):
        pair.step()
        got += len(server.take_messages())

    assert got == 20


def test_two_channels_share_the_credit_and_neither_is_stuck() -> None:
    pair = Pair(
        link=Link(loss=0.2, latency_seconds=0.05),
        config=TransportConfig(credit_bytes=10_000, max_reliable_message_bytes=5000),
    )
    client, server = pair.connect()
    for _ in range(50):
        client.send(ORDERED, bytes(900))
        client.send(UNORDERED, bytes(4000))
    got = 0
    for step in range(60 * 40):
        pair.step()
        if step % 10 == 0:
            got += len(server.take_messages())

    assert got == 100
