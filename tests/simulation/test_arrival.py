"""Calls that are answered on arrival: between two ticks, in the order in which their client made them."""

import logging
import random

import pytest

from ecsnet import SERVER, Call, Client, EntityRef, Game, NetVar, Refused, component, rpc
from ecsnet.clock import VirtualClock
from ecsnet.components import Player
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.peer import CALLS
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import RefusalCode, Reply
from ecsnet.runtime import READ_PAUSE_SECONDS, RunningServer
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.transport.address import Address
from ecsnet.transport.identity import Identity


@component
class Purse:
    gold: NetVar[int] = 0


@rpc(to=SERVER, answer="arrival", rate_hz=50)
def strike(call: Call, force: int) -> int:
    """Take note, and say in which of the server's ticks."""
    log.append(f"strike {force}")
    if force == 13:
        raise RuntimeError("a broken sword")
    if force == 14:
        raise Refused("too tired")
    return call.world.tick


@rpc(to=SERVER)
def rest(call: Call) -> int:
    """The same in the tick."""
    log.append("rest")
    return call.world.tick


@rpc(to=SERVER, answer="arrival", owner_only=True)
def pay(call: Call, purse: EntityRef, gold: int) -> int:
    """Change the World between two ticks."""
    found = call.world.component_for_entity(purse, Purse)
    found.gold += gold
    return found.gold


log: list[str] = []
game = Game("duel", components=[Purse], rpcs=[strike, rest, pay], tick_rate_hz=20, send_rate_hz=20)
calm = Game("calm", components=[Purse], rpcs=[rest], tick_rate_hz=20, send_rate_hz=20)


@pytest.fixture(autouse=True)
def _clean() -> None:
    log.clear()


class Between:
    """A moment between two ticks of a session in which some client calls."""

    def __init__(self, transport: str, clients: int = 2, played: Game = game) -> None:
        """Let everybody join."""
        self.sim = Simulation(played, clients=clients, transport=transport)
        self.server = self.sim.server
        self.client = self.sim.clients[0]
        self.sim.run(0.5)
        self.sim.step()
        self.now = self.sim.now + 0.01

    def send(self, client: Client) -> None:
        """Carry what a client has to say to the server."""
        client.update(self.now)
        self._carry(client.datagrams_to_send(self.now), self.sim._addresses[client])
        for data, source in self.sim.network.receive(SERVER_ADDRESS, self.now):
            self.server.receive_datagram(data, source, self.now)

    def answer(self) -> list[tuple[bytes, Address]]:
        """Let the server answer, and carry that to the client."""
        answers = self.server.answers(self.now)
        self.hear(answers)
        return answers

    def hear(self, answers: list[tuple[bytes, Address]]) -> None:
        """Carry what the server has to say to the clients, and let the first one read it."""
        self._carry(answers, SERVER_ADDRESS)
        for data, source in self.sim.network.receive(self.sim._addresses[self.client], self.now):
            self.client.receive_datagram(data, source, self.now)
        self.client.update(self.now)

    def _carry(self, datagrams: list[tuple[bytes, Address]], source: Address) -> None:
        for data, destination in datagrams:
            self.sim.network.send(data, source, destination, self.now)


def refused(reply: Reply[int]) -> RefusalCode | None:
    return None if reply.refusal is None else reply.refusal.code


def test_a_call_is_answered_without_a_tick(transport: str) -> None:
    """It leaves with the next update, is run when it is there, and its answer leaves at once, to its client alone."""
    moment = Between(transport)
    tick = moment.server.world.tick
    reply = moment.client.call(strike, 1)
    moment.send(moment.client)
    answers = moment.answer()

    assert reply.value == tick == moment.server.world.tick
    assert len(answers) == 1
    assert moment.server.answers(moment.now) == []


def test_an_update_without_a_tick_answers_as_well(transport: str) -> None:
    """So it is with a host that has a loop of its own."""
    moment = Between(transport)
    tick = moment.server.world.tick
    reply = moment.client.call(strike, 1)
    moment.send(moment.client)
    moment.server.update(moment.now)
    moment.hear(moment.server.datagrams_to_send(moment.now))

    assert reply.value == tick == moment.server.world.tick


def test_none_overtakes_another_of_its_client() -> None:
    """Behind one that runs in the tick it waits for the tick; what another client calls does not."""
    moment = Between("udp")
    first, second = moment.sim.clients
    tick = moment.server.world.tick
    replies = [first.call(strike, 1), first.call(rest), first.call(strike, 2)]
    other = second.call(strike, 3)
    moment.send(first)
    moment.send(second)
    moment.answer()
    on_arrival = log[:]
    moment.sim.run(0.2)

    assert on_arrival == ["strike 1", "strike 3"]
    assert log == ["strike 1", "strike 3", "rest", "strike 2"]
    assert [reply.value for reply in (*replies, other)] == [tick, tick + 1, tick + 1, tick]


def test_what_was_held_up_is_not_when_the_tick_is_over() -> None:
    """The next call is answered on arrival again."""
    moment = Between("udp")
    moment.client.call(rest)
    moment.client.call(strike, 1)
    moment.send(moment.client)
    moment.answer()
    moment.sim.run(0.2)
    moment.now = moment.sim.now + 0.01
    reply = moment.client.call(strike, 2)
    moment.send(moment.client)
    moment.answer()

    assert reply.done
    assert log == ["rest", "strike 1", "strike 2"]


def test_it_is_checked_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    """Owner, rate, refusals and bugs; nothing of it waits for a tick, and none stops the next."""
    moment = Between("udp")
    world = moment.server.world
    mine, theirs = (entity for entity, _ in world.get_component(Player))
    for player in (mine, theirs):
        world.add_component(player, Purse())
    moment.sim.run(0.2)
    moment.now = moment.sim.now + 0.01
    local = moment.client.receiver.entity_of
    with caplog.at_level(logging.ERROR):
        replies = [
            moment.client.call(pay, local(mine), 5),
            moment.client.call(pay, local(theirs), 5),
            moment.client.call(strike, 13),
            moment.client.call(strike, 14),
            *[moment.client.call(strike, 1) for _ in range(60)],
        ]
        moment.send(moment.client)
        moment.answer()

    assert replies[0].value == 5
    assert [refused(reply) for reply in replies[1:4]] == [
        RefusalCode.NOT_OWNER,
        RefusalCode.FAILED,
        RefusalCode.REFUSED,
    ]
    assert [refused(reply) for reply in replies[4:]].count(RefusalCode.RATE) == 12
    assert f"strike(13,) called by client {moment.client.client_id} failed" in caplog.text
    moment.sim.run(0.2)
    assert [purse.gold for _, purse in moment.client.world.get_component(Purse)] == [5, 0]


def test_a_game_without_such_calls_answers_nothing_between_ticks() -> None:
    """Its calls wait for the tick, and its server looks at no connection before."""
    moment = Between("udp", played=calm)
    reply = moment.client.call(rest)
    moment.send(moment.client)

    assert moment.server.answers(moment.now) == []
    moment.sim.run(0.2)
    assert reply.done


def test_rooms_answer_each_for_itself() -> None:
    """Wherever a player is."""
    sim = Simulation(game, clients=0, server_config=ServerConfig(rooms=RoomConfig(max_rooms=2)))
    moment = Between.__new__(Between)
    moment.sim, moment.server = sim, sim.server
    moment.client = sim.join()
    sim.run(0.5)
    moment.now = sim.now + 0.01
    reply = moment.client.call(strike, 1)
    moment.send(moment.client)
    moment.answer()

    assert reply.ok
    assert moment.client.room is not None


@pytest.mark.parametrize("nonsense", [b"", b"\x00", b"\x00\x41", b"\x00\x01\x03", b"\x00\x01\x03" + bytes(9), b"\x09"])
def test_nonsense_closes_its_connection_and_no_other(nonsense: bytes) -> None:
    """Between ticks or in one: it is its sender's fault, and ends there. Index 3 is `strike`."""
    moment = Between("udp")
    cheat, honest = moment.sim.clients
    cheat.conversation.connection.send(CALLS, nonsense)
    reply = honest.call(strike, 1)
    moment.send(cheat)
    moment.send(honest)
    moment.answer()
    moment.sim.run(0.5)

    assert cheat.disconnected is not None
    assert cheat.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert reply.done
    assert honest.disconnected is None


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("link", [Link.MOBILE, Link.POOR], ids=["mobile", "poor"])
def test_each_runs_once_and_is_answered_whatever_the_network_does(transport: str, link: Link, seed: int) -> None:
    """And in order, with calls of the tick among them."""
    sim = Simulation(game, clients=2, link=link, seed=seed, transport=transport)
    chance = random.Random(seed)
    replies: list[Reply[int]] = []
    expected = []
    for number in range(100, 160):
        if chance.random() < 0.3:
            replies.append(sim.clients[0].call(rest))
            expected.append("rest")
        else:
            replies.append(sim.clients[0].call(strike, number))
            expected.append(f"strike {number}")
        sim.step()
    sim.run_until(lambda: all(reply.done for reply in replies), within_seconds=20)

    assert log == expected
    assert all(reply.ok for reply in replies)


class Wire:
    """A path on a virtual clock, on which a client's datagrams arrive at given times."""

    def __init__(self, clock: VirtualClock) -> None:
        """Begin with nothing on its way."""
        self._clock = clock
        self.arriving: list[tuple[float, bytes, Address]] = []
        self.sent: list[tuple[float, bytes]] = []

    def receive(self, now: float) -> list[tuple[bytes, Address]]:
        due = [each for each in self.arriving if each[0] <= now]
        self.arriving = [each for each in self.arriving if each[0] > now]
        return [(data, address) for _, data, address in due]

    def send(self, data: bytes, address: Address, now: float) -> None:
        self.sent.append((now, data))

    def wait(self, seconds: float) -> None:
        now = self._clock.now()
        times = [at - now for at, *_ in self.arriving]
        self._clock.advance(max(0.0, min([seconds, *times])))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("played", "latest"), [(game, 0.0), (calm, READ_PAUSE_SECONDS)], ids=["duel", "calm"])
def test_a_running_server_pauses_only_where_nothing_waits_for_it(played: Game, latest: float) -> None:
    """Games whose calls are answered on arrival have their datagrams read at once, others let some gather."""
    clock = VirtualClock()
    wire = Wire(clock)
    server = RunningServer(played, Identity.generate(random.Random(1).randbytes), wire, clock=clock)
    read: list[float] = []
    wire.arriving = [(0.0201 + 0.0001 * number, b"junk", ("192.0.2.7", 4000)) for number in range(40)]
    receive, taken = wire.receive, []

    def note(now: float) -> list[tuple[bytes, Address]]:
        arrivals = [at for at, *_ in wire.arriving if at <= now]
        read.extend(now - at for at in arrivals)
        taken.append(now)
        return receive(now)

    wire.receive = note  # type: ignore[method-assign]
    server.run(seconds=0.045)

    assert len(read) == 40
    assert latest - 0.0002 <= max(read) < latest + 0.0002
