"""A crowd on a virtual clock: everybody joins, plays and leaves, and what is counted is what happened."""

import pytest

from ecsnet import SERVER, Call, Game, Refused, rpc
from ecsnet.events import PlayerLeft
from ecsnet.load.figures import CrowdFigures
from ecsnet.load.member import CrowdClient
from ecsnet.protocol import DisconnectReason
from ecsnet.samples.hello.game import game as hello
from ecsnet.testing.network import Link
from ecsnet.transport.state import State
from tests.load.town import Town


@rpc(to=SERVER)
def double(call: Call, number: int) -> int:
    """Answer with twice as much."""
    if number < 0:
        raise Refused("positive ones, please")
    return 2 * number


pytestmark = pytest.mark.slow
counting = Game("counting", rpcs=[double], tick_rate_hz=20, send_rate_hz=20)


class Caller:
    """A part: call ten times a second, every fifth time with something that is refused."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.late = 0.0
        self.calls = 0

    def act(self, client: CrowdClient, now: float) -> None:
        while self.at <= now:
            self.late = max(self.late, now - self.at)
            self.calls += 1
            client.call(double, -1 if self.calls % 5 == 0 else 7)
            self.at += 0.1

    def next_deadline(self) -> float | None:
        return self.at


@pytest.mark.parametrize("full", [False, True])
def test_everybody_joins_and_stays(*, full: bool) -> None:
    """Light or full, the server sees as many players, and they move."""
    town = Town(hello, 12, full=full)
    figures = town.run(seconds=3)

    assert figures.is_whole
    assert (figures.joined.count, figures.now.connected) == (12, 12)
    assert figures.joined.most < 0.5
    assert town.at_once == 4
    assert figures.states == pytest.approx(30 * figures.client_seconds, rel=0.1)
    assert figures.bytes_down > figures.states
    assert figures.bytes_up > 20 * figures.client_seconds
    assert figures.late_share < 0.1


def test_all_leave_at_once_and_are_heard() -> None:
    """A server that keeps the places of a hundred bots until their timeout could not be measured again."""
    town = Town(hello, 8)
    town.run(seconds=1)
    left = [event for event in town.server.events() if isinstance(event, PlayerLeft)]

    assert [event.reason for event in left] == [DisconnectReason.LEFT] * 8
    assert not town.server.peers
    assert all(member.has_left for member in town.members)


def test_the_link_is_what_the_figures_say() -> None:
    """80 ms each way and 5 % loss: the round trip of the network, and not the pauses of a tick."""
    town = Town(hello, 4, link=Link(latency_seconds=0.080, loss=0.05))
    figures = town.run(seconds=15)

    assert 0.155 < figures.rtt.percentile(0.5) < 0.175
    assert figures.loss_up == pytest.approx(0.05, abs=0.015)
    assert figures.loss_down == pytest.approx(0.05, abs=0.015)
    assert figures.is_whole


def test_who_finds_no_place_is_counted_with_the_reason() -> None:
    """The others play on as if nothing was."""
    town = Town(hello, 10)
    town.server.block("10.0.0.3", now=town.clock.now())
    figures = town.run(seconds=3)

    assert figures.refused == {(DisconnectReason.BANNED, DisconnectReason.BANNED.text): 1}
    assert (figures.joined.count, figures.now.connected, figures.is_whole) == (9, 9, False)


def test_who_does_not_stay_is_counted_with_the_reason() -> None:
    """Once, and its time there still counts."""
    town = Town(hello, 4)
    end = town.clock.now() + 4

    def watch(_: object) -> bool:
        now = town.clock.now()
        if now >= end - 2 and 2 in town.server.peers:
            town.server.kick(2, "enough", now=now)
        return now >= end

    figures = town.crowd.run(watch)

    assert figures.ended == {(DisconnectReason.KICKED, "enough"): 1}
    assert (figures.joined.count, figures.now.connected, figures.is_whole) == (4, 3, False)
    assert 12 < figures.client_seconds < 14.5


def test_calls_are_made_in_time_and_timed() -> None:
    """A part's own time is kept, whatever the ticks are; a refusal is an answer, too."""
    link, callers = Link(latency_seconds=0.020), []

    def part(number: int) -> Caller:
        callers.append(Caller(1001.0 + number / 40))
        return callers[-1]

    figures = Town(counting, 4, link=link, part=part).run(seconds=6)

    assert max(caller.late for caller in callers) < 1e-6
    assert figures.calls.count == pytest.approx(4 * 50, abs=8)
    assert figures.calls_refused == pytest.approx(figures.calls.count / 5, abs=4)
    assert figures.calls.least >= 0.040
    assert figures.calls.percentile(0.99) < 0.15


def test_calls_that_were_cut_off_are_no_answers() -> None:
    """A server that closes answers nothing any more: those times would be those of the goodbye."""
    town = Town(counting, 2, part=lambda number: Caller(1001.0 + number / 40), link=Link(latency_seconds=0.1))
    end = town.clock.now() + 4

    def watch(_: object) -> bool:
        now = town.clock.now()
        if now >= end - 1:
            town.server.close(now=now)
        return now >= end

    figures = town.crowd.run(watch)

    assert figures.ended.total() == 2
    assert figures.calls.least >= 0.2


class Onlooker:
    """A part that does nothing but count when it could."""

    def __init__(self) -> None:
        self.acts = 0

    def act(self, client: CrowdClient, now: float) -> None:
        self.acts += 1

    def next_deadline(self) -> None:
        pass


def test_a_part_is_not_asked_once_the_connection_is_closing() -> None:
    """What arrives is taken between the passes: a goodbye may be there before anything is told of it."""
    onlooker = Onlooker()
    town = Town(counting, 1, part=lambda _: onlooker)
    member, figures = town.enter(0), CrowdFigures()

    def receive() -> float:
        town.wait(0.05)
        member.receive(now := town.clock.now(), figures)
        return now

    while not onlooker.acts:
        member.step(receive(), figures)
    town.server.kick(1, now=town.clock.now())
    while member.client.state is State.CONNECTED:
        receive()
    assert member.client.disconnected is None
    acts = onlooker.acts

    town.clock.advance(0.2)
    member.step(town.clock.now(), figures)

    assert onlooker.acts == acts
    assert figures.ended == {(DisconnectReason.KICKED, DisconnectReason.KICKED.text): 1}


def test_what_arrives_postpones_nothing() -> None:
    """Who is overdue on a busy machine and then hears something is still looked at first, and not never."""
    town = Town(hello, 1)
    member = town.enter(0)
    overdue = member.due_at
    town.clock.advance(1.0)

    member.receive(town.clock.now(), CrowdFigures())

    assert member.due_at == overdue
