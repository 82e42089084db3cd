"""A whole connection as a state machine: two real ends, and every datagram between them in the test's hands.

Hypothesis chooses what is sent, what arrives, in which order, how often and when, and how much time passes; it shrinks
what fails to the few steps that matter. In the end the network becomes perfect, and everything promised must happen.
"""

import os
import random
from collections.abc import Callable
from math import inf

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ecsnet.events import Connected, Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.loss import MAX_BACKOFF
from ecsnet.transport.state import State
from tests.transport.pair import CLIENT, ORDERED, SEQUENCED, SERVER, UNORDERED, UNRELIABLE, Pair
from tests.transport.promises import Promises

ENDS = st.sampled_from((0, 1))  # the client, the server
CHANNELS = st.sampled_from((UNRELIABLE, SEQUENCED, UNORDERED, ORDERED))
SIZES = st.one_of(
    st.integers(8, 60), st.integers(60, 1200), st.sampled_from((1128, 1129, 1130, 1140, 5000, 40_000, 200_000))
)
SECONDS = st.one_of(
    st.sampled_from((0.000_001, 0.001, 0.04, 0.25, 1.0, 5.0, 11.0)), st.floats(0, 0.1), st.floats(0.1, 3.0)
)
REASONS = st.sampled_from((DisconnectReason.LEFT, DisconnectReason.KICKED, DisconnectReason.SERVER_CLOSING))
SPINS = 20  # rounds a host may be asked to act at one and the same moment
IDLE_SECONDS, CONFIRM_SECONDS, STALL_SECONDS = 10.0, 5.0, 30.0  # the defaults of TransportConfig
CAREFUL_SECONDS = 3.5  # below both, with room for an answer


class Conversation(RuleBasedStateMachine):
    """A client and a server that has accepted it; the packet that confirms is still on its way."""

    def __init__(self) -> None:
        super().__init__()
        pair = Pair(seed=1)
        while not pair.client.is_connected:
            pair.step()
        [server] = pair.endpoint.connections.values()
        self.ends = (pair.client, server)
        self.wires = ([data for data, _ in pair.network.receive(SERVER, inf)], list[bytes]())  # by who sent it
        self.copies: tuple[list[bytes], list[bytes]] = ([], [])  # delivered once already
        self.began = self.now = pair.now
        self.promises = (Promises(pair.client, server), Promises(server, pair.client))
        self.heard_at = [self.now, self.now]
        self.ended: tuple[list[Disconnected], list[Disconnected]] = ([], [])
        self.closed: dict[int, DisconnectReason] = {}  # by end, what it closed with while it could
        self.confirmed = False
        self.careful = False

    @initialize(careful=st.booleans())
    def begin(self, *, careful: bool) -> None:
        """Either time passes as it likes and patience may run out, or it never does, and all must arrive."""
        self.careful = careful

    @rule(end=ENDS, channel=CHANNELS, size=SIZES, count=st.integers(1, 4), with_token=st.booleans())
    def send(self, end: int, channel: int, size: int, count: int, *, with_token: bool) -> None:
        connection = self.ends[end]
        if channel in (UNRELIABLE, SEQUENCED):
            size = min(size, connection.max_message_bytes)
        for _ in range(count if connection.is_connected else 0):
            self.promises[end].send(channel, size, with_token=with_token)

    @rule(end=ENDS)
    def wake(self, end: int) -> None:
        """Let a host act: nothing may then be due at once, again and again."""
        connection = self.ends[end]
        for _ in range(SPINS):
            connection.update(self.now)
            self.wires[end].extend(data for data, _ in connection.datagrams_to_send(self.now))
            self.take_events(end)
            deadline = connection.next_deadline()
            if deadline is None or deadline > self.now:
                return
        raise AssertionError(f"after {SPINS} calls still due at {deadline}, and it is {self.now}: {connection}")

    @rule(end=ENDS)
    def sleep(self, end: int) -> None:
        """Let a host sleep as long as it may."""
        deadline = self.ends[end].next_deadline()
        if deadline is not None:
            self.pass_time(max(0.0, deadline - self.now))
            self.wake(end)

    @rule(seconds=SECONDS)
    def pass_time(self, seconds: float) -> None:
        if self.careful:
            seconds = min(seconds, max(0.0, min(self.heard_at) + CAREFUL_SECONDS - self.now))
        self.now += seconds

    @rule(end=ENDS, place=st.integers(0, 1000))
    def deliver(self, end: int, place: int) -> None:
        """Let one datagram arrive, not always the oldest."""
        if self.wires[end]:
            self.arrive(end, self.wires[end].pop(place % len(self.wires[end])))

    @rule(end=ENDS, place=st.integers(0, 1000))
    def drop(self, end: int, place: int) -> None:
        if self.wires[end]:
            self.wires[end].pop(place % len(self.wires[end]))

    @rule(end=ENDS, place=st.integers(0, 1000))
    def deliver_again(self, end: int, place: int) -> None:
        """Let one arrive that was here before."""
        if self.copies[end]:
            self.ends[1 - end].receive_datagram(
                self.copies[end][place % len(self.copies[end])], ADDRESSES[end], self.now
            )

    @rule(end=ENDS, seed=st.integers(0, 1 << 16), loss=st.sampled_from((0.0, 0.0, 0.1, 0.5)))
    def deliver_all(self, end: int, seed: int, loss: float) -> None:
        """Let all arrive that is on its way, shuffled if the seed is odd, but for what is lost."""
        chance = random.Random(seed)
        datagrams = self.wires[end][:]
        self.wires[end].clear()
        if seed & 1:
            chance.shuffle(datagrams)
        for data in datagrams:
            if chance.random() >= loss:
                self.arrive(end, data)

    @precondition(lambda self: not self.closed)
    @rule(end=ENDS, reason=REASONS, sure=st.sampled_from((False, False, False, False, True)))
    def close(self, end: int, reason: DisconnectReason, *, sure: bool) -> None:
        """End it now and then; most runs should have something to tell before."""
        if sure and self.ends[end].state in (State.CONNECTED, State.PENDING):
            self.say_goodbye(end, reason)

    def say_goodbye(self, end: int, reason: DisconnectReason) -> None:
        self.closed[end] = reason
        self.ends[end].close(reason, f"said by {end}", now=self.now)
        self.take_events(end)

    def arrive(self, end: int, data: bytes) -> None:
        """Let a datagram of an end arrive for the first time."""
        self.copies[end].append(data)
        del self.copies[end][:-200]
        self.heard_at[1 - end] = self.now
        self.ends[1 - end].receive_datagram(data, ADDRESSES[end], self.now)
        self.take_events(1 - end)

    def take_events(self, end: int) -> None:
        for event in self.ends[end].events():
            if isinstance(event, Connected):
                assert not self.confirmed or end == 0
                self.confirmed |= end == 1
            elif isinstance(event, Disconnected):
                self.ended[end].append(event)
                self.check_end(end, event)

    def check_end(self, end: int, event: Disconnected) -> None:
        """See that an end was told once, and the truth."""
        assert len(self.ended[end]) == 1, f"told twice: {self.ended[end]}"
        if event.reason is DisconnectReason.TIMEOUT:
            patience = IDLE_SECONDS if end == 0 or self.confirmed else CONFIRM_SECONDS
            assert self.now - self.heard_at[end] >= patience - 1e-6
        elif event.reason is DisconnectReason.TOO_SLOW:  # something reliable waited for 30 s, and the peer lived
            assert self.now >= self.began + STALL_SECONDS
        elif end in self.closed:
            assert event.reason is self.closed[end]
        else:
            assert (event.reason, event.text) == (self.closed[1 - end], f"said by {1 - end}")

    @invariant()
    def promises_are_kept(self) -> None:
        for promises in self.promises:
            promises.check()

    @invariant()
    def no_timer_is_forgotten(self) -> None:
        """An open end is always due some time, and whatever it waits for is due at its own time."""
        for connection in self.ends:
            deadline = connection.next_deadline()
            if connection.state is not State.CLOSED:
                assert deadline is not None, f"{connection} sleeps for ever"
                assert deadline <= self.now + IDLE_SECONDS
            traffic = connection._traffic
            if connection.state is not State.CONNECTED or traffic is None or deadline is None:
                continue
            since = traffic.received.eliciting_since
            if since is not None:
                assert deadline <= since + connection._config.max_ack_delay_seconds
            if len(traffic._in_flight):
                timer = traffic._in_flight.next_deadline()
                assert timer is not None, f"nobody asks what became of {traffic._in_flight}"
                assert deadline <= timer <= self.now + traffic.probe_timeout() * (1 << MAX_BACKOFF)

    def teardown(self) -> None:
        """Make the network perfect: all arrives, all is reported, and then both learn of the end."""
        if not any(self.ended):
            fresh = all(self.now - heard <= CAREFUL_SECONDS for heard in self.heard_at)
            if fresh:
                self.settle(lambda: all(promises.is_kept for promises in self.promises), within=60.0)
                assert not any(self.ended)
            self.say_goodbye(1, DisconnectReason.SERVER_CLOSING)
            self.settle(lambda: all(self.ended), within=15.0)
            if fresh:
                assert [events[0].reason for events in self.ended] == [DisconnectReason.SERVER_CLOSING] * 2
        self.settle(lambda: all(end.state is State.CLOSED for end in self.ends), within=15.0)
        for end in (0, 1):
            self.wake(end)
        assert [len(events) for events in self.ended] == [1, 1]
        assert [end.next_deadline() for end in self.ends] == [None, None]
        for promises in self.promises:
            promises.check()
            assert "0 tokens open" in repr(promises)

    def settle(self, done: Callable[[], bool], within: float) -> None:
        """Bring everything across in 10 ms, and wake both hosts when they asked for it, until it is done."""
        patience = self.now + within
        while not done():
            assert self.now < patience, f"not within {within} s: {self.promises}, {self.ends}, {self.ended}"
            for end in (0, 1):
                self.deliver_all(end, seed=0, loss=0.0)
            for end in (0, 1):
                self.wake(end)
            self.promises_are_kept()
            if any(self.wires):
                self.now += 0.010
            else:
                deadlines = [deadline for end in self.ends if (deadline := end.next_deadline()) is not None]
                self.now = max(self.now, min(deadlines, default=patience))


ADDRESSES = (CLIENT, SERVER)

FEW = settings(
    max_examples=100,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=100 * int(os.environ.get("ECSNET_SOAK", "3")), stateful_step_count=80)


def test_any_conversation_keeps_its_promises() -> None:
    """The same few conversations each time."""
    run_state_machine_as_test(Conversation, settings=FEW)


@pytest.mark.slow
def test_many_long_conversations_keep_their_promises() -> None:
    """The same many, each time."""
    run_state_machine_as_test(Conversation, settings=MANY)
