"""What becomes of a player's entity while its connection is lost and its place is kept, as the game says."""

import logging
from dataclasses import replace
from functools import partial

import pytest

from ecsnet.absence import Absence
from ecsnet.bots import Participant, make_bot, press
from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.components.player import PlayerStatus
from ecsnet.config import ServerConfig
from ecsnet.errors import Refused, SchemaError
from ecsnet.events import PlayerLeft, PlayerLost, PlayerReturned
from ecsnet.fields import EntityRef
from ecsnet.game import Game, load
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import CLIENTS, SERVER, Call, RefusalCode, Reply, rpc
from ecsnet.server import Server
from ecsnet.sessions import Standing
from ecsnet.testing.simulation import Simulation
from tests.simulation.meadow import Sheep, Walk, Weather, game, shear

GRACE = ServerConfig(resume_grace_seconds=20.0)


def start(absence: Absence, seed: int, *, of: Game = game, bot: str | None = None, clients: int = 2) -> Simulation:
    sim = Simulation(replace(of, absence=absence, bot=bot), clients=clients, seed=seed, server_config=GRACE)
    sim.server.world.single(Weather).stormy = False
    sim.server.events()
    return sim


def lose(sim: Simulation, client: Client) -> int:
    """Cut a client off until both ends have noticed; return its entity on the server."""
    entity = sim.server.peers[client.client_id].entity
    sim.cut_off(client)
    sim.run_until(lambda: client.client_id not in sim.server.peers, within_seconds=15)
    return entity


def come_back(sim: Simulation, client: Client) -> None:
    sim.reconnect(client)
    sim.run_until(lambda: client.is_ready and client.retrying is None, within_seconds=8)


def walk_of(sim: Simulation, entity: int) -> Walk:
    return sim.server.world.component_for_entity(entity, Walk)


def test_a_lost_player_lets_go_unless_the_game_says_otherwise() -> None:
    """Also between the last input and the moment at which the loss is noticed."""
    sim = start(game.absence, seed=1)
    ada = sim.clients[0]
    ada.press(Walk(dx=1))
    sim.run(1)
    entity = sim.server.peers[ada.client_id].entity
    sim.cut_off(ada)
    sim.run(1)
    assert ada.client_id in sim.server.peers
    assert walk_of(sim, entity).dx == 0
    lose(sim, ada)
    sim.run(1)

    assert game.absence is Absence.NEUTRAL
    assert walk_of(sim, entity).dx == 0


def test_keys_that_are_kept_are_held_until_the_player_is_back() -> None:
    """From the last input on, without a gap; back, its own keys count."""
    sim = start(Absence.KEEP, seed=2)
    ada, bob = sim.clients
    ada.press(Walk(dx=1))
    sim.run(1)
    entity = sim.server.peers[ada.client_id].entity
    held: set[int] = set()
    sim.before_each_step(lambda: held.add(walk_of(sim, entity).dx))
    sim.cut_off(ada)
    sim.run(15)
    assert ada.client_id not in sim.server.peers
    assert held == {1}
    assert sim.server.world.component_for_entity(entity, Player).status is PlayerStatus.LOST
    sim.stop_actions()
    come_back(sim, ada)
    ada.press(Walk(dx=-1))
    sim.run(1)
    assert walk_of(sim, entity).dx == -1
    ada.press(Walk())
    sim.run(6)

    assert sim.server.room.session.stand_ins == {}
    assert bob.is_ready
    sim.assert_converged()


def test_keeping_keys_takes_no_memory_however_long_a_client_says_nothing() -> None:
    """Its connection may live for hours without an input; what was missed is remembered as far as it may come late."""
    sim = start(Absence.KEEP, seed=3, clients=1)
    ada = sim.clients[0]
    ada.press(Walk(dx=1))
    sim.run(1)
    buffer = sim.server.room.session.input_buffers[ada.client_id]
    for tick in range(10_000):
        buffer.take(tick)

    assert len(buffer._missed) <= sim.server.config.input_window_ticks + 1


def test_a_player_that_is_removed_is_gone_at_once_and_gets_a_new_entity() -> None:
    """Its number and its place stay its own."""
    sim = start(Absence.REMOVE, seed=4)
    ada, bob = sim.clients
    entity = lose(sim, ada)
    sim.run(0.5)
    assert not sim.server.world.entity_exists(entity)
    assert [player.client_id for _, player in bob.world.observe(Player)] == [bob.client_id]
    come_back(sim, ada)

    assert sim.server.peers[ada.client_id].entity != entity
    assert sorted(player.client_id for _, player in bob.world.observe(Player)) == [1, 2]
    lost, returned = sim.server.events()
    assert isinstance(lost, PlayerLost)
    assert returned == PlayerReturned(ada.client_id, "player-1")


@pytest.mark.parametrize("absence", Absence)
def test_after_the_time_of_grace_nothing_is_left(absence: Absence) -> None:
    """Whatever played for it, and once, not twice, is it told."""
    sim = start(absence, seed=5, clients=1)
    ada = sim.clients[0]
    ada.press(Walk(dx=1))
    sim.run(1)
    entity = lose(sim, ada)
    sim.run(21)

    assert not sim.server.world.entity_exists(entity)
    assert sim.server.room.session.stand_ins == {}
    assert [type(event) for event in sim.server.events()] == [PlayerLost, PlayerLeft]


class Drover:
    """A bot that walks left, and shears what it owns; it has seen what a client has."""

    met: "list[Drover]" = []  # noqa: RUF012  # the test's view into what a game makes by name

    def __init__(self) -> None:
        self.met.append(self)
        self.replies: list[Reply[int]] = []
        self.seen: list[tuple[int, int | None, bool, object]] = []

    def decide(self, client: Participant) -> Walk:
        self.seen.append((client.client_id, client.entity, client.is_ready, client.disconnected))
        for sheep, (owner, _) in client.world.get_components(Owner, Sheep):
            if owner.client_id == client.client_id:
                self.replies.append(client.call(shear, sheep, "by the bot"))
        return Walk(dx=-1)


DROVER = f"{__name__}:Drover"


def test_a_bot_plays_on_for_a_lost_player_as_it_would_for_a_client() -> None:
    """The same bot: it presses, calls and sees by the same names; back, the player steers and the bot is gone."""
    Drover.met.clear()
    sim = start(Absence.BOT, seed=6, bot=DROVER)
    ada, bob = sim.clients
    sheep = sim.server.world.create_entity(Sheep(wool=5), Owner(client_id=ada.client_id))
    del Drover.met[:]
    entity = lose(sim, ada)
    sim.run(1)
    [drover] = Drover.met

    assert walk_of(sim, entity).dx == -1
    assert sim.server.world.component_for_entity(sheep, Sheep).wool == 0
    assert drover.replies[0].ok
    assert set(drover.seen) == {(ada.client_id, entity, True, None)}
    assert bob.is_ready
    come_back(sim, ada)
    decided = len(drover.seen)
    ada.press(Walk(dx=1))
    sim.run(1)
    assert walk_of(sim, entity).dx == 1
    assert len(drover.seen) == decided


@rpc(to=SERVER, owner_only=True)
def pet(call: Call, entity: EntityRef) -> str:
    if call.sender == 0:
        raise AssertionError("the caller is the client")
    return f"{call.sender}:{call.entity}:{entity}"


@rpc(to=SERVER, rate_hz=1)
def whistle(call: Call, pitch: float) -> tuple[int, float]:
    if pitch < 0:
        raise Refused("too low")
    if pitch > 100:
        raise ZeroDivisionError
    return call.sender, pitch


@rpc(to=CLIENTS)
def bark(call: Call) -> None:
    """Nobody hears it."""


class Caller:
    """A bot that calls what a test wants."""

    calls: "list[tuple[object, tuple[object, ...]]]" = []  # noqa: RUF012  # given by the test
    replies: "list[Reply[object]]" = []  # noqa: RUF012  # taken by the test

    def decide(self, client: Participant) -> Walk:
        while self.calls:
            function, arguments = self.calls.pop(0)
            self.replies.append(client.call(function, *arguments))  # type: ignore[arg-type]  # whatever it is
        return Walk()


def replies_to(*calls: tuple[object, tuple[object, ...]], seed: int) -> "tuple[Simulation, list[Reply[object]]]":
    Caller.calls[:], Caller.replies[:] = [], []
    with_calls = Game(
        "calls", input=Walk, components=[Sheep, Weather], rpcs=[pet, whistle, bark], absence=Absence.BOT,
        bot=f"{__name__}:Caller",
    )  # fmt: skip
    sim = Simulation(with_calls, clients=1, seed=seed, server_config=GRACE)
    lose(sim, sim.clients[0])
    Caller.calls[:] = calls
    sim.run(0.1)
    return sim, Caller.replies


def test_calls_of_a_stand_in_are_checked_as_the_clients_are(caplog: pytest.LogCaptureFixture) -> None:
    """Whose entity it is, how often, what the game refuses, and what fails; with the client as the caller."""
    sim, [mine, others, first, second] = replies_to(
        (pet, (0,)), (pet, (0,)), (whistle, (1.5,)), (whistle, (1.5,)), seed=7
    )
    assert mine.refusal is not None
    assert mine.refusal.code is RefusalCode.NOT_OWNER
    assert others.refusal is not None
    assert first.value == (1, 1.5)
    assert second.refusal is not None
    assert second.refusal.code is RefusalCode.RATE
    entity = sim.server._sessions.get(1)
    assert entity is not None
    Caller.replies.clear()
    Caller.calls[:] = [(pet, (entity.peer.entity,))]
    sim.run(0.1)
    assert Caller.replies[0].value == f"1:{entity.peer.entity}:{entity.peer.entity}"
    for pitch, code in ((-1.0, RefusalCode.REFUSED), (101.0, RefusalCode.FAILED)):
        sim.run(1.5)
        Caller.replies.clear()
        Caller.calls[:] = [(whistle, (pitch,))]
        with caplog.at_level(logging.CRITICAL, "ecsnet.systems.rpc"):
            sim.run(0.1)
        [reply] = Caller.replies
        assert reply.refusal is not None
        assert reply.refusal.code is code


@pytest.mark.parametrize("call", [(bark, ()), (whistle, ("high",)), (shear, (1, "no such rpc"))])
def test_a_bot_with_a_bug_stops_playing_and_nothing_else_does(
    call: tuple[object, tuple[object, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    """It is code of the game in the server's tick; the log names the client it played for."""
    with caplog.at_level(logging.ERROR, "ecsnet.systems.standins"):
        sim, replies = replies_to(call, seed=8)
    tick = sim.server.world.tick
    sim.run(1)

    assert replies == []
    assert caplog.text.count("the bot that plays for lost client 1 failed") == 1
    assert sim.server.world.tick > tick


def test_a_game_whose_bot_is_not_there_does_not_start() -> None:
    """And is not told so when the first player is lost."""
    with pytest.raises(SchemaError, match=r"there is no module ecsnet\.nowhere"):
        Server(replace(game, absence=Absence.BOT, bot="ecsnet.nowhere:Bot"))


class OneOff:
    """A bot of which there can be but one: the one that is made to see whether it can be."""

    made = 0

    def __init__(self) -> None:
        OneOff.made += 1
        if OneOff.made > 1:
            raise OSError("its file is gone")

    def decide(self, _: Participant) -> Walk:
        return Walk(dx=1)


def test_a_bot_that_cannot_be_made_is_missed_by_its_player_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The keys are let go of, and the server goes on."""
    monkeypatch.setattr(OneOff, "made", 0)
    sim = start(Absence.BOT, seed=12, bot=f"{__name__}:OneOff")
    ada = sim.clients[0]
    ada.press(Walk(dx=1))
    entity = lose(sim, ada)
    sim.run(1)

    assert "no bot can play for lost client 1" in caplog.text
    assert walk_of(sim, entity).dx == 0
    come_back(sim, ada)


def test_soccer_is_played_on_by_its_bot() -> None:
    """The sample's own bot, which was written for clients: it runs, and the match goes on."""
    soccer = replace(load("soccer"), absence=Absence.BOT)
    sim = Simulation(soccer, clients=2, seed=9, server_config=ServerConfig(resume_grace_seconds=60.0))
    bots = {client: make_bot(soccer, number) for number, client in enumerate(sim.clients)}
    for client, bot in bots.items():
        sim.before_each_step(partial(press, client, bot))
    sim.run(10)
    ada = sim.clients[0]
    entity = lose(sim, ada)
    pressed = set()
    sim.before_each_step(lambda: pressed.add(repr(sim.server.world.component_for_entity(entity, soccer.input))))  # type: ignore[arg-type]  # it has one
    sim.run(10)

    assert len(pressed) > 3, "it runs here and there"


def test_the_server_knows_how_everybody_stands() -> None:
    """As data, for as long as there is a place; the events tell the same when it changes."""
    sim = start(Absence.REMOVE, seed=10)
    ada, bob = sim.clients
    sim.cut_off(ada)
    sim.run_until(lambda: ada.client_id not in sim.server.peers, within_seconds=15)
    timeout = DisconnectReason.TIMEOUT
    lost = sim.server.standing(ada.client_id)

    assert lost == Standing(PlayerStatus.LOST, timeout, timeout.text, sim.now + 20.0)
    assert sim.server.standing(bob.client_id) == Standing(PlayerStatus.CONNECTED)
    assert sim.server.events() == [PlayerLost(ada.client_id, "player-1", timeout, timeout.text)]
    come_back(sim, ada)
    assert sim.server.standing(ada.client_id) == Standing(PlayerStatus.CONNECTED)
    bob.close(now=sim.now)
    sim.run(0.5)
    with pytest.raises(KeyError):
        sim.server.standing(bob.client_id)


@pytest.mark.parametrize("absence", ["bot", None, True])
def test_an_absence_that_is_none_is_a_mistake_of_the_game(absence: object) -> None:
    """The text lists what there is."""
    with pytest.raises(SchemaError, match=r"absence=.* is none of Absence\.NEUTRAL, Absence\.KEEP"):
        Game("meadow", absence=absence)  # type: ignore[arg-type]  # that is the point
