"""A game that stirs everything audiences have: rooms, teams, a grid, guest lists, families, pauses, owners, references.

Every value is marked: serials and texts are never used twice, so wherever one turns up, it is known whose it is.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from ecsnet.client import Client
from ecsnet.components import (
    Near,
    Owner,
    Parent,
    Paused,
    Player,
    Predicted,
    Rooms,
    Seat,
    Team,
    Transform2D,
    Viewer,
    VisibleTo,
)
from ecsnet.fields import OWNER, TEAM, EntityRef, NetVar, component, netvar, player_input
from ecsnet.game import Game
from ecsnet.replication.codec import Values
from ecsnet.server import Server
from ecsnet.system import System
from ecsnet.testing.invariants import client_view, world_differences
from ecsnet.wire import Tick
from ecsnet.world import World
from tests.replication.sight import Records, Scene, Sight, mapped

MOST = 0xFFFFFFFF
WIDTH_UNITS = 240.0
CELL_UNITS = 16.0
ROOMS = ("attic", "cellar", "kitchen", "library")


@player_input
class Tread:
    dx: int = netvar(0, low=-1, high=1)
    dy: int = netvar(0, low=-1, high=1)


@component
class Title:
    """Which entity this is: how a test knows it again under whatever network id."""

    mark: NetVar[int] = netvar(0, low=0, high=MOST)


@component
class Wares:
    """One value for each audience there is."""

    serial: NetVar[int] = netvar(0, low=0, high=MOST)
    plan: NetVar[int] = netvar(0, low=0, high=MOST, audience=TEAM)
    gold: NetVar[int] = netvar(0, low=0, high=MOST, audience=OWNER)


@component
class Letter:
    text: NetVar[str] = netvar("", max_bytes=80)


@component
class Watchword:
    """Nothing of it is for those who are not in the team."""

    text: NetVar[str] = netvar("", max_bytes=80, audience=TEAM)


@component
class Diary:
    """Nothing of it is for those who do not own it."""

    text: NetVar[str] = netvar("", max_bytes=80, audience=OWNER)


@component
class Ties:
    friend: NetVar[EntityRef] = 0
    rival: NetVar[EntityRef] = 0
    serial: NetVar[int] = netvar(0, low=0, high=MOST)


@component
class Plot:
    """A name for the owner alone."""

    target: NetVar[EntityRef] = netvar(0, audience=OWNER)


@component(tag=True)
class Gilded:
    pass


VALUED: tuple[type, ...] = (Wares, Letter, Watchword, Diary, Ties, Plot)


class Arrive(System):
    """Give a player what players have, before anybody hears of it."""

    def process(self, world: World) -> None:
        for entity, player in world.added(Player):
            chance = world.rng
            world.add_component(entity, Title(mark=entity))
            world.add_component(entity, Transform2D(x=chance.uniform(0, WIDTH_UNITS), y=chance.uniform(0, WIDTH_UNITS)))
            world.add_component(entity, Viewer(radius=chance.choice([0.0, 30.0, 60.0])))
            if player.client_id % 2:
                world.add_component(entity, Team(number=chance.choice([0, 1, 2])))
            else:
                world.add_component(entity, Seat(team=chance.choice([0, 1, 2])))


class Walk(System):
    predicted = True

    def process(self, world: World) -> None:
        for _, (tread, place) in world.get_components(Tread, Transform2D):
            place.x = max(0.0, min(WIDTH_UNITS, place.x + tread.dx * 40.0 * world.dt))
            place.y = max(0.0, min(WIDTH_UNITS, place.y + tread.dy * 40.0 * world.dt))


game = Game(
    "estate",
    input=Tread,
    components=[Title, Wares, Letter, Watchword, Diary, Ties, Plot, Gilded],
    systems=[Arrive, Walk],
    tick_rate_hz=20,
    send_rate_hz=10,
    max_clients=16,
    cell_units=CELL_UNITS,
)


class Steward:
    """Changes an estate by chance: each step a few things of every kind.

    Attributes:
        touched: Entities changed since the last send. They are not paused, nor is changed what was paused since:
            which came first nobody can tell who looks only when something is sent.
    """

    def __init__(self, world: World, seed: int, *, most: int = 24) -> None:
        self.touched: set[int] = set()
        self._settled: set[int] = set()  # paused since the last send
        self._world = world
        self._chance = random.Random(f"estate {seed}")
        self._most = most
        self._serial = 1_000_000
        # What a seed is about: each of these but for some, so that the others meet each other more often.
        self._rules = [rule for rule in ("room", "team", "grid", "guests", "family") if self._chance.random() < 0.8]
        self._made: list[int] = []
        for _ in range(most // 2):
            self._spawn()

    def stir(self) -> None:
        """Do what is due this step."""
        chance = self._chance
        for action, odds in (
            (self._spawn, 0.2),
            (self._delete, 0.06),
            (self._write, 0.8),
            (self._write, 0.5),
            (self._insert, 0.15),
            (self._remove, 0.12),
            (self._give, 0.12),
            (self._tie, 0.3),
            (self._pause, 0.06),
            (self._wake, 0.06),
            (self._roam, 0.9),
            (self._jump, 0.15),
            (self._look, 0.25),
            (self._admit, 0.3),
            (self._change_rooms, 0.3),
            (self._change_team, 0.15),
            (self._adopt, 0.12),
        ):
            if chance.random() < odds:
                action()

    def sent(self) -> None:
        """Begin with what comes after a send."""
        self.touched.clear()
        self._settled.clear()

    # What there is.

    @property
    def _open(self) -> list[int]:
        """What may be written."""
        return [entity for entity in self._mine if entity not in self._settled]

    @property
    def _mine(self) -> list[int]:
        return [entity for entity in self._made if self._world.entity_exists(entity)]

    @property
    def _awake(self) -> list[int]:
        return [entity for entity in self._mine if not self._world.has_component(self._root(entity), Paused)
                and not self._world.has_component(entity, Paused)]  # fmt: skip

    def _players(self) -> list[tuple[int, Player]]:
        return list(self._world.observe(Player))

    def _someone(self) -> int:
        return self._chance.choice([0, *(player.client_id for _, player in self._players())])

    def _any(self, entities: Sequence[int]) -> int:
        return self._chance.choice(entities) if entities else 0

    def _line(self, entity: int) -> list[int]:
        """Return an entity and its forefathers."""
        line = [entity]
        while (parent := self._world.try_component(line[-1], Parent)) is not None and parent.entity:
            line.append(parent.entity)
        return line

    def _root(self, entity: int) -> int:
        return self._line(entity)[-1]

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    # Coming and going.

    def _spawn(self) -> None:
        if len(self._mine) >= self._most:
            return
        world, chance = self._world, self._chance
        entity = world.create_entity()
        self._made.append(entity)
        self.touched.add(entity)
        world.add_component(entity, Title(mark=entity))
        for cls in VALUED:
            if chance.random() < 0.5:
                world.add_component(entity, self._filled(entity, cls()))
        if chance.random() < 0.4:
            world.add_component(entity, Owner(self._someone()))
        for rule in self._rules:
            if chance.random() < 0.35:
                self._rule(entity, rule)

    def _rule(self, entity: int, rule: str) -> None:
        world, chance = self._world, self._chance
        match rule:
            case "room":
                world.add_component(entity, Rooms(self._some_rooms()))
            case "team":
                world.add_component(entity, Team(number=chance.choice([0, 1, 2])))
            case "grid":
                x, y = chance.uniform(0, WIDTH_UNITS), chance.uniform(0, WIDTH_UNITS)
                world.add_component(entity, Transform2D(x=x, y=y))
                world.add_component(entity, Near())
            case "guests":
                world.add_component(entity, VisibleTo(self._some_clients()))
            case "family":
                self._adopt_by(entity, self._any([each for each in self._mine if each != entity]))

    def _delete(self) -> None:
        entity = self._any(self._mine)
        if entity:
            self._world.delete_entity(entity)

    # Values and structure.

    def _filled(self, entity: int, part: object) -> object:
        """Write values never seen before."""
        match part:
            case Wares():
                part.serial, part.plan, part.gold = self._next_serial(), self._next_serial(), self._next_serial()
            case Letter() | Watchword() | Diary():
                part.text = f"<{entity}.{type(part).__name__}.{self._next_serial()}>"
            case Ties():
                part.friend, part.rival, part.serial = self._name(), self._name(), self._next_serial()
            case Plot():
                part.target = self._name()
        return part

    def _name(self) -> int:
        return self._any([0, *self._mine, *(entity for entity, _ in self._players())])

    def _write(self) -> None:
        entity = self._any(self._open)
        present = [cls for cls in VALUED if self._world.has_component(entity, cls)]
        if present:
            self._change(entity, self._chance.choice(present))

    def _tie(self) -> None:
        """Name another, public or hidden, perhaps one that has only just come."""
        holders = [entity for entity, _ in self._world.observe(Ties) if entity not in self._settled]
        if holders:
            self._change(self._chance.choice(holders), Ties)

    def _change(self, entity: int, cls: type) -> None:
        self.touched.add(entity)
        if self._chance.random() < 0.1:
            self._world.add_component(entity, self._filled(entity, cls()))  # another object in its place
        else:
            self._filled(entity, self._world.component_for_entity(entity, cls))

    def _insert(self) -> None:
        entity, cls = self._any(self._open), self._chance.choice([*VALUED, Gilded])
        if entity and not self._world.has_component(entity, cls):
            self.touched.add(entity)
            self._world.add_component(entity, self._filled(entity, cls()))

    def _remove(self) -> None:
        entity = self._any(self._open)
        self.touched.add(entity)
        self._world.remove_component(entity, self._chance.choice([*VALUED, Gilded]))

    def _give(self) -> None:
        entity = self._any(self._awake)
        if not entity:
            return
        self.touched.add(entity)
        owner = self._world.try_component(entity, Owner)
        if owner is None:
            self._world.add_component(entity, Owner(self._someone()))
        elif self._chance.random() < 0.2:
            self._world.remove_component(entity, Owner)
        else:
            owner.client_id = self._someone()

    def _pause(self) -> None:
        """Pause what was said as it is and looks at nothing."""
        world = self._world
        idle = [
            entity for entity in self._mine if entity not in self.touched and not world.has_component(entity, Viewer)
        ]
        entity = self._any(idle)
        if entity and not world.has_component(entity, Paused):
            self._settled.add(entity)
            world.add_component(entity, Paused())

    def _wake(self) -> None:
        paused = [entity for entity, _ in self._world.observe(Paused) if entity not in self._settled]
        if paused:
            entity = self._chance.choice(paused)
            self.touched.add(entity)
            self._world.remove_component(entity, Paused)

    # The grid.

    def _roam(self) -> None:
        """Move half of the herd by up to a third of a cell."""
        chance, awake = self._chance, set(self._awake)
        for entity, (_, place) in self._world.observe(Near, Transform2D):
            if entity in awake and chance.random() < 0.5:
                self.touched.add(entity)
                place.x += chance.uniform(-5, 5)
                place.y += chance.uniform(-5, 5)

    def _jump(self) -> None:
        entity = self._any(self._awake)
        place = self._world.try_component(entity, Transform2D)
        if place is not None:
            self.touched.add(entity)
            place.x, place.y = self._chance.uniform(0, WIDTH_UNITS), self._chance.uniform(0, WIDTH_UNITS)

    def _look(self) -> None:
        """Move a Viewer or change its reach; put one on something owned, with or without a place; or take it away."""
        chance, world = self._chance, self._world
        if "grid" not in self._rules:
            return
        entity = self._any([*self._awake, *(entity for entity, _ in self._players())])
        viewer = world.try_component(entity, Viewer)
        if not entity or not world.has_component(entity, Owner):
            return
        self.touched.add(entity)
        if viewer is None:
            world.add_component(entity, Viewer(x=chance.uniform(0, 100), y=chance.uniform(0, 100), radius=40.0))
        elif chance.random() < 0.2 and not world.has_component(entity, Player):
            world.remove_component(entity, Viewer)
        elif chance.random() < 0.5:
            viewer.radius = chance.choice([0.0, 20.0, 50.0, 90.0])
        else:
            viewer.x, viewer.y = chance.uniform(-80, 80), chance.uniform(-80, 80)

    # Rooms, teams, guests, families.

    def _some_rooms(self) -> frozenset[str]:
        return frozenset(self._chance.sample(ROOMS, self._chance.choice([0, 1, 1, 2, 3])))

    def _some_clients(self) -> frozenset[int]:
        clients = [player.client_id for _, player in self._players()]
        return frozenset(client for client in clients if self._chance.random() < 0.5)

    def _change_rooms(self) -> None:
        """Let an entity, or a player, into other rooms: by assignment, by another object, or none at all."""
        if "room" not in self._rules:
            return
        entity = self._any([*self._awake, *(entity for entity, _ in self._players())])
        rooms = self._world.try_component(entity, Rooms)
        if rooms is not None and self._chance.random() < 0.2:
            self._world.remove_component(entity, Rooms)
        elif rooms is not None and self._chance.random() < 0.5:
            rooms.names = self._some_rooms()
        elif entity:
            self._world.add_component(entity, Rooms(self._some_rooms()))

    def _change_team(self) -> None:
        if "team" not in self._rules:
            return
        entity = self._any([*self._awake, *(entity for entity, _ in self._players())])
        team, seat = self._world.try_component(entity, Team), self._world.try_component(entity, Seat)
        self.touched.add(entity)
        if team is not None:
            team.number = self._chance.choice([0, 1, 2])
        elif seat is not None:
            seat.team = self._chance.choice([0, 1, 2])
        elif entity:
            self._world.add_component(entity, Team(number=self._chance.choice([0, 1, 2])))

    def _admit(self) -> None:
        """Change a guest list; hang one out; take one down."""
        if "guests" not in self._rules:
            return
        entity = self._any(self._awake)
        guests = self._world.try_component(entity, VisibleTo)
        if guests is not None and self._chance.random() < 0.1:
            self._world.remove_component(entity, VisibleTo)
        elif guests is not None and self._chance.random() < 0.7:
            guests.clients = self._some_clients()
        elif guests is not None or (entity and self._chance.random() < 0.1):
            self._world.add_component(entity, VisibleTo(self._some_clients()))

    def _adopt(self) -> None:
        if "family" not in self._rules:
            return
        child = self._any(self._awake)
        if self._world.has_component(child, Parent) and self._chance.random() < 0.4:
            self.touched.add(child)
            self._world.remove_component(child, Parent)
        elif child:
            self._adopt_by(child, self._any([each for each in self._awake if each != child]))

    def _adopt_by(self, child: int, parent: int) -> None:
        """Give a child a parent, unless that hangs from it, or the family would get too large for a message."""
        if not parent or child in self._line(parent):
            return
        world = self._world
        family = [entity for entity in self._mine if self._root(entity) in (self._root(parent), child)]
        if len(family) > 3 or any(world.has_component(entity, Paused) for entity in family):
            return
        self.touched.add(child)
        held = world.try_component(child, Parent)
        if held is None:
            world.add_component(child, Parent(parent))
        else:
            held.entity = parent


@dataclass(slots=True)
class Moment:
    """One send: what there was, and what each client must and may see of it."""

    scene: Scene
    sights: dict[int, Sight]


@dataclass(slots=True)
class Watcher:
    """Looks at a server's World each time it is encoded.

    Attributes:
        moments: By tick; all of them, or the last alone.
        steward: Whose work it is that is sent.
        keeps: Whether moments are kept.
    """

    server: Server
    steward: Steward | None = None
    keeps: bool = False
    moments: dict[Tick, Moment] = field(default_factory=dict)
    last: Moment | None = None

    def __post_init__(self) -> None:
        sender = self.server.room.session.sender  # what is sent is what it encodes
        encode = sender.encode

        def encode_and_note(tick: Tick) -> None:
            self._note(tick)
            encode(tick)

        sender.encode = encode_and_note  # type: ignore[method-assign]

    def _note(self, tick: Tick) -> None:
        before = self.last.scene if self.last else None
        scene = Scene(self.server.world, self.server.schema, self.server.game.cell_units, before)
        sights = {client: scene.sight(client) for client in self.server.peers} if self.keeps else {}
        self.last = Moment(scene, sights)
        if self.keeps:
            self.moments[tick] = self.last
        if self.steward is not None:
            self.steward.sent()


def wanted(scene: Scene, server: Server, client: int, held: set[int]) -> tuple[Sight, Records]:
    """Return what a client must and may see, and how all it may see shall look to one that holds some entities.

    Args:
        held: Server's entities: what names any other names nobody.
    """
    sight, records = scene.sight(client), server.schema.records
    names = {entity: entity for entity in held & sight.may.keys()}
    looks = {
        entity: {
            record: mapped(records[record].codec, values, names)
            for record, values in scene.values[entity].items()
            if bits >> record & 1
        }
        for entity, bits in sight.may.items()
    }
    return sight, looks


def held_by(client: Client) -> tuple[Records, list[str]]:
    """Return what a client holds, in the server's terms, and what is wrong with that in itself."""
    wrong: list[str] = []
    view = client_view(client)
    [title] = client.schema.records_of[Title]
    marks: dict[int, int] = {}
    for network_id, confirmed in view.items():
        [mark] = confirmed.get(title.id, (0,))
        assert isinstance(mark, int)
        if mark in marks.values():
            wrong.append(f"{mark} is there twice: {marks}")
        marks[network_id] = mark
    held: Records = {}
    for network_id, confirmed in view.items():
        held[marks[network_id]] = {
            record: mapped(client.schema.records[record].codec, values, marks) for record, values in confirmed.items()
        }
    return held, wrong + list(world_differences(client)) + list(_leftovers(client))


def _leftovers(client: Client) -> list[str]:
    """Return values of records a client does not hold, in components it has for their other records."""
    found = []
    for entity, confirmed in client.receiver.confirmed.items():
        if client.world.has_component(entity, Predicted):
            continue
        for record, part in client.schema.records_on(client.world, entity):
            values: Values = record.codec.read(part)
            if record.id not in confirmed and values != record.codec.defaults:
                found.append(f"entity {entity} of the client's world keeps {values} of {record}")
    return found


def difference(watcher: Watcher, client: Client) -> str:
    """Say where a client does not hold what it must, or holds what it may not; empty if it is as it should be."""
    assert watcher.last is not None
    held, wrong = held_by(client)
    sight, looks = wanted(watcher.last.scene, watcher.server, client.client_id, set(held))
    lines = wrong[:]
    for entity in sorted(sight.must.keys() | held.keys()):
        have = sum(1 << record for record in held.get(entity, {}))
        if entity in held and have & ~sight.may.get(entity, 0):
            lines.append(f"entity {entity}: holds records {have:#x}, may {sight.may.get(entity, 0):#x}")
        if sight.must.get(entity, 0) & ~have:
            lines.append(f"entity {entity}: must hold records {sight.must[entity]:#x}, holds {have:#x}")
        for record, values in held.get(entity, {}).items():
            look = looks.get(entity, {}).get(record)
            if look is not None and look != values:
                name = watcher.server.schema.records[record]
                lines.append(f"entity {entity}, {name}: shall be {look}, is {values}")
    return f"{client}:\n  " + "\n  ".join(lines[:12]) if lines else ""
