"""Players with programs of their own gain nothing by what they say of their keys; the host can read who tries.

What they may do is foresee by chance: `world.rng_for` gives a client the numbers the server will draw, by design.
"""

import logging
from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from ecsnet.client import Client
from ecsnet.components import Owner, Transform2D, Velocity2D
from ecsnet.config import ServerConfig
from ecsnet.inputstatistics import InputStatistics
from ecsnet.peer import CALLS, CASUAL_CALLS, CHECKS, INPUT, STATE
from ecsnet.protocol import DisconnectReason
from ecsnet.samples.soccer.game import game as soccer
from ecsnet.samples.soccer.pitch import PLAYER_SPEED
from ecsnet.system import System
from ecsnet.systems import input as inputs
from ecsnet.systems.ticksync import TickSync
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.address import Address
from ecsnet.wire import advance_tick
from ecsnet.world import World
from tests.hostile.cheat import LEFT, RIGHT, SPEED, STILL, TICK, UP, Cheat, Run, owned_by, place_of, track

SECONDS = 10.0
WINDOW = ServerConfig().input_window_ticks
HOLD_TICKS = round(ServerConfig().input_hold_seconds / TICK)
GRACE = ServerConfig(resume_grace_seconds=20.0)


def start(*, config: ServerConfig | None = None, seed: int = 1) -> tuple[Simulation, Client, Cheat]:
    """Return a track with an honest player and a cheat on it."""
    sim = Simulation(track, clients=1, seed=seed, server_config=config)
    cheat = Cheat(sim)
    sim.run(0.5)
    return sim, sim.clients[0], cheat


def race(sim: Simulation, honest: Client, cheat: Cheat, act: Callable[[], None], seconds: float = SECONDS) -> None:
    """Let the honest one hold a key and the cheat act before every tick."""
    honest.press(Run(dx=1))
    sim.before_each_step(act)
    sim.run(seconds)
    sim.stop_actions()


def assert_nothing_gained(sim: Simulation, honest: Client, cheat: Cheat) -> None:
    """Assert that the cheat is no further than who held a key all the time, but for the honest one's way to the server.

    An honest key is on its way for up to two ticks more than the cheat's, which knows the server's tick.
    """
    x, y = place_of(sim, cheat.client)
    allowed = place_of(sim, honest)[0] + 10 * SPEED * TICK

    assert abs(x) + abs(y) <= allowed
    assert honest.disconnected is None


# 1. Speed.


@pytest.mark.parametrize("at", [0, 1], ids=["dx", "dy"])
@pytest.mark.parametrize("byte", [3, 5, 6, 127, 128, 255])
def test_speed_beyond_the_declared_range_is_refused_whole_and_counted(at: int, byte: int) -> None:
    """A 5 for a 1 has bytes, if no meaning. Good inputs beside it do not count either: it is no honest message."""
    sim, _, cheat = start()
    bad = bytes(byte if index == at else 1 for index in range(2))
    for each in ((bad,), (RIGHT, bad), (bad, RIGHT)):
        cheat.say(advance_tick(cheat.next_tick, 3), *each)
    sim.run(0.5)

    assert place_of(sim, cheat.client) == (0.0, 0.0)
    assert cheat.counted == InputStatistics(refused=3)
    assert cheat.client.disconnected is None


@pytest.mark.parametrize("message", [b"", b"\0", b"\0\0\0", b"\0\0\0\1\2", b"\0\0\0\0\2\1", b"\0\0\0\1\2\1\1"])
def test_speed_by_broken_messages_is_refused_and_counted(message: bytes) -> None:
    """Too short, a run of none, half a run."""
    sim, _, cheat = start()
    cheat.send(INPUT, message)
    sim.run(0.5)

    assert place_of(sim, cheat.client) == (0.0, 0.0)
    assert cheat.counted.refused == 1


@pytest.mark.parametrize(
    "keys",
    [
        [b"\2\2\0"],
        [b"\2\1\0", b"\1\2\0"],
        [b"\2\2\0", b"\2\0\0"],
        [b"\2\1\1", b"\2\1\0"],
        [b"\2\1\0", b"\1\1\0"],
        [b"\2\1\0", b"\0\1\0", b"\2\1\0"],
    ],
    ids=["diagonal", "right and down", "zigzag", "kicking", "tapping", "jerking"],
)
def test_speed_by_no_pattern_of_keys_is_more_than_a_runners(keys: list[bytes]) -> None:
    """In soccer, whose players speed up and slow down: the limit is of the velocity, not of an axis of it."""
    sim = Simulation(soccer, clients=0, seed=1)
    cheat, pattern, fastest = Cheat(sim), cycle(keys), 0.0
    for _ in range(60):
        cheat.say(cheat.next_tick, next(pattern))
        sim.step()
        velocity = sim.server.world.component_for_entity(cheat.entity, Velocity2D)
        fastest = max(fastest, velocity.x**2 + velocity.y**2)

    assert 0.0 < fastest <= (PLAYER_SPEED + 1 / 8) ** 2  # two steps of rounding


@pytest.mark.slow
def test_speed_by_more_inputs_than_ticks_is_one_input_a_tick() -> None:
    """240 messages a second, four different inputs for each tick: the first counts, the others are counted."""
    sim, honest, cheat = start()
    ticks = sim.server.world.tick

    def act() -> None:
        for keys in (RIGHT, UP, LEFT, STILL):
            cheat.say(advance_tick(cheat.next_tick, 2), keys)

    race(sim, honest, cheat, act)
    passed = sim.server.world.tick - ticks

    assert_nothing_gained(sim, honest, cheat)
    assert place_of(sim, cheat.client)[1] == 0.0
    assert cheat.counted.taken <= passed
    assert 3 * passed - 20 <= cheat.counted.changed <= 3 * passed


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [1, 16, WINDOW - 1, WINDOW])
def test_speed_by_inputs_of_the_future_is_none(ahead: int) -> None:
    """Up to the edge of the window an input waits for its tick: who sends early decides early, and is bound by it."""
    sim, honest, cheat = start()
    race(sim, honest, cheat, lambda: cheat.say(advance_tick(cheat.next_tick, ahead), RIGHT))

    assert_nothing_gained(sim, honest, cheat)
    assert not cheat.counted.is_doubtful


def test_speed_by_a_second_of_inputs_at_once_is_none() -> None:
    """All that the window holds in one message: the keys of a second, run in a second."""
    sim, honest, cheat = start()
    first = cheat.next_tick
    honest.press(Run(dx=1))
    cheat.say(advance_tick(first, WINDOW - 1), *WINDOW * [RIGHT])
    sim.run(WINDOW * TICK + 1)

    assert_nothing_gained(sim, honest, cheat)
    assert place_of(sim, cheat.client)[0] == pytest.approx((WINDOW + HOLD_TICKS) * SPEED * TICK)
    assert cheat.counted.taken == WINDOW


def test_an_input_sent_far_ahead_cannot_be_taken_back_when_more_is_known() -> None:
    """Else it would be a way to keep several answers ready and choose in the last moment, faster than anybody."""
    sim, _, cheat = start()
    tick = advance_tick(cheat.next_tick, WINDOW - 1)
    cheat.say(tick, LEFT)
    for _ in range(WINDOW - 1):
        sim.step()
        cheat.say(tick, RIGHT)
    sim.run(2 * TICK)

    assert place_of(sim, cheat.client)[0] == -SPEED * TICK
    assert cheat.counted.changed >= WINDOW - 2


@pytest.mark.parametrize("away", [WINDOW + 1, 1000, 2**15 - 1, -WINDOW - 1, -1000, -(2**15), 2**15, 2**15 + 40])
def test_speed_by_ticks_of_the_far_future_and_past_is_refused_and_counted(away: int) -> None:
    """Of a tick 16 bits travel: what is 2**15 off is of the past as well as of the future, and of no use as either."""
    sim, _, cheat = start()
    for _ in range(60):
        cheat.say(advance_tick(cheat.next_tick, away), RIGHT)
        sim.step()

    assert place_of(sim, cheat.client) == (0.0, 0.0)
    assert cheat.counted.taken == 0
    assert cheat.counted.refused >= 59
    assert "waiting=[]" in repr(sim.server.room.session.input_buffers[cheat.client.client_id])


@pytest.mark.parametrize("late", [1, 2, 30, WINDOW])
def test_speed_by_ticks_that_are_over_is_none(late: int) -> None:
    """What was simulated stays simulated; such messages are also those of a bad network, so none is held against it."""
    sim, _, cheat = start()
    for _ in range(60):
        cheat.say(advance_tick(cheat.next_tick, -late), RIGHT)
        sim.step()

    assert place_of(sim, cheat.client) == (0.0, 0.0)
    assert cheat.counted.taken == 0
    assert cheat.counted.missing >= 59


@pytest.mark.slow
def test_speed_by_a_clock_twice_as_fast_is_none() -> None:
    """Its ticks run out of the window within a second; the server simulates each of them once, in its own time."""
    sim, honest, cheat = start()
    began, steps = cheat.next_tick, iter(range(10_000))
    race(sim, honest, cheat, lambda: cheat.say(advance_tick(began, 2 * next(steps) + 2), RIGHT, RIGHT))

    assert_nothing_gained(sim, honest, cheat)
    assert place_of(sim, cheat.client)[0] < 3 * SPEED
    assert cheat.counted.refused > 500


class FastClock(TickSync):
    """Runs twice as fast, whatever the server says of it."""

    __slots__ = ()

    def observe(self, margin: int, rtt_seconds: float, now: float) -> int:
        super().observe(margin, rtt_seconds, now)
        self.speed = 2.0
        return 0


@pytest.mark.slow
def test_speed_by_our_own_client_with_its_clock_twice_as_fast_is_none() -> None:
    """The popular speed hack: the whole program believes that time runs faster."""
    sim = Simulation(track, clients=2, seed=2)
    honest, fast = sim.clients
    fast.conversation.session.sync = FastClock(TICK)
    fast.conversation.session.sync.synchronised = True
    for client in sim.clients:
        client.press(Run(dx=1))
    sim.run(SECONDS)

    assert place_of(sim, fast)[0] <= place_of(sim, honest)[0]
    assert sim.server.input_statistics(fast.client_id).refused > 500
    assert not sim.server.input_statistics(honest.client_id).is_doubtful


# 2. Teleport.


def test_teleport_by_writing_to_ones_own_world_moves_nobody() -> None:
    """What a client believes is its own affair: it says keys, never places."""
    sim, honest, cheat = start()

    def write() -> None:
        for _, place in cheat.client.world.observe(Transform2D):
            place.x = 5000.0
        cheat.say(cheat.next_tick, STILL)

    sim.before_each_step(write)
    sim.run(0.5)

    assert place_of(sim, cheat.client) == place_of(sim, honest) == (0.0, 0.0)


def test_teleport_by_a_state_message_ends_the_cheat() -> None:
    """State goes from server to client. A whole world of one's own is none of the server's business."""
    sim, honest, cheat = start()
    cheat.send(STATE, b"\0\0\0\x09\x04\x01\x05\x01\x05\x7f\xff\xff")
    sim.run(0.2)

    assert cheat.client.disconnected is not None
    assert cheat.client.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert list(sim.server.peers) == [honest.client_id]
    assert place_of(sim, honest) == (0.0, 0.0)


def test_teleport_by_a_channel_there_is_not_ends_the_cheat() -> None:
    """A bit in the wrong place is the transport's matter, and the end of it."""
    sim, honest, cheat = start()
    cheat.send_on_unknown_channel()
    sim.run(0.2)

    assert cheat.client.disconnected is not None
    assert cheat.client.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert list(sim.server.peers) == [honest.client_id]


@pytest.mark.parametrize("channel", [INPUT, CALLS, CASUAL_CALLS, CHECKS])
def test_teleport_by_the_bytes_of_a_state_on_any_channel_moves_nobody(channel: int) -> None:
    """What the server would send to place somebody at the edge of the world means nothing there."""
    sim, honest, cheat = start()
    cheat.send(channel, b"\0\0\0\x09\x04\x01\x05\x01\x05\x7f\xff\xff\x7f\xff\xff\0\0")
    sim.run(0.3)
    places = {(place.x, place.y - 100.0 * entity) for entity, place in sim.server.world.get_component(Transform2D)}

    assert places == {(0.0, 0.0)}
    assert honest.disconnected is None


# 3. What is not one's own.


def test_inputs_move_nothing_of_others() -> None:
    """An input has no addressee: it drives what the sender owns, as the server knows it."""
    sim, honest, cheat = start()
    ours, theirs, nobodys = (owned_by(sim, client_id) for client_id in (cheat.client.client_id, honest.client_id, 0))
    sim.run(0.2)
    for _, owner in cheat.client.world.observe(Owner):
        owner.client_id = cheat.client.client_id
    for _ in range(30):
        cheat.say(cheat.next_tick, RIGHT)
        sim.step()
    world = sim.server.world

    assert place_of(sim, honest) == (0.0, 0.0)
    assert [world.component_for_entity(cart, Transform2D).x for cart in (theirs, nobodys)] == [0.0, 0.0]
    assert world.component_for_entity(ours, Transform2D).x > 0.0


def to_the_other(world: World, cart: int, other: int) -> None:
    world.component_for_entity(cart, Owner).client_id = other


def to_the_server(world: World, cart: int, _: int) -> None:
    world.component_for_entity(cart, Owner).client_id = 0


def to_who_is_long_gone(world: World, cart: int, _: int) -> None:
    world.component_for_entity(cart, Owner).client_id = 99


def to_nobody(world: World, cart: int, _: int) -> None:
    world.remove_component(cart, Owner)


class Thief(System):
    """Changes an owner in the midst of a tick, after the inputs are set."""

    def __init__(self, change: Callable[[World], None]) -> None:
        self._change = change
        self.done = False

    def process(self, world: World) -> None:
        if not self.done:
            self.done = True
            self._change(world)


@pytest.mark.parametrize("in_tick", [False, True], ids=["between ticks", "within a tick"])
@pytest.mark.parametrize("change", [to_the_other, to_the_server, to_who_is_long_gone, to_nobody])
def test_inputs_end_with_the_ownership(change: Callable[[World, int, int], None], *, in_tick: bool) -> None:
    """Not a tick longer, whoever has it next: the last keys are let go, those sent ahead are for what is owned then.

    Within a tick the keys of that tick are what its owner of then pressed.
    """
    sim, honest, cheat = start()
    world, cart = sim.server.world, owned_by(sim, cheat.client.client_id)
    cheat.say(advance_tick(cheat.next_tick, WINDOW - 1), *WINDOW * [RIGHT])
    sim.run(0.2)
    run = world.component_for_entity(cart, Run)
    assert run.dx == 1
    if in_tick:
        world.add_system(Thief(lambda world: change(world, cart, honest.client_id)))
        sim.step()
    else:
        change(world, cart, honest.client_id)
    place = world.component_for_entity(cart, Transform2D).x
    sim.run(0.5)

    assert (run.dx, world.component_for_entity(cart, Transform2D).x) == (0, place)
    assert place_of(sim, cheat.client)[0] > place  # its own runs on


def test_what_nobody_drives_any_more_is_the_games_to_drive() -> None:
    """Keys are let go once; what the game presses afterwards, say for a bot, stays pressed."""
    sim, _, cheat = start()
    cart = owned_by(sim, cheat.client.client_id)
    sim.run(0.2)
    to_the_server(sim.server.world, cart, 0)
    sim.run(0.2)
    run = sim.server.world.component_for_entity(cart, Run)
    run.dx = -1
    sim.run(0.2)

    assert run.dx == -1


@pytest.mark.parametrize("config", [None, GRACE], ids=["left", "lost"])
def test_inputs_of_who_is_gone_drive_nothing(config: ServerConfig | None) -> None:
    """Neither the key held last nor those sent ahead, also of what it owned beside its player and leaves behind."""
    sim, _, cheat = start(config=config)
    world, cart = sim.server.world, owned_by(sim, cheat.client.client_id)
    cheat.say(advance_tick(cheat.next_tick, WINDOW - 1), *WINDOW * [RIGHT])
    sim.run(0.2)
    sim.server.peers[cheat.client.client_id].connection.close(DisconnectReason.CONNECTION_LOST, now=sim.now)
    sim.run(2 * TICK)
    place = world.component_for_entity(cart, Transform2D).x
    sim.run(0.5)

    assert world.component_for_entity(cart, Transform2D).x == place > 0.0
    assert world.component_for_entity(cart, Run).dx == 0


def test_inputs_of_before_a_resume_drive_nothing_after_it() -> None:
    """A second of keys sent ahead, a broken connection, and back within that second: it begins with nothing pressed."""
    sim, _, cheat = start(config=GRACE)
    cheat.say(advance_tick(cheat.next_tick, WINDOW - 1), *WINDOW * [RIGHT])
    sim.run(0.1)
    sim.server.peers[cheat.client.client_id].connection.close(DisconnectReason.CONNECTION_LOST, now=sim.now)
    sim.run(2 * TICK)
    back = Cheat(sim, ticket=cheat.client.ticket)
    place = place_of(sim, back.client)
    sim.run(1)

    assert back.client.client_id == cheat.client.client_id
    assert place_of(sim, back.client) == place
    assert back.counted == InputStatistics()


def test_inputs_over_two_connections_of_one_player_are_those_of_the_second() -> None:
    """Who resumes while its old connection lives on has one voice, not two."""
    sim, _, cheat = start(config=GRACE)
    back = Cheat(sim, ticket=cheat.client.ticket)
    place = place_of(sim, back.client)
    for _ in range(30):
        if cheat.client.disconnected is None:
            cheat.say(cheat.next_tick, RIGHT)
        back.say(back.next_tick, LEFT)
        sim.step()

    assert place_of(sim, back.client)[0] < place[0] - 25 * SPEED * TICK
    assert cheat.client.disconnected is not None


# 4. Withholding.


@pytest.mark.parametrize("late_keys", [RIGHT, LEFT, UP], ids=["went on", "turned back", "turned off"])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.0])
def test_a_lag_switch_gains_nothing(seconds: float, late_keys: bytes) -> None:
    """Silence, then all of it late: nothing late is applied, and in the silence the last key ended when it had to.

    So it got as far as an honest player with the same key held for 0.25 s more, who lets go, and not a unit further.
    """
    sim, _, cheat = start()
    ticks = round(seconds / TICK)
    for _ in range(30):
        cheat.say(cheat.next_tick, RIGHT)
        sim.step()
    last = cheat.next_tick
    for _ in range(ticks):  # what it says of these ticks, it keeps
        sim.step()
    before = place_of(sim, cheat.client)
    for end in range(20, ticks + 20, 20):
        cheat.say(advance_tick(last, min(end, ticks) - 1), *min(end, ticks) * [late_keys])
    for _ in range(30):
        cheat.say(cheat.next_tick, STILL)
        sim.step()

    held = min(ticks, HOLD_TICKS + 1)
    assert place_of(sim, cheat.client)[1] == 0.0
    assert place_of(sim, cheat.client)[0] - before[0] <= SPEED * TICK  # a tick on its way
    assert place_of(sim, cheat.client)[0] <= (30 + held) * SPEED * TICK
    assert cheat.counted.missing >= ticks
    assert cheat.counted.late >= min(ticks, HOLD_TICKS) - 1 or cheat.counted.refused  # beyond the window it is odd


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.0])
def test_a_lag_switch_on_our_own_client_makes_nobody_faster(seconds: float) -> None:
    """A box between player and network that holds back what he sends, again and again, while he holds the key.

    Our client takes the silence for a slow network and sends ahead of it: it presses half a second earlier than anybody
    has to, and gets no further than who just holds the key.
    """
    sim = Simulation(track, clients=2, link=Link.LAN, seed=3)
    honest, switched = sim.clients
    sim.run(1)
    ticks = round(seconds / TICK)
    kept: list[tuple[bytes, Address]] = []
    flush = switched.datagrams_to_send

    def hold_back(now: float) -> list[tuple[bytes, Address]]:
        kept.extend(flush(now))
        if not lets_through:
            return []
        released = kept[:]
        kept.clear()
        return released

    switched.datagrams_to_send = hold_back  # type: ignore[method-assign]  # a box in the wire
    lets_through = True
    rhythm = cycle([True] * 30 + [False] * ticks)  # whether it is let through

    def flick() -> None:
        nonlocal lets_through
        honest.press(Run(dx=1))
        switched.press(Run(dx=1))
        lets_through = next(rhythm)

    sim.before_each_step(flick)
    sim.run(SECONDS)

    assert place_of(sim, switched)[0] <= place_of(sim, honest)[0]
    assert sim.server.input_statistics(switched.client_id).missing > 20


# 5. Flood.


@pytest.mark.parametrize("keys", [[RIGHT], [RIGHT, LEFT]], ids=["one run", "255 runs"])
@pytest.mark.parametrize("per_tick", [4, 50])
def test_a_flood_of_inputs_is_bounded_work_and_memory(
    monkeypatch: pytest.MonkeyPatch, keys: list[bytes], per_tick: int
) -> None:
    """240 to 3,000 messages a second with 255 inputs each: per tick no more than 256 are decoded.

    What is not read is counted. In bytes it is little: six for 255 equal inputs. The honest one does not notice it.
    """
    sim, honest, cheat = start()
    decoded: list[int] = []
    unpack = inputs.unpack_inputs

    def counting(*arguments: object) -> object:
        result = unpack(*arguments)  # type: ignore[arg-type]
        decoded[-1] += len(result[1])
        return result

    monkeypatch.setattr(inputs, "unpack_inputs", counting)
    missing, pattern = sim.server.input_statistics(honest.client_id).missing, (keys * 255)[:255]
    honest.press(Run(dx=1))
    for _ in range(60):
        decoded.append(0)
        for _ in range(per_tick):
            cheat.say(advance_tick(cheat.next_tick, WINDOW), *pattern)
        sim.step()

    assert max(decoded) <= ServerConfig().max_inputs_per_tick + 8  # and the honest one's
    assert len(repr(sim.server.room.session.input_buffers[cheat.client.client_id])) < 8 * WINDOW
    assert cheat.counted.unread >= 55 * (per_tick - 1)
    assert sim.server.input_statistics(honest.client_id).missing == missing
    assert not sim.server.input_statistics(honest.client_id).is_doubtful
    assert place_of(sim, honest)[0] >= 55 * SPEED * TICK
    assert sim.server.skipped_ticks == 0


def test_a_flood_leaves_its_sender_no_more_than_its_newest_keys() -> None:
    """What is dropped is dropped as if lost: who floods plays as well as the newest message of each tick says."""
    sim, honest, cheat = start()
    honest.press(Run(dx=1))
    for _ in range(60):
        for keys in 9 * [LEFT] + [RIGHT]:
            cheat.say(advance_tick(cheat.next_tick, 2), *255 * [keys])
        sim.step()

    assert_nothing_gained(sim, honest, cheat)


def test_what_comes_together_after_a_stall_is_no_flood() -> None:
    """Two seconds of a stream's messages at once, as TCP delivers them: the newest say all that still matters."""
    sim = Simulation(track, clients=1, seed=4, transport="tcp")
    [honest] = sim.clients
    honest.press(Run(dx=1))
    sim.run(1)
    sim.cut_off(honest)
    sim.run(0.5)
    sim.reconnect(honest)
    sim.run(1)
    place, missing = place_of(sim, honest)[0], sim.server.input_statistics(honest.client_id).missing
    sim.run(1)

    assert sim.server.input_statistics(honest.client_id).missing == missing
    assert place_of(sim, honest)[0] - place == pytest.approx(SPEED)


# 6. The lag.


def positions(sim: Simulation, cheat: Cheat) -> Iterator[float]:
    """Yield how far back, in units, the server goes with the honest one for the cheat, tick after tick."""
    world, honest = sim.server.world, sim.server.peers[sim.clients[0].client_id].entity
    while True:
        sim.step()
        present = world.component_for_entity(honest, Transform2D).x
        with world.rewind(cheat.client.client_id):
            seen = world.component_for_entity(honest, Transform2D).x
        yield present - seen


@pytest.mark.parametrize(
    "lags", [[63.75], [0.0, 63.75], [15.0, 0.0, 7.5]], ids=["as old as can be", "to and fro", "as it suits"]
)
def test_a_lie_about_the_lag_gains_no_more_than_the_cap(lags: list[float]) -> None:
    """250 ms, whatever is claimed, and however it changes: any honest client on a bad network has as much."""
    sim, honest, cheat = start()
    honest.press(Run(dx=1))
    back, claims = positions(sim, cheat), cycle(lags)
    for _ in range(60):
        next(back)
    seen = []
    for _ in range(60):
        cheat.say(cheat.next_tick, RIGHT, lag_ticks=next(claims))
        seen.append(next(back))

    assert min(seen) >= 0.0
    assert max(seen) <= soccer.max_rewind_seconds * SPEED + 1 / 64


def test_a_shot_withheld_until_it_is_sure_to_hit_gains_no_more_than_the_cap() -> None:
    """A lag switch for shots: the key has been down for a while, it says, and the picture is old. One cap holds."""
    sim, honest, cheat = start()
    honest.press(Run(dx=1))
    back = positions(sim, cheat)
    for _ in range(60):
        cheat.say(cheat.next_tick, STILL)
        next(back)
    for _ in range(HOLD_TICKS):
        next(back)
    cheat.say(cheat.next_tick, *HOLD_TICKS * [UP], lag_ticks=63.75)
    seen = [next(back) for _ in range(4)]

    assert max(seen) <= soccer.max_rewind_seconds * SPEED + 1 / 64


def test_of_several_lags_for_one_input_the_first_counts() -> None:
    """As of the input itself: it cannot be chosen when more is known."""
    sim, _, cheat = start()
    tick = advance_tick(cheat.next_tick, 5)
    for lag in (2.0, 15.0, 0.0):
        cheat.say(tick, RIGHT, lag_ticks=lag)
    sim.run(8 * TICK)

    assert sim.server.room.session.input_buffers[cheat.client.client_id].lag_ticks == 2.0


# What the host hears.


def test_who_cheats_is_in_the_access_log_when_he_goes_and_who_does_not_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With the address, for whoever decides about it; the game itself goes on meanwhile."""
    caplog.set_level(logging.INFO, "ecsnet.access")
    sim, honest, cheat = start()
    cheat.say(cheat.next_tick, b"\5\5")
    sim.run(0.2)
    for client in (cheat.client, honest):
        client.close(now=sim.now)
    sim.run(0.2)
    [doubted] = [record.getMessage() for record in caplog.records if record.getMessage().startswith("doubted")]

    who = f'client={cheat.client.client_id} name="cheat" address=10.9.9.9:40000 transport=udp'
    assert doubted == f"doubted {who} refused=1 changed=0 unread=0"


@pytest.mark.slow
@pytest.mark.parametrize("link", [Link.LAN, Link.WIFI, Link.MOBILE, Link.AWFUL, Link.POOR])
def test_nobody_honest_is_doubted(link: Link) -> None:
    """Losses, jitter and reordering make late and missing inputs; never any that look like a lie."""
    sim = Simulation(track, clients=3, link=link, seed=5)
    keys = cycle([Run(dx=1), Run(dy=1), Run(), Run(dx=-1, dy=-1)])
    for _ in range(60):
        for client in sim.clients:
            client.press(next(keys))
        sim.run(1 / 3)

    assert [sim.server.input_statistics(client.client_id).is_doubtful for client in sim.clients] == [False] * 3
