"""What travels in a game, and whether two sides agree on it."""

from enum import Enum, Flag

import pytest

from ecsnet import OWNER, Game, NetVar, World, component, event, netvar, player_input
from ecsnet.components import Owner, Transform2D
from ecsnet.errors import SchemaError
from ecsnet.fields import Audience
from ecsnet.remote import Deliver
from ecsnet.replication.schema import Schema, difference
from ecsnet.rpc import SERVER, Call, rpc
from tests.replication.pasture import Black, Body, Press, Wool, game, record, schema


class Access(Flag):
    """Bits."""

    WRITE = 2
    READ = 1
    ALL = 3


def health(high: int, *extra: str) -> type:
    """Declare a Health anew, as another version of a game would."""
    names = ("armour", *extra)
    body: dict[str, object] = {
        "__annotations__": dict.fromkeys(names, NetVar[int]),
        "__module__": __name__,
        **{name: netvar(0, low=0, high=high) for name in names},
    }
    return component(type("Health", (), body))


def test_records_are_numbered_by_name_and_audience() -> None:
    """So both sides number them alike, in whatever order a game lists its components."""
    names = [(each.name, each.audience) for each in schema.records]

    assert names == sorted(names)
    assert [each.id for each in schema.records] == list(range(len(names)))
    assert Schema(Game("pasture", input=Press, components=list(reversed(game.components)))).hash == schema.hash


def test_a_component_of_two_audiences_makes_two_records() -> None:
    """Each travels as a whole to those it is for."""
    public, private = schema.records_of[Wool]

    assert [each.name for each in public.fields] == ["serial"]
    assert (private.audience, [each.name for each in private.fields]) == (Audience.OWNER, ["worth"])


def test_tags_and_the_input_have_records_without_values() -> None:
    """That it takes input is told to an entity's owner alone."""
    assert (record(Black).fields, record(Black).audience) == ((), Audience.EVERYONE)
    assert (record(Press).fields, record(Press).audience) == ((), Audience.OWNER)
    assert (schema.input_codec.size, schema.input_codec.defaults) == (1, (0,))
    assert Schema(Game("watched")).input_codec.size == 0


def test_built_in_components_are_included() -> None:
    """A game need not list them; those that stay on their side have no record."""
    assert Transform2D in schema.records_of
    assert not any(each.name in ("Predicted", "Interpolated") for each in schema.records)


def test_records_on_lists_what_an_entity_has() -> None:
    """Each with the component the values live in."""
    world = World()
    body, owner = Body(), Owner()
    entity = world.create_entity(owner, body)

    found = schema.records_on(world, entity)

    assert sorted(found, key=lambda each: each[0].id) == [(record(Body), body), (record(Owner), owner)]


def test_two_components_of_one_name_are_refused() -> None:
    """The name is what both sides know them by; a game's may clash with a built-in one."""

    @component
    class Owner:
        x: NetVar[int] = 0

    with pytest.raises(SchemaError, match="two components are called Owner"):
        Schema(Game("clash", components=[Owner]))


def test_the_hash_follows_what_the_bytes_depend_on() -> None:
    """Ranges, names, order, audiences and rates do; defaults and limits of one side do not."""
    first = Schema(Game("g", components=[health(100)]))

    assert len(first.hash) == 16
    assert Schema(Game("other", components=[health(100)], max_clients=3)).hash == first.hash
    assert Schema(Game("g", components=[health(200)])).hash != first.hash
    assert Schema(Game("g", components=[health(100)], tick_rate_hz=30)).hash != first.hash


def test_a_difference_is_named_item_by_item() -> None:
    """`Health.armour: netvar high=100 here, high=200 on the server`, not two hashes."""
    here = Schema(Game("g", components=[health(100)])).describe()
    there = Schema(Game("g", components=[health(200, "shield")], tick_rate_hz=30)).describe()

    assert difference(here, there).splitlines() == [
        "tick_rate: hz=60 here, hz=30 on the server",
        "Health.armour: netvar high=100 here, high=200 on the server",
        "Health.shield: missing here, netvar on the server",
    ]
    assert "Health.shield: netvar here, missing on the server" in difference(there, here)


def test_a_difference_in_audience_or_kind_is_named() -> None:
    """An option one side leaves out shows as such."""

    class Mood(Enum):
        GOOD = 1
        BAD = 2

    def version(*, marked: bool) -> type:
        body = {
            "__annotations__": {"a": NetVar[int], "b": NetVar[Mood] if marked else NetVar[str]},
            "__module__": __name__,
            "a": netvar(0, audience=OWNER) if marked else 0,
            "b": Mood.GOOD if marked else "",
        }
        return component(type("Thing", (), body))

    here = Schema(Game("g", components=[version(marked=True)])).describe()
    there = Schema(Game("g", components=[version(marked=False)])).describe()

    assert difference(here, there).splitlines() == [
        "Thing.a: netvar audience=OWNER here, no audience on the server",
        "Thing.b: netvar type=Mood[GOOD,BAD] no max_bytes here, type=str max_bytes=255 on the server",
    ]


def test_a_description_that_was_cut_does_not_accuse() -> None:
    """It must fit a datagram, so what lies behind the cut is unknown, not missing."""
    here = Schema(Game("g", components=[health(100)])).describe()
    there = Schema(Game("g", components=[health(200)])).describe()[:-3]

    text = difference(here, there)

    assert "missing on the server" not in text
    assert text.splitlines()[-1].startswith("... and perhaps more")
    assert difference(here, []) == "the server sent no description of its own"


def test_remote_calls_and_inputs_are_part_of_it() -> None:
    """Their bytes must be understood, too."""

    @rpc(to=SERVER)
    def shout(call: Call, word: str) -> None: ...

    @rpc(to=SERVER)
    def shout_often(call: Call, word: str, times: int) -> int:
        return times

    @player_input
    class Stick:
        x: int = netvar(0, low=-1, high=1)

    plain, more = Schema(Game("g")), Schema(Game("g", rpcs=[shout, shout_often], input=Stick))

    assert difference(plain.describe(), more.describe()).splitlines() == [
        "Stick: missing here, input on the server",
        "Stick.x: missing here, input on the server",
        "shout(): missing here, rpc on the server",
        "shout(word): missing here, argument on the server",
        "shout_often(): missing here, rpc on the server",
        "shout_often(word): missing here, argument on the server",
        "shout_often(times): missing here, argument on the server",
        "shout_often().result: missing here, result on the server",
    ]


def test_events_are_numbered_with_the_calls_and_part_of_it() -> None:
    """By name, in one table; when a client is told of one is its own business."""

    def version(high: int, deliver: Deliver) -> type:
        body: dict[str, object] = {
            "__annotations__": {"n": int},
            "__module__": __name__,
            "n": netvar(0, low=0, high=high),
        }
        return event(deliver=deliver)(type("Rang", (), body))

    @rpc(to=SERVER)
    def Ring(call: Call) -> None: ...  # noqa: N802  # in between

    @event(reliable=False)
    class Aired:
        pass

    one = Schema(Game("g", rpcs=[Ring], events=[version(9, "received"), Aired]))
    same = Schema(Game("g", rpcs=[Ring], events=[Aired, version(9, "rendered")]))
    other = Schema(Game("g", rpcs=[Ring], events=[Aired, version(8, "received")]))

    assert [remote.name for remote in one.remotes] == ["Aired", "Rang", "Ring", "client_log"]
    assert one.hash == same.hash != other.hash
    assert difference(one.describe(), other.describe()) == "Rang(n): argument high=9 here, high=8 on the server"
    assert "Aired(): event reliable=False" in one.describe()


def test_every_game_has_the_engines_calls() -> None:
    """In the same table, so both sides number all alike; a game's own cannot take their names."""

    @rpc(to=SERVER)
    def client_log(call: Call) -> None: ...

    assert "client_log(text): argument at=1 type=str max_bytes=400" in Schema(Game("g")).describe()
    with pytest.raises(SchemaError, match="client_log is the engine's own, every game has it; rename yours"):
        Schema(Game("g", rpcs=[client_log]))


def test_what_a_type_holds_is_described_and_differs_by_name() -> None:
    """Each option has its place before it: `item.high=9 here, item.high=8 on the server`."""

    def version(bag: object, names: object, high: int) -> type:
        body: dict[str, object] = {
            "__annotations__": {"a": bag, "b": names, "c": NetVar[Access]},
            "__module__": __name__,
            "a": netvar([], low=0, high=high),
            "b": None,
            "c": Access.READ,
        }
        return component(type("Thing", (), body))

    bag: object = NetVar[list[int]]
    names: object = NetVar[dict[str, bool] | None]  # type: ignore[misc]  # an annotation, as a value
    numbers: object = NetVar[dict[int, bool] | None]  # type: ignore[misc]  # as above
    here = Schema(Game("g", components=[version(bag, names, 9)])).describe()
    there = Schema(Game("g", components=[version(bag, numbers, 8)])).describe()

    assert [line for line in here if line.startswith("Thing.")] == [
        "Thing.a: netvar at=0 type=list max_items=16 item.type=int item.low=0 item.high=9",
        (
            "Thing.b: netvar at=1 type=optional value.type=dict value.max_items=16 "
            "value.key.type=str value.key.max_bytes=24 value.value.type=bool"
        ),
        "Thing.c: netvar at=2 type=Access[READ=1,WRITE=2,ALL=3]",
    ]
    assert difference(here, there).splitlines() == [
        "Thing.a: netvar item.high=9 here, item.high=8 on the server",
        (
            "Thing.b: netvar value.key.type=str value.key.max_bytes=24 here, "
            "value.key.type=int no value.key.max_bytes on the server"
        ),
    ]
