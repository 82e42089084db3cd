"""What predicted systems may rely on: once, chance that both sides know, and that simulating again changes nothing."""

import random
from collections import Counter
from collections.abc import Callable
from typing import ClassVar

import pytest

from ecsnet.bots import make_bot, press
from ecsnet.client import Client
from ecsnet.components import Player, Transform2D
from ecsnet.fields import NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.replication.schema import Schema
from ecsnet.samples.hello.game import game as hello
from ecsnet.samples.soccer.game import game as soccer
from ecsnet.system import System
from ecsnet.testing.invariants import client_view
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.world import World
from tests.simulation.gunnery import Trigger, gunner_of
from tests.simulation.gunnery import game as gunnery

LINKS = {"perfect": Link.PERFECT, "lan": Link.LAN, "wifi": Link.WIFI, "mobile": Link.MOBILE, "awful": Link.AWFUL}
LINK = pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
SEED = pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])


@player_input
class Key:
    kick: bool = False


@component
class Kicker:
    kicks: NetVar[int] = netvar(0, low=0, high=60_000)
    cooldown: NetVar[int] = netvar(0, low=0, high=255)
    luck: NetVar[int] = netvar(0, low=0, high=65_535)
    other_luck: NetVar[int] = netvar(0, low=0, high=65_535)


class Place(System):
    def process(self, world: World) -> None:
        for entity, _ in world.added(Player):
            world.add_component(entity, Kicker())


class Kick(System):
    """Kicks at most every 50 ticks; whoever hears of it is asked once a kick."""

    predicted = True
    heard: ClassVar[Counter[int]]  # ticks in which it was heard

    def process(self, world: World) -> None:
        for entity, (key, kicker) in world.get_components(Key, Kicker):
            kicker.cooldown = max(0, kicker.cooldown - 1)
            kicker.luck = world.rng_for(entity, "luck").getrandbits(16)
            kicker.other_luck = world.rng_for(entity, "other").getrandbits(16)
            if key.kick and not kicker.cooldown:
                kicker.cooldown = 50
                kicker.kicks += 1
                if world.once(("kick", entity)) and world.is_predicting:
                    self.heard[world.tick] += 1


def playing(*systems: type[System]) -> Game:
    """Return a game of kickers."""
    return Game("kickers", input=Key, components=[Kicker], systems=[Place, *systems], tick_rate_hz=60, send_rate_hz=30)


@LINK
@SEED
def test_every_kick_of_the_server_is_heard_once(link: Link, seed: int) -> None:
    """Keys come late, the tick of a kick moves, ticks are simulated again: the player hears what there was to hear."""

    class Heard(Kick):
        heard: ClassVar[Counter[int]] = Counter()

    sim = Simulation(playing(Heard), link=link, seed=seed)
    [client] = sim.clients
    sim.run(2)
    before = len(Heard.heard)
    chance = random.Random(seed)
    kicker = sim.server.world.component_for_entity(gunner_of(sim, client), Kicker)
    count = kicker.kicks
    for _ in range(10):
        client.press(Key(kick=True))
        sim.run(0.1)
        client.press(Key())
        sim.run(1.0 + chance.random() / 2)
    sim.run(1)

    assert len(Heard.heard) - before == 10
    assert 9 <= kicker.kicks - count <= 10  # a key whose six ticks all come too late was heard, and never was
    assert set(Heard.heard.values()) == {1}


@LINK
@SEED
def test_corrections_repeat_no_sound_and_leave_none_out(link: Link, seed: int) -> None:
    """The server stirs the kicker all the time, so nearly every state is a correction."""

    class Heard(Kick):
        heard: ClassVar[Counter[int]] = Counter()

    sim = Simulation(playing(Heard), link=link, seed=seed)
    [client] = sim.clients
    sim.run(2)
    kicker = sim.server.world.component_for_entity(gunner_of(sim, client), Kicker)

    class Stirred:
        at = 0

    def stir() -> None:
        Stirred.at += 1
        if Stirred.at % 5 == 0:
            kicker.kicks += 100

    sim.before_each_step(stir)
    corrections = client.predictor.corrections
    for _ in range(6):
        client.press(Key(kick=True))
        sim.run(0.1)
        client.press(Key())
        sim.run(1.0)
    sim.run(1)

    assert client.predictor.corrections - corrections > 30
    assert kicker.kicks % 100 == 6
    assert sum(Heard.heard.values()) == 6


@LINK
@SEED
def test_a_kick_that_the_server_has_some_ticks_later_is_heard_once(link: Link, seed: int) -> None:
    """As when the key comes late: the correction moves the kick, and it was heard already."""

    class Heard(Kick):
        heard: ClassVar[Counter[int]] = Counter()

    sim = Simulation(playing(Heard), link=link, seed=seed)
    [client] = sim.clients
    sim.run(2)
    kicker = sim.server.world.component_for_entity(gunner_of(sim, client), Kicker)
    corrections = client.predictor.corrections
    for late in (1, 2, 3, 4, 5):
        client.press(Key(kick=True))
        acts = client.world.tick + 1
        while sim.server.world.tick < acts - 1:
            sim.step()
        kicker.cooldown = late + 1  # no client knows
        sim.run(0.2)
        client.press(Key())
        sim.run(1.2)

    assert client.predictor.corrections - corrections >= 4
    assert kicker.kicks == 5
    assert sum(Heard.heard.values()) == 5


@LINK
@SEED
def test_chance_of_an_entity_is_the_same_on_both_sides(link: Link, seed: int) -> None:
    """Drawn anew every tick, predicted, and simulated again: never a correction; and one purpose is not another."""

    class Heard(Kick):
        heard: ClassVar[Counter[int]] = Counter()

    sim = Simulation(playing(Heard), clients=2, link=link, seed=seed, start_tick=2**32 - 150)
    sim.run(2)
    for client in sim.clients:
        client.predictor.always_roll_back = True
    corrections = [client.predictor.corrections for client in sim.clients]
    seen: dict[tuple[int, int], tuple[int, int]] = {}
    differing = compared = 0
    for _ in range(120):
        sim.step()
        world = sim.server.world
        for client in sim.clients:
            entity = gunner_of(sim, client)
            there = world.component_for_entity(entity, Kicker)
            seen[entity, world.tick] = there.luck, there.other_luck
        for client in sim.clients:
            history = client.predictor._history
            record = client.schema.records_of[Kicker][0]
            for tick in (each for _, each in seen):
                assert client.entity is not None
                values = history.values(tick, client.entity, record.id)
                if values is not None and (gunner_of(sim, client), tick) in seen:
                    compared += 1
                    luck, other = values[2], values[3]
                    differing += (luck, other) != seen[gunner_of(sim, client), tick]
    lucks = list(seen.values())

    assert compared > 1000
    assert differing == 0
    assert [client.predictor.corrections for client in sim.clients] == corrections
    assert len(set(lucks)) > 200
    assert all(luck != other for luck, other in lucks)


class Gamble(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, kicker in world.get_component(Kicker):
            kicker.luck = world.rng.getrandbits(16)


def test_the_servers_chance_in_a_predicted_system_is_a_clear_error() -> None:
    """The author sees it with the first tick that is predicted, from `client.update()`, and what to write instead."""
    with pytest.raises(RuntimeError, match=r"world\.rng in a predicted system.*use world\.rng_for\(entity\)"):
        Simulation(playing(Gamble))


def test_a_client_whose_game_is_wrong_is_still_itself() -> None:
    """The error leaves no half predicted world behind: who goes on gets the same error, and its World is whole."""
    sim = Simulation(playing(Gamble), clients=0)
    client = sim.join(wait=False)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="rng_for"):
            sim.run(5)

        assert not client.world.is_predicting
        assert not client.world.replaying
        assert client.world.rng.random() >= 0.0
        assert client.disconnected is None


class Litter(System):
    """Forgets that a predicted system makes entities with `spawn`."""

    predicted = True

    def process(self, world: World) -> None:
        for _ in world.get_component(Kicker):
            world.create_entity(Kicker())


def test_making_an_entity_in_a_predicted_system_is_a_clear_error() -> None:
    """The client would keep what it made beside what the server made, and draw both for ever."""
    with pytest.raises(
        RuntimeError, match=r"create_entity\(Kicker\) in a predicted system.*spawn\(world, by, \.\.\.\)"
    ):
        Simulation(playing(Litter))


# Simulating again changes nothing


def worlds(
    game: Game, link: Link, seed: int, *, always_roll_back: bool, act: Callable[[Simulation, int], None]
) -> tuple[list[object], list[object], int]:
    """Play the same; return what clients showed tick by tick, what all held in the end, and what was replayed."""
    sim = Simulation(game, clients=2, link=link, seed=seed)
    for client in sim.clients:
        client.predictor.always_roll_back = always_roll_back
    shown: list[object] = []
    for step in range(240):
        act(sim, step)
        sim.step()
        shown.append([held(client) for client in sim.clients])
    for client in sim.clients:
        assert client.game.input is not None
        client.press(client.game.input())
    sim.stop_actions()
    sim.run(2)
    ends: list[object] = [held(client) for client in sim.clients]
    ends += [client_view(client) for client in sim.clients]
    return shown, ends, sum(client.predictor.replayed_ticks for client in sim.clients)


def held(client: Client) -> object:
    """Return all a client's World holds that travels."""
    return [
        (client.receiver.network_id_of(entity), record.id, record.codec.read(part))
        for entity in client.world.entities()
        for record, part in client.schema.records_on(client.world, entity)
    ]


def shoot(sim: Simulation, step: int) -> None:
    """Run and shoot by chance."""
    if step % 6 == 0:
        for at, client in enumerate(sim.clients):
            chance = random.Random(f"{step} {at}")
            client.press(
                Trigger(
                    dx=chance.randint(-1, 1), fire=chance.random() < 0.4, twice=chance.random() < 0.1,
                    jump=chance.random() < 0.05,
                )
            )  # fmt: skip


def bots(game: Game) -> Callable[[Simulation, int], None]:
    """Return what lets bots play."""
    decide = [make_bot(game, seed) for seed in (1, 2)]

    def act(sim: Simulation, step: int) -> None:
        for bot, client in zip(decide, sim.clients, strict=True):
            press(client, bot)

    return act


@pytest.mark.slow
@LINK
@pytest.mark.parametrize("name", ["hello", "soccer", "gunnery"])
def test_rolling_back_always_changes_nothing(name: str, link: Link) -> None:
    """The same keys, with a rollback at every state of the server and without: the same worlds, at every tick."""
    game = {"hello": hello, "soccer": soccer, "gunnery": gunnery}[name]
    outcomes = [
        worlds(game, link, 3, always_roll_back=each, act=shoot if name == "gunnery" else bots(game))
        for each in (False, True)
    ]
    (shown, ends, replayed), (shown_again, ends_again, replayed_again) = outcomes

    assert replayed_again > replayed + 200
    assert ends_again == ends
    if link is Link.PERFECT:
        assert shown_again == shown


# What others press


@pytest.mark.parametrize("is_shared", [False, True])
def test_what_is_pressed_is_told_to_others_only_if_it_is_shared(*, is_shared: bool) -> None:
    """A key that nobody else may know is in no message for anybody else; one that is shared, everybody sees."""
    secret = 0x5EC2E7

    @player_input(shared=is_shared)
    class Code:
        number: int = netvar(0, low=0, high=0xFFFFFF)

    class Stand(System):
        def process(self, world: World) -> None:
            for entity, _ in world.added(Player):
                world.add_component(entity, Transform2D())

    sim = Simulation(Game("codes", input=Code, systems=[Stand], tick_rate_hz=60), clients=2)
    presser, other = sim.clients
    messages: list[bytes] = []
    take = other.receiver.take

    def overhear(message: bytes) -> object:
        messages.append(message)
        return take(message)

    other.receiver.take = overhear  # type: ignore[method-assign, assignment]  # the test listens
    presser.press(Code(number=secret))
    sim.run(1)
    remote = other.receiver.entity_of(gunner_of(sim, presser))
    packed = secret.to_bytes(3, "big")
    there = sim.server.world.component_for_entity(gunner_of(sim, presser), Code)

    assert there.number == secret
    assert any(packed in message or packed[::-1] in message for message in messages) is is_shared
    assert (other.world.try_component(remote, Code) == Code(number=secret)) is is_shared
    assert other.world.has_component(remote, Code) is is_shared


def test_whether_input_is_shared_is_part_of_the_schema() -> None:
    """Who takes it for secret must not join where it is told."""

    def declared(*, shared: bool) -> Schema:
        @player_input(shared=shared)
        class Code:
            number: int = netvar(0, low=0, high=9)

        return Schema(Game("codes", input=Code))

    assert declared(shared=True).hash != declared(shared=False).hash
    assert declared(shared=True).hash == declared(shared=True).hash
