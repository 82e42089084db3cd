"""Who sees what: rooms, teams, the grid, named viewers, parts and pauses, each by itself; the model mixes them."""

import pytest

from ecsnet import TEAM, EntityRef, Game, NetVar, SchemaError, World, component, netvar
from ecsnet.components import (
    Near,
    Owner,
    Parent,
    Paused,
    Player,
    Rooms,
    Seat,
    Team,
    Transform2D,
    Viewer,
    VisibleTo,
)
from ecsnet.replication.frames import NO_INPUT, OwnPart, State
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender

CELL = 100.0


@component
class Thing:
    """Something to see."""

    value: NetVar[int] = netvar(0, low=0, high=10_000)
    plan: NetVar[int] = netvar(0, low=0, high=10_000, audience=TEAM)
    friend: NetVar[EntityRef] = 0


@component
class Sign:
    """As long as it likes."""

    text: NetVar[str] = ""


schema = Schema(Game("interest", components=[Thing, Sign]))


class Table:
    """A server and clients 1 and 2, with a player's entity each, and nothing lost between them."""

    def __init__(self) -> None:
        """Seat the players."""
        self.tick = 100
        self.world = World()
        self.sender = Sender(schema, self.world, cell_units=CELL)
        self.replicas = {client: World() for client in (1, 2)}
        self.receivers = {client: Receiver(schema, world) for client, world in self.replicas.items()}
        self.players = {client: self.world.create_entity(Player(client_id=client), Owner(client)) for client in (1, 2)}
        for client in (1, 2):
            self.sender.subscribe(client)
        self.states: dict[int, list[State]] = {}
        self.send()

    def send(self, *, limit: int = 1150) -> None:
        """Run one send tick."""
        self.tick += 2
        self.sender.encode(self.tick)
        for client, receiver in self.receivers.items():
            self.states[client] = []
            for message, token in self.sender.messages_for(client, OwnPart(0, NO_INPUT), 1 << 20, limit):
                state = receiver.take(message)
                self.states[client].append(state)
                receiver.apply(state)
                self.sender.report(client, token, acked=True)

    def sees(self, client: int) -> list[int]:
        """Return the values of the things a client has."""
        return sorted(thing.value for _, thing in self.replicas[client].get_component(Thing))

    def thing(self, client: int, value: int) -> Thing:
        """Return a client's thing of this value."""
        return next(thing for _, thing in self.replicas[client].get_component(Thing) if thing.value == value)

    def named(self, client: int, value: int) -> int:
        """Return the network id by which a client knows a thing."""
        replica = self.replicas[client]
        return next(
            self.receivers[client].network_id_of(entity)
            for entity, thing in replica.get_component(Thing)
            if thing.value == value
        )


def rooms(*names: str) -> Rooms:
    """Return Rooms of these names."""
    return Rooms(frozenset(names))


def test_a_room_is_seen_by_those_in_it() -> None:
    """Who leaves it loses what is in it, and nobody else notices."""
    table = Table()
    table.world.add_component(table.players[1], rooms("cave"))
    table.world.create_entity(Thing(1), rooms("cave"))
    table.world.create_entity(Thing(2))
    table.send()
    assert (table.sees(1), table.sees(2)) == ([1, 2], [2])

    table.world.component_for_entity(table.players[1], Rooms).names = frozenset({"hall"})
    table.send()

    assert (table.sees(1), table.sees(2)) == ([2], [2])
    assert [len(state.leaves) for state in table.states[1]] == [1]


def test_leaving_one_of_two_shared_rooms_keeps_the_other() -> None:
    """Rooms overlap: what is seen through two of them goes with the second, and is never sent twice."""
    table = Table()
    table.world.add_component(table.players[1], rooms("cave", "hall"))
    thing = table.world.create_entity(Thing(1), rooms("cave", "hall", "yard"))
    table.send()
    assert len([1 for state in table.states[1] for full in state.fulls if full[0] == thing]) == 1
    table.world.component_for_entity(table.players[1], Rooms).names = frozenset({"hall"})
    table.send()
    assert table.sees(1) == [1]
    assert not any(state.leaves or state.fulls for state in table.states[1])
    table.world.component_for_entity(thing, Thing).value = 2
    table.send()
    assert sum(len(state.updates) for state in table.states[1]) == 1

    table.world.component_for_entity(thing, Rooms).names = frozenset({"yard"})
    table.send()

    assert table.sees(1) == []


def test_an_entity_in_no_room_is_seen_in_all() -> None:
    """An empty set is no room."""
    table = Table()
    table.world.create_entity(Thing(1), Rooms())
    table.send()

    assert (table.sees(1), table.sees(2)) == ([1], [1])


def test_an_entity_with_nothing_for_strangers_stays_unknown_in_another_room() -> None:
    """It is in a room, but all it has is for its team: whoever is in the next room does not hear that it came."""
    table = Table()
    table.world.add_component(table.players[1], rooms("hall"))
    plan = table.world.create_entity(Viewer(1.0, 1.0, 1.0), rooms("cave"))
    table.send()

    table.world.component_for_entity(plan, Rooms).names = frozenset({"hall"})
    table.send()

    assert not any(state.fulls for state in table.states[1])


def test_what_is_for_a_team_reaches_the_team_and_the_owner() -> None:
    """Position to all, plans to one's own: per record, not per entity."""
    table = Table()
    table.world.add_component(table.players[1], Team(1))
    table.world.add_component(table.players[2], Seat(team=2))
    thing = table.world.create_entity(Thing(1, plan=7), Team(2))
    own = table.world.create_entity(Thing(2, plan=8), Owner(1))
    table.send()
    assert [table.thing(client, 1).plan for client in (1, 2)] == [0, 7]
    assert [table.thing(client, 2).plan for client in (1, 2)] == [8, 0]

    table.world.component_for_entity(thing, Team).number = 1
    table.world.component_for_entity(table.players[2], Seat).team = 1
    table.world.component_for_entity(own, Thing).plan = 9
    table.send()

    assert [table.thing(client, 1).plan for client in (1, 2)] == [7, 7]
    assert [table.thing(client, 2).plan for client in (1, 2)] == [9, 9]


def test_near_is_what_a_viewer_reaches() -> None:
    """Everything within the radius, nothing far beyond it, and no churn at a border."""
    table = Table()
    table.world.add_component(table.players[1], Transform2D())
    table.world.add_component(table.players[1], Viewer(radius=300))
    thing = table.world.create_entity(Thing(1), Near(), Transform2D(x=299))
    table.world.create_entity(Thing(2), Near(), Transform2D(x=300 + 4.1 * CELL))
    table.world.create_entity(Thing(3), Near())
    table.send()
    assert (table.sees(1), table.sees(2)) == ([1], [])

    place = table.world.component_for_entity(thing, Transform2D)
    place.x = 2000
    table.send()
    assert table.sees(1) == []
    table.world.component_for_entity(table.players[1], Transform2D).x = 2100
    table.send()

    assert table.sees(1) == [1]


def test_who_sways_at_a_border_of_cells_is_not_sent_anew() -> None:
    """A cell is left a quarter of a cell beyond its border, not at it."""
    table = Table()
    table.world.add_component(table.players[1], Viewer(radius=100))
    thing = table.world.create_entity(Thing(1), Near(), Transform2D(x=295))
    table.send()
    place = table.world.component_for_entity(thing, Transform2D)
    structural = 0
    for x in (301, 299, 310, 290, 324, 276):
        place.x = x
        table.send()
        structural += sum(len(state.fulls) + len(state.leaves) for state in table.states[1])

    assert structural == 0


def test_several_viewers_of_a_client_add_up() -> None:
    """Units of one's own, each with eyes."""
    table = Table()
    table.world.add_component(table.players[1], Viewer(radius=100))
    tower = table.world.create_entity(Owner(1), Viewer(x=5000, y=0, radius=100))
    table.world.create_entity(Thing(1), Near(), Transform2D(x=5000))
    table.send()
    assert table.sees(1) == [1]

    table.world.component_for_entity(tower, Owner).client_id = 2
    table.send()
    assert (table.sees(1), table.sees(2)) == ([], [1])
    table.world.delete_entity(tower)
    table.send()

    assert (table.sees(1), table.sees(2)) == ([], [])


def test_who_sees_everything_needs_no_cells() -> None:
    """A radius of the whole world costs no list of a million cells."""
    table = Table()
    table.world.add_component(table.players[1], Viewer(radius=65536))
    table.world.create_entity(Thing(1), Near(), Transform2D(x=30000, y=-30000))
    table.send()

    assert table.sees(1) == [1]


def test_named_viewers_know_an_entity_by_a_number_of_their_own() -> None:
    """Another one each time: numbers must not tell what happens out of sight."""
    table = Table()
    thing = table.world.create_entity(Thing(1), VisibleTo(frozenset({1, 2})))
    table.send()
    first = [table.named(client, 1) for client in (1, 2)]
    table.world.component_for_entity(thing, VisibleTo).clients = frozenset({2})
    table.send()
    assert (table.sees(1), table.sees(2)) == ([], [1])
    table.world.component_for_entity(thing, VisibleTo).clients = frozenset({1, 2})
    table.world.component_for_entity(thing, Thing).value = 5
    table.send()

    assert (table.sees(1), table.sees(2)) == ([5], [5])
    assert thing not in first
    assert table.named(1, 5) not in (thing, first[0])
    assert table.named(2, 5) == first[1]


def test_the_owner_sees_its_own_wherever_it_is() -> None:
    """Out of all rooms, out of reach, named or not: with every change."""
    table = Table()
    hidden: list[tuple[object, ...]] = [(rooms("x"),), (Near(), Transform2D(x=9000)), (VisibleTo(),)]
    things = [table.world.create_entity(Thing(at), Owner(1), *rules) for at, rules in enumerate(hidden)]
    table.send()
    assert (table.sees(1), table.sees(2)) == ([0, 1, 2], [])

    for at, thing in enumerate(things):
        table.world.component_for_entity(thing, Thing).value = 10 + at
    table.send()

    assert (table.sees(1), table.sees(2)) == ([10, 11, 12], [])


def test_a_value_names_nobody_the_client_does_not_see() -> None:
    """The number of a hidden entity would tell that it exists; it is told as soon as the entity may be seen."""
    table = Table()
    hidden = table.world.create_entity(Thing(1), rooms("cave"))
    named = table.world.create_entity(Thing(2), VisibleTo(frozenset({1})))
    holder = table.world.create_entity(Thing(3, friend=hidden))
    other = table.world.create_entity(Thing(4, friend=named))
    table.send()
    for client in (1, 2):
        table.send()
        assert all(
            hidden not in values for state in table.states[client] for _, found, _ in state.fulls for _, values in found
        )
    assert table.thing(1, 4).friend and not table.thing(2, 4).friend  # noqa: PT018  # one claim
    table.world.component_for_entity(holder, Thing).value = 33
    table.world.component_for_entity(other, Thing).value = 44
    table.send()
    assert [table.thing(client, 33).friend for client in (1, 2)] == [0, 0]

    table.world.add_component(table.players[2], rooms("cave"))
    table.world.component_for_entity(named, VisibleTo).clients = frozenset({2})
    table.send()

    assert [bool(table.thing(client, 33).friend) for client in (1, 2)] == [False, True]
    assert [bool(table.thing(client, 44).friend) for client in (1, 2)] == [False, True]


def test_parts_are_seen_with_the_whole() -> None:
    """Rules of their own do not count; and they go, come and change together."""
    table = Table()
    table.world.add_component(table.players[1], rooms("cave"))
    root = table.world.create_entity(Thing(1), rooms("cave"))
    wheel = table.world.create_entity(Thing(2), Parent(root))
    table.world.create_entity(Thing(3), Parent(wheel), Near())
    table.send()
    assert (table.sees(1), table.sees(2)) == ([1, 2, 3], [])
    for entity in (root, wheel):
        table.world.component_for_entity(entity, Thing).value += 10
    table.send()
    assert [len(state.updates) for state in table.states[1]] == [2]

    table.world.component_for_entity(wheel, Parent).entity = 0
    table.send()
    assert (table.sees(1), table.sees(2)) == ([3, 11, 12], [3, 12])
    table.world.component_for_entity(root, Rooms).names = frozenset()
    table.send()

    assert table.sees(2) == [3, 11, 12]


def test_a_part_too_large_for_a_datagram_keeps_back_nobody() -> None:
    """Neither the others of its family, nor who comes after them; and it is told once it fits."""
    table = Table()
    root = table.world.create_entity(Thing(1))
    table.world.create_entity(Thing(2), Parent(root))
    sign = Sign("x" * 200)
    table.world.create_entity(Thing(3), Parent(root), sign)
    table.world.create_entity(Thing(4))
    table.send(limit=150)
    table.send(limit=150)
    assert table.sees(1) == [1, 2, 4]
    sign.text = "short"
    table.send(limit=150)

    assert table.sees(1) == [1, 2, 3, 4]


def test_parents_in_a_circle_are_refused_and_nothing_is_lost() -> None:
    """The text says what to do; once it is done all goes on."""
    table = Table()
    one, two = table.world.create_entity(Thing(1)), table.world.create_entity(Thing(2))
    table.world.add_component(one, Parent(two))
    table.world.add_component(two, Parent(one))
    with pytest.raises(SchemaError, match=r"entity 3: Parent.entity leads on .* in a circle"):
        table.send()
    table.world.component_for_entity(one, Parent).entity = 0
    table.send()

    assert table.sees(1) == [1, 2]


def test_what_is_paused_stays_as_it_is_for_everybody() -> None:
    """Also for who comes later; and goes on where it is when it is taken up again."""
    table = Table()
    thing = table.world.create_entity(Thing(1), rooms("cave"))
    table.world.add_component(table.players[1], rooms("cave"))
    table.send()
    table.world.add_component(thing, Paused())
    table.send()
    table.world.component_for_entity(thing, Thing).value = 2
    table.world.add_component(thing, Transform2D())
    table.world.add_component(table.players[2], rooms("cave"))
    table.send()
    assert (table.sees(1), table.sees(2)) == ([1], [1])
    assert not table.replicas[2].get_component(Transform2D)

    table.world.remove_component(thing, Paused)
    table.send()

    assert (table.sees(1), table.sees(2)) == ([2], [2])
    assert len(table.replicas[2].get_component(Transform2D)) == 1


def test_a_set_that_could_change_unnoticed_is_refused() -> None:
    """In place, that is: only another object is another rule."""
    table = Table()
    table.world.create_entity(Thing(1), Rooms({"cave"}))  # type: ignore[arg-type]  # the mistake

    with pytest.raises(
        SchemaError, match=r"entity 3: Rooms.names is {'cave'}, no frozenset; assign frozenset\({'cave'}"
    ):
        table.send()


def test_the_remedy_for_a_single_name_is_one_room() -> None:
    """`frozenset("cave")` would be four."""
    table = Table()
    table.world.create_entity(Thing(1), Rooms("cave"))  # type: ignore[arg-type]  # the mistake

    with pytest.raises(SchemaError, match=r"assign frozenset\({'cave'}\)"):
        table.send()


def test_explain_tells_by_which_rule() -> None:
    """For whoever wonders where an entity is."""
    table = Table()
    table.world.add_component(table.players[1], rooms("cave"))
    inside = table.world.create_entity(Thing(1), rooms("cave"))
    far = table.world.create_entity(Thing(2), Near(), Transform2D())
    named = table.world.create_entity(Thing(3), VisibleTo(frozenset({1})))
    table.send()

    def told(client: int, entity: int) -> str:
        return table.sender.explain(client, entity)

    assert (
        told(1, inside) == "entity 3 is seen by clients in one of the rooms cave, and was last sent whole at tick 104"
    )
    assert told(2, inside) == (
        "entity 3 is hidden from client 2: it is seen by clients in one of the rooms cave; the client is in no room"
    )
    assert told(1, far).endswith("it is seen by clients whose Viewer reaches it; the client has no Viewer")
    assert told(2, named) == "entity 5 is hidden from client 2: VisibleTo names [1]"


def chain(table: Table, root: int, first: int, count: int) -> int:
    """Make parts of parts; return the last."""
    for value in range(first, first + count):
        root = table.world.create_entity(Thing(value), Parent(root))
    return root


def test_a_line_of_parents_is_too_long_wherever_it_was_lengthened() -> None:
    """What is far below would else stand for itself, and be seen by everybody."""
    table = Table()
    upper = chain(table, table.world.create_entity(Thing(1), VisibleTo()), 10, 10)
    lower = table.world.create_entity(Thing(2), VisibleTo())
    chain(table, lower, 20, 10)
    table.send()
    table.world.add_component(lower, Parent(upper))

    with pytest.raises(SchemaError, match=rf"entity {lower}: Parent\.entity leads on for more than 16 generations"):
        table.send()
    table.world.remove_component(lower, Parent)
    table.send()

    assert table.sees(1) == table.sees(2) == []


def test_a_parent_that_does_not_travel_hides_its_parts_like_any_other() -> None:
    """It may be nothing but a rule for what belongs together."""
    table = Table()
    group = table.world.create_entity(VisibleTo(frozenset({1})))
    table.world.create_entity(Thing(5), Parent(group))
    table.send()

    assert (table.sees(1), table.sees(2)) == ([5], [])

    table.world.component_for_entity(group, VisibleTo).clients = frozenset({2})
    table.send()

    assert (table.sees(1), table.sees(2)) == ([], [5])

    table.world.add_component(group, Owner(1))
    table.send()

    assert (table.sees(1), table.sees(2)) == ([5], [5])


@pytest.mark.parametrize(
    ("component", "remedy"),
    [
        (VisibleTo(frozenset({"anna", 1, None})), r"VisibleTo\.clients holds .*, no int; take it out"),  # type: ignore[arg-type]
        (VisibleTo(None), r"VisibleTo\.clients is None, no frozenset"),  # type: ignore[arg-type]
        (VisibleTo({1}), r"VisibleTo\.clients is \{1\}, no frozenset"),  # type: ignore[arg-type]
        (Rooms(None), r"Rooms\.names is None, no frozenset"),  # type: ignore[arg-type]
        (Rooms(frozenset({7, "attic"})), r"Rooms\.names holds 7, no str; take it out"),  # type: ignore[arg-type]
        (Parent([1]), r"Parent\.entity: \[1\] is no int; assign one"),  # type: ignore[arg-type]
        (Viewer(radius=float("nan")), r"Viewer\.radius: nan is no finite number; assign one"),
        (Viewer(x="here"), r"Viewer\.x: 'here' is no finite number; assign one"),  # type: ignore[arg-type]
    ],
)
@pytest.mark.parametrize("paused", [(), (Paused(),)])
def test_a_rule_that_cannot_be_is_named_and_breaks_nothing(
    component: object, remedy: str, paused: tuple[object, ...]
) -> None:
    """It is found before anything follows from it: the next send goes on where this one would have."""
    table = Table()
    table.world.create_entity(Thing(1))
    bad = table.world.create_entity(Thing(2), Owner(1), component, *paused)
    table.world.create_entity(Thing(3))
    for _ in range(2):
        with pytest.raises(SchemaError, match=f"entity {bad}: {remedy}"):
            table.send()
    table.world.remove_component(bad, type(component))
    table.send()

    assert table.sees(1) == table.sees(2) == [1, 2, 3]


@pytest.mark.parametrize("far", [1e300, -1e300, float("inf"), 10**400])
def test_what_left_the_world_stops_no_server(far: float) -> None:
    """A stray shot, or an error of a game's physics; it is at the rim, and back when it is back."""
    table = Table()
    table.world.add_component(table.players[1], Viewer(radius=50.0))
    table.world.add_component(table.players[2], Viewer(radius=50.0))
    table.world.add_component(table.players[2], Transform2D(x=far, y=far))
    things = [table.world.create_entity(Thing(i), Transform2D(x=far, y=far), *[Near()] * (i % 2)) for i in range(80)]
    table.send()

    assert table.sees(1) == list(range(0, 80, 2))

    for thing in things:
        table.world.component_for_entity(thing, Transform2D).x = 0.0
        table.world.component_for_entity(thing, Transform2D).y = 0.0
    table.send()

    assert table.sees(1) == list(range(80))


def test_a_client_whose_second_player_goes_is_what_the_first_says() -> None:
    """A game may make the new one before it deletes the old, or think better of it."""
    table = Table()
    table.world.create_entity(Thing(1), Rooms(frozenset({"attic"})))
    table.world.add_component(table.players[1], Rooms(frozenset({"attic"})))
    second = table.world.create_entity(Player(client_id=1))
    table.send()

    assert table.sees(1) == []

    table.world.delete_entity(second)
    table.send()

    assert table.sees(1) == [1]


def test_what_has_nothing_to_show_is_not_shown_where_it_goes() -> None:
    """A full without records is no message, and a client would leave the server that sent it."""
    table = Table()
    camera = table.world.create_entity(Viewer(), Rooms(frozenset({"attic"})))  # its values are for an owner it has not
    table.world.add_component(table.players[1], Rooms(frozenset({"cellar"})))
    table.send()
    table.world.component_for_entity(camera, Rooms).names = frozenset({"cellar"})
    table.send()
    table.world.remove_component(camera, Rooms)
    table.send()

    assert [table.receivers[client].entity_of(camera) for client in (1, 2)] == [0, 0]
