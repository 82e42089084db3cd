"""A recording is the server's evidence: what is rebuilt from it is what the server's World was, send by send."""

import random

import pytest

from ecsnet import Client
from ecsnet.components import Player, Transform2D
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.recording.reader import Recording
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.recording.recorder import Recorder
from ecsnet.replication.schema import Schema
from ecsnet.room import Room
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.wire import Tick
from tests.recording import film as yard
from tests.recording.film import Film, Rang, Slow
from tests.replication.sight import Records, mapped
from tests.simulation import estate

LINKS = [Link.PERFECT, Link(loss=0.1, latency_seconds=0.05, jitter_seconds=0.03, reorder=0.2), Link(loss=0.3)]


def stir(seed: int, film: Film | None, *, trace: bool = False) -> tuple[Simulation, dict[Tick, estate.Moment]]:
    """Let people come and go on an estate for ten seconds; return what the server had at each send, too."""
    chance = random.Random(f"recording {seed}")
    sim = Simulation(
        estate.game, clients=0, seed=seed, link=LINKS[seed % 3], start_tick=chance.choice([0, 2**32 - 150]), trace=trace
    )
    steward = estate.Steward(sim.server.world, seed)
    watcher = estate.Watcher(sim.server, steward, keeps=True)
    if film is not None:
        sim.server.record(film.begin)
    sim.before_each_step(steward.stir)
    for _ in range(5):
        if len(sim.clients) > 2:
            sim.kill(chance.choice(sim.clients))
        sim.join(wait=False)
        sim.run(2)
    sim.server.close(now=sim.now)
    return sim, watcher.moments


def rebuilt_records(rebuilt: Rebuilt, schema: Schema) -> Records:
    """Return the values of all records in a rebuilt World, by the server's numbers."""
    name_of, found = rebuilt.receiver.network_id_of, Records()
    for entity, held in rebuilt.receiver.confirmed.items():
        found[name_of(entity)] = {}
        for record in [schema.records[i] for i in held]:
            values = record.codec.read(rebuilt.world.component_for_entity(entity, record.cls))
            found[name_of(entity)][record.id] = record.codec.map_refs(values, name_of)
    return found


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow) if seed > 2 else seed for seed in range(12)]
)
def test_what_is_rebuilt_is_what_the_server_had_whoever_was_allowed_to_see_it(seed: int) -> None:
    """Rooms, teams, guest lists, owners' records, references, pauses, despawns, joins, losses, ticks that wrap."""
    film = Film()
    sim, moments = stir(seed, film)
    schema = sim.server.schema
    rebuilt, ticks = Rebuilt(film.develop(), schema), []
    for moment in rebuilt.run():
        ticks.append(moment.tick)
        there = moments[moment.tick].scene.values
        names = {entity: entity for entity in there}
        codecs = {record.id: record.codec for record in schema.records}
        had = {
            entity: {i: mapped(codecs[i], values, names) for i, values in of.items()} for entity, of in there.items()
        }
        assert rebuilt_records(rebuilt, schema) == had, f"tick {moment.tick}"
    checks = list(Rebuilt(film.develop(), schema).check())

    assert ticks == list(moments)
    assert len(checks) == 10
    assert all(check.is_same for check in checks)
    assert film.is_closed
    assert film.develop().faults() == []


def test_the_clients_get_the_same_bytes_whether_they_are_recorded_or_not() -> None:
    """Evidence changes nothing of what it is about."""
    recorded, _ = stir(1, Film(), trace=True)
    plain, _ = stir(1, None, trace=True)

    assert recorded.traffic_hash() == plain.traffic_hash()


class Yard:
    """Two players in a yard, one of whom moves, for ten seconds."""

    def __init__(self, seconds: float = 10.0, film: Film | None = None) -> None:
        self.film = film or Film()
        self.sim = Simulation(yard.game, clients=0, seed=3)
        self.sim.server.record(self.film.begin)
        self.truth: dict[Tick, list[tuple[int, int, int]]] = {}
        self.sim.add_clients(2)
        self.sim.clients[0].press(yard.Tread(dx=1))
        self.sim.before_each_step(self.note)
        self.sim.run(seconds)
        self.sim.server.close(now=self.sim.now)

    @property
    def schema(self) -> Schema:
        return self.sim.server.schema

    def note(self) -> None:
        world = self.sim.server.world
        rows = world.get_components(Slow, Transform2D)
        self.truth[world.tick] = [(slow.serial, slow.secret, round(place.x * 64)) for _, (slow, place) in rows]


def test_what_a_client_steers_is_recorded_in_every_send_also_what_others_are_told_of_later() -> None:
    """A rate tier saves bytes on the wire; the owner is told at once, and so is the evidence."""
    there = Yard()
    rebuilt, compared = Rebuilt(there.film.develop(), there.schema), 0
    for moment in rebuilt.run():
        if moment.tick in there.truth:
            rows = rebuilt.world.get_components(Slow, Transform2D)
            seen = [(slow.serial, slow.secret, round(place.x * 64)) for _, (slow, place) in rows]
            assert seen == there.truth[moment.tick], f"tick {moment.tick}"
            compared += 1

    assert compared > 90
    assert all(check.is_same for check in Rebuilt(there.film.develop(), there.schema).check())


def test_it_does_not_matter_where_one_begins_to_play() -> None:
    """A jump leads to the same World as having watched all of it."""
    there = Yard(seconds=25.0)
    recording = there.film.develop()
    straight = Rebuilt(recording, there.schema)
    prints = {moment.tick: straight.fingerprint() for moment in straight.run()}
    for seconds in (0.0, 0.05, 9.9, 10.0, 10.1, 19.95, 21.3, recording.seconds, 1e6):
        jumped = Rebuilt(recording, there.schema)
        first = next(jumped.run(seconds))
        assert recording.time_of(first.tick) <= max(seconds, 0.1)
        assert seconds > 1000 or recording.time_of(first.tick) > seconds - 10.2
        assert prints[first.tick] == jumped.fingerprint()

    assert len(set(prints.values())) > 100


def test_a_recording_may_begin_and_end_while_the_game_is_on() -> None:
    """It begins with all there is, and another one takes its place."""
    first, second = Film(), Film()
    sim = Simulation(yard.game, clients=2, seed=1)
    sim.server.record(first.begin)
    sim.run(2)
    sim.server.record(second.begin)
    sim.run(2)
    sim.server.close(now=sim.now)

    for film in (first, second):
        checks = list(Rebuilt(film.develop(), sim.server.schema).check())
        assert len(checks) == 2
        assert all(check.is_same for check in checks)
        assert film.develop().faults() == []
    players = Rebuilt(second.develop(), sim.server.schema)
    next(players.run())
    assert len(players.world.observe(Player)) == 2


def numbers(recording: Recording, schema: Schema) -> list[int]:
    """Return the numbers of the events in a recording."""
    told = [call for moment in recording.moments() for call in moment.calls]
    [entry] = [at for at, remote in enumerate(schema.remotes) if remote.name == Rang.__name__]
    assert all(call[2] == entry for call in told)
    return [int.from_bytes(call[7:10], "big") for call in told]


def test_what_everybody_or_every_observer_is_told_is_recorded_in_its_order_and_nothing_else() -> None:
    """What a single client or a team was told is nobody else's business, and would show in everybody's window."""
    there = Yard()
    told = numbers(there.film.develop(), there.schema)

    assert len(told) > 30
    assert [number % 10 for number in told] == [0, 3] * (len(told) // 2)
    assert told == sorted(told)


def test_each_room_is_recorded_for_itself_from_its_opening_to_its_end() -> None:
    """Also those that open later; not the hall, where nobody plays."""
    films: dict[str, Film] = {}

    def begin(room: Room, code: str) -> Recorder:
        films[code] = Film()
        return films[code].begin(room, code)

    sim = Simulation(
        yard.game, clients=0, seed=2, server_config=ServerConfig(rooms=RoomConfig(max_rooms=4, empty_seconds=1))
    )
    first = sim.server.rooms.open("first")
    sim.server.record(begin)
    anna: Client = sim.join("anna")
    assert anna.room is not None
    second = sim.server.rooms.open("second", stays=False)
    sim.run(3)
    assert films[second].is_closed
    sim.server.close(now=sim.now)

    assert list(films) == [first, second]
    assert films[first].develop().header.room == first
    assert films[first].develop().faults() == []
    assert films[second].develop().ending == "the room was closed"
