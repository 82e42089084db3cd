"""Finding what changed: marks and the sweep, rate tiers, what travels once, redundancy with each of them."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import pytest

from ecsnet import OWNER, EntityRef, Game, NetVar, World, component, netvar, player_input
from ecsnet.components import Owner
from ecsnet.errors import SchemaError
from ecsnet.replication.frames import OwnPart, State
from ecsnet.replication.kinds import SWEEP_SENDS
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender


@player_input
class Steer:
    """What a player presses."""

    dx: int = netvar(0, low=-1, high=1)


@component
class Plain:
    """Compared in every send."""

    value: NetVar[int] = 0


@component(track="push")
class Sign:
    """Marks itself; one value for all, one for the owner."""

    value: NetVar[int] = netvar(0, low=0, high=1000)
    price: NetVar[int] = netvar(0, audience=OWNER)
    local: int = 0


@component(every=2)
class Half:
    """Looked at in every 2nd send."""

    value: NetVar[int] = 0


@component(every=4)
class Quarter:
    """Looked at in every 4th send; a change is repeated twice."""

    value: NetVar[int] = netvar(0, redundancy=2)


@component(track="push", every=8)
class Eighth:
    """Marks itself, and is looked at in every 8th send."""

    value: NetVar[int] = netvar(0, low=0, high=1000)
    secret: NetVar[int] = netvar(0, audience=OWNER)


@component(once=True)
class Birth:
    """Travels with the entity alone."""

    value: NetVar[int] = netvar(0, low=0, high=1000)


@component(once=True)
class Origin:
    """Names another entity, for good."""

    of: NetVar[EntityRef] = 0


CHANGING = (Plain, Sign, Half, Quarter, Eighth)
schema = Schema(Game("tracking", input=Steer, components=[*CHANGING, Birth, Origin]))


class Line:
    """A server's World and clients' Worlds with nothing but function calls between them."""

    def __init__(self, *clients: int) -> None:
        """Subscribe the clients, 1 alone if none is named."""
        self.world = World()
        self.sender = Sender(schema, self.world)
        self.tick = 0
        self.receivers: dict[int, Receiver] = {}
        self.worlds: dict[int, World] = {}
        for client in clients or (1,):
            self.join(client)

    def join(self, client: int) -> None:
        """Subscribe a client."""
        self.worlds[client] = World()
        self.receivers[client] = Receiver(schema, self.worlds[client])
        self.sender.subscribe(client)

    def send(self, *, lose: Sequence[int] = ()) -> list[State]:
        """Run one send tick; return what client 1 was told."""
        self.tick += 2
        self.sender.encode(self.tick)
        told = []
        for client, receiver in self.receivers.items():
            for message, token in self.sender.messages_for(client, OwnPart(0, 0), 1 << 20, 1150):
                state = receiver.take(message)
                if client == 1:
                    told.append(state)
                if client not in lose:
                    receiver.apply(state)
                self.sender.report(client, token, acked=client not in lose)
        return told

    def updates(self, *, lose: Sequence[int] = ()) -> int:
        """Run one send tick; return how many entities client 1 was told a change of."""
        return sum(len(state.updates) for state in self.send(lose=lose))

    def seen(self, entity: int, cls: type, client: int = 1) -> object:
        """Return the first value of a component as a client has it."""
        part: object = self.worlds[client].component_for_entity(self.receivers[client].entity_of(entity), cls)
        return schema.records_of[cls][0].codec.read(part)[0]


# Marks


def test_a_written_component_is_told_in_the_next_send() -> None:
    """As one that is compared, and only then."""
    line = Line()
    sign = Sign()
    entity = line.world.create_entity(sign)
    line.send()
    sign.value = 5

    assert [line.updates() for _ in range(2 * SWEEP_SENDS)] == [1] + [0] * (2 * SWEEP_SENDS - 1)
    assert line.seen(entity, Sign) == 5


def test_what_leaves_no_mark_is_found_by_the_sweep() -> None:
    """In-place edits cannot mark; each row has its turn within 16 sends."""
    line = Line()
    signs = [Sign() for _ in range(50)]
    entities = [line.world.create_entity(each) for each in signs]
    line.send()
    for each in signs:
        object.__setattr__(each, "value", 5)

    told = [line.updates() for _ in range(SWEEP_SENDS)]
    assert sum(told) == 50
    assert max(told) == 4
    assert [line.seen(each, Sign) for each in entities] == [5] * 50


def test_a_replaced_component_is_found_and_marks_from_then_on() -> None:
    """Also taken and given back between two sends; the one before it marks nothing any more."""
    line = Line()
    first, second, third = Sign(value=1), Sign(value=2), Sign(value=3)
    entity = line.world.create_entity(first, Plain())
    line.send()
    line.world.add_component(entity, second)
    line.send()
    assert line.seen(entity, Sign) == 2
    line.world.remove_component(entity, Sign)
    line.world.add_component(entity, third)
    line.send()
    assert line.seen(entity, Sign) == 3
    first.value, second.value = 11, 12
    third.value = 13
    line.send()

    assert line.seen(entity, Sign) == 13


def test_a_component_that_moves_to_another_entity_marks_that() -> None:
    """Whichever of the two is older."""
    line = Line()
    sign = Sign()
    left, right = line.world.create_entity(Plain(), sign), line.world.create_entity(Plain())
    line.send()
    for here, there in ((left, right), (right, left)):
        line.world.remove_component(here, Sign)
        line.world.add_component(there, sign)
        line.send()
        sign.value += 1
        assert line.updates() == 1
        assert line.seen(there, Sign) == sign.value


def test_nothing_escapes_the_sweep_by_moving() -> None:
    """A row moves when an entity before the last goes; here by one a send, against the sweep, which never meets it."""
    line = Line()
    signs = [Sign() for _ in range(40)]
    entities = [line.world.create_entity(each) for each in signs]
    line.send()
    object.__setattr__(signs[-1], "value", 5)
    for at in range(SWEEP_SENDS):
        line.world.delete_entity(entities[-2 - at])
        line.send()

    assert line.seen(entities[-1], Sign) == 5


def test_what_is_taken_away_or_replaced_marks_nothing_more() -> None:
    """Somebody may hold it for long and write it often."""
    line = Line()
    first, second = Sign(), Sign()
    entity = line.world.create_entity(first)
    line.world.create_entity(Sign())
    line.send()
    (kind,) = line.sender._detector._kinds.values()
    line.world.add_component(entity, second)
    line.send()
    first.value = 1
    assert kind.marks == {Sign: set()}
    line.world.delete_entity(entity)
    line.send()
    second.value = 1

    assert kind.marks == {Sign: set()}


def test_worlds_do_not_hear_of_each_others_marks() -> None:
    """Several in one process is normal: tests, and a player who is host."""
    one, two = Line(), Line()
    here, there = Sign(), Sign()
    one.world.create_entity(here)
    two.world.create_entity(there)
    one.send()
    two.send()
    here.value = 1

    assert two.updates() == 0
    assert one.updates() == 1


def test_a_value_that_cannot_travel_is_named_until_it_can_and_its_mark_is_kept() -> None:
    """As with compared components, nothing else is lost by it."""
    line = Line()
    sign, other = Sign(), Sign()
    line.world.create_entity(sign, Plain())
    entity = line.world.create_entity(other)
    line.send()
    sign.value, other.value = 5000, 7
    for _ in range(3):
        with pytest.raises(SchemaError, match=r"entity 1: Sign\.value: 5000 is outside"):
            line.send()
    sign.value = 6
    line.send()

    assert (line.seen(1, Sign), line.seen(entity, Sign)) == (6, 7)


def test_the_owner_alone_gets_what_is_for_the_owner() -> None:
    """One mark stands for the records of all audiences."""
    line = Line(1, 2)
    sign = Sign()
    entity = line.world.create_entity(sign, Owner(client_id=1))
    line.send()
    sign.price, sign.value = 4, 3
    line.send()

    own, others = (world.single(Sign) for world in line.worlds.values())
    assert ((own.value, own.price), (others.value, others.price)) == ((3, 4), (3, 0))
    line.world.component_for_entity(entity, Owner).client_id = 2
    line.send()
    assert line.worlds[2].single(Sign).price == 4


# Rate tiers


def test_a_tier_is_looked_at_in_its_sends_only() -> None:
    """What changed in between is told with the value of the look."""
    line = Line()
    quarter = Quarter()
    entity = line.world.create_entity(quarter)
    line.send()
    values = []
    for value in range(1, 25):
        quarter.value = value
        line.send()
        values.append(line.seen(entity, Quarter))

    news = [at for at in range(1, 24) if values[at] != values[at - 1]]
    assert all(values[at] == at + 1 for at in news)
    assert {after - before for before, after in pairwise(news)} == {4}


def test_tiers_do_not_all_fall_on_the_same_send() -> None:
    """Spread, they cost every send a little instead of one send much."""

    @component(every=2)
    class One:
        a: NetVar[int] = 0
        b: NetVar[int] = netvar(0, audience=OWNER)

    @component(every=2)
    class Two:
        a: NetVar[int] = 0

    @component(every=4)
    class Three:
        a: NetVar[int] = 0

    @component(every=4)
    class Two2:
        a: NetVar[int] = 0

    phases = {record.name: record.phase for record in Schema(Game("tiers", components=[One, Two, Three, Two2])).records}

    assert phases["One"] != phases["Two"]
    assert phases["Three"] != phases["Two2"]
    records = Schema(Game("one", components=[One])).records_of[One]
    assert len({record.phase for record in records}) == 1


def test_a_full_carries_what_a_tier_last_told() -> None:
    """A late joiner sees what everyone sees."""
    line = Line()
    eighth = Eighth(value=1)
    entity = line.world.create_entity(eighth)
    line.send()
    eighth.value = 2
    for client in range(2, 10):
        line.join(client)
        line.send()
        assert line.seen(entity, Eighth, client) == line.seen(entity, Eighth)

    assert line.seen(entity, Eighth) == 2


def test_a_marked_component_of_a_tier_keeps_its_mark_until_it_is_looked_at() -> None:
    """And what left no mark has its turn in the same 16 sends."""
    line = Line()
    parts = [Eighth() for _ in range(8)]
    entities = [line.world.create_entity(each) for each in parts]
    line.send()
    for at, each in enumerate(parts):
        if at % 2:
            each.value = 9
        else:
            object.__setattr__(each, "value", 9)
    told = [line.updates() for _ in range(SWEEP_SENDS)]

    assert [line.seen(each, Eighth) for each in entities] == [9] * 8
    assert sum(1 for each in told if each) == 2


def test_who_steers_an_entity_gets_the_values_of_each_send() -> None:
    """It compares its prediction with the server's values of exactly that tick; the others wait for the tier."""
    line = Line(1, 2)
    quarter, eighth = Quarter(), Eighth()
    entity = line.world.create_entity(quarter, eighth, Steer(), Owner(client_id=1))
    line.send()
    others = []
    for value in range(1, 33):
        quarter.value = value
        object.__setattr__(eighth, "secret", value)
        eighth.value = value
        line.send()
        own = line.worlds[1].single(Eighth)
        assert (line.seen(entity, Quarter), own.value, own.secret) == (value, value, value)
        others.append(line.seen(entity, Eighth, 2))

    assert len(set(others)) == 5
    for _ in range(8):
        line.send()
    assert (line.seen(entity, Quarter, 2), line.seen(entity, Eighth, 2)) == (32, 32)


@pytest.mark.parametrize("seed", range(8))
def test_who_steers_an_entity_compares_with_that_very_tick_whatever_is_lost(seed: int) -> None:
    """What a message does not hold of it is as the client has it, also where it is withheld from all others."""
    chance = random.Random(seed)
    line = Line(1, 2)
    quarter, eighth = Quarter(), Eighth()
    entity = line.world.create_entity(Plain(), quarter, eighth, Birth(), Steer(), Owner(client_id=1))
    for _ in range(3):
        line.send()
    receiver, compared = line.receivers[1], 0
    for _ in range(200):
        if chance.random() < 0.3:
            quarter.value = chance.randrange(4)
        if chance.random() < 0.1:
            eighth.value, eighth.secret = chance.randrange(4), chance.randrange(4)
        line.send(lose=[1] if chance.random() < 0.4 else [])
        if receiver.own_tick == line.tick:
            compared += 1
            own = dict(receiver.own_values(receiver.entity_of(entity)))
            assert receiver.own_is_whole
            assert own[schema.records_of[Quarter][0].id] == (quarter.value,)
            assert [own[each.id] for each in schema.records_of[Eighth]] == [(eighth.value,), (eighth.secret,)]
            assert schema.records_of[Birth][0].id not in own

    assert compared > 80


def test_what_is_withheld_until_its_tier_goes_with_its_record_or_its_entity() -> None:
    """The full that tells of the structure tells it; nothing is left of a deleted entity."""
    line = Line(1, 2)
    eighth = Eighth()
    entity = line.world.create_entity(eighth, Steer(), Owner(client_id=1))
    line.send()
    acts: list[Callable[[], object]] = [
        lambda: line.world.remove_component(entity, Eighth),
        lambda: line.world.add_component(entity, eighth),
        lambda: line.world.delete_entity(entity),
    ]
    for act in acts:
        eighth.value += 1
        line.send()
        act()
        line.send()
        assert sum(len(state.updates) for _ in range(8) for state in line.send() if act is acts[-1]) == 0

    assert line.worlds[2].entities() == []
    assert not line.sender._detector._withheld


# What travels once


def test_what_travels_once_does_not_change_for_anybody() -> None:
    """Nobody looks at it: not for what changed, nor for what cannot travel, nor for a late joiner or another record."""
    line = Line()
    birth = Birth(value=1)
    entity = line.world.create_entity(birth)
    line.send()
    birth.value = 99_999  # beyond its range
    assert line.updates() == 0
    line.world.add_component(entity, Birth(value=3))
    assert line.updates() == 0
    line.join(2)
    line.send()
    line.world.add_component(entity, Plain())  # tells all of the entity anew
    line.send()

    assert (line.seen(entity, Birth), line.seen(entity, Birth, 2)) == (1, 1)


def test_what_travels_once_travels_again_when_given_anew() -> None:
    """Taken away in one send and given in another, it is another component."""
    line = Line()
    entity = line.world.create_entity(Birth(value=1), Plain())
    line.send()
    line.world.remove_component(entity, Birth)
    line.send()
    line.world.add_component(entity, Birth(value=2))
    line.send()

    assert line.seen(entity, Birth) == 2


def test_what_travels_once_arrives_although_the_first_message_is_lost() -> None:
    """Once means one value, not one try."""
    line = Line()
    entity = line.world.create_entity(Birth(value=1))
    line.send(lose=[1])
    line.send()

    assert line.seen(entity, Birth) == 1


def test_what_travels_once_is_not_in_the_own_part() -> None:
    """It would be the same bytes with every send."""
    line = Line()
    entity = line.world.create_entity(Birth(value=513), Plain(value=7), Steer(), Owner(client_id=1))
    line.send()
    own = [
        (schema.records[record_id].cls, values)
        for state in line.send()
        for _, records, _ in state.updates
        for record_id, values in records
    ]

    assert own == [(Owner, (1,)), (Plain, (7,))]
    assert line.seen(entity, Birth) == 513


def test_what_travels_once_may_name_an_entity() -> None:
    """Also when the rest of the entity is told anew, and when the named one comes later."""
    line = Line()
    named = line.world.create_entity(Plain())
    entity = line.world.create_entity(Origin(of=named), Plain())
    line.send()
    line.world.component_for_entity(entity, Origin).of = 0
    line.world.add_component(entity, Half())
    line.send()

    assert line.seen(entity, Origin) == line.receivers[1].entity_of(named)


# Redundancy


def test_a_change_found_in_a_tier_is_repeated_in_the_sends_after_it() -> None:
    """Redundancy counts sends, not looks."""
    line = Line()
    quarter = Quarter()
    line.world.create_entity(quarter)
    line.send()
    quarter.value = 5
    told = [line.updates() for _ in range(10)]

    first = told.index(1)
    assert first < 4
    assert told[first:] == [1, 1, 1] + [0] * (7 - first)


def test_a_lost_change_arrives_by_its_repetition() -> None:
    """Before anybody knows that it was lost."""
    line = Line()
    quarter = Quarter()
    entity = line.world.create_entity(quarter)
    line.send()
    quarter.value = 5
    while not line.updates(lose=[1]):
        pass
    line.send()

    assert line.seen(entity, Quarter) == 5


@pytest.mark.parametrize("act", ["delete", "remove", "strip"])
def test_repetition_ends_with_what_it_repeats(act: str) -> None:
    """What is gone is not told again."""
    line = Line()
    quarter = Quarter()
    entity = line.world.create_entity(quarter, Plain())
    line.send()
    quarter.value = 5
    while not line.updates():
        pass
    if act == "delete":
        line.world.delete_entity(entity)
    else:
        line.world.remove_component(entity, Quarter)
    if act == "strip":
        line.world.remove_component(entity, Plain)

    assert [line.updates() for _ in range(4)] == [0, 0, 0, 0]


def test_a_newer_change_starts_the_repetition_anew() -> None:
    """And takes the place of what was left of the old one."""

    @component(track="push")
    class Shot:
        at: NetVar[int] = netvar(0, redundancy=2)

    own = Schema(Game("shots", components=[Shot]))
    world = World()
    sender = Sender(own, world)
    shot = Shot()
    world.create_entity(shot)
    said = []
    for tick in range(8):
        shot.at = min(tick, 3)
        sender.encode(tick)
        said.append(len(sender._frame.changed))

    assert said == [0, 1, 1, 1, 1, 1, 0, 0]


# All of it


def test_the_client_need_not_agree() -> None:
    """How changes are found is the server's business alone: it is in no line that both must share."""

    def declare(**options: object) -> Schema:
        class Health:
            points: NetVar[int] = 0

        return Schema(Game("health", components=[component(**options)(Health)]))  # type: ignore[call-overload]

    plain = declare()

    for options in ({"track": "push"}, {"every": 8}, {"once": True}):
        assert declare(**options).hash == plain.hash


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_written_arrives_within_a_sweep(seed: int) -> None:
    """Marked or not, lost or not, while entities and components come, go, move and are replaced."""
    chance = random.Random(f"tracking {seed}")
    line = Line(1, 2)
    alive = [line.world.create_entity(*[cls() for cls in CHANGING]) for _ in range(chance.choice([0, 30]))]
    for _ in range(60):
        for _ in range(chance.randrange(6)):
            stir(line.world, alive, chance)
        line.send(lose=[client for client in (1, 2) if chance.random() < 0.3])
    for entity in alive:
        for cls in CHANGING:
            part = line.world.try_component(entity, cls)
            if part is not None and chance.random() < 0.5:
                object.__setattr__(part, "value", chance.randrange(1000))
    for _ in range(SWEEP_SENDS):
        line.send()

    for client in line.receivers:
        assert differences(line, alive, client) == []
    assert not any(marks for kind in line.sender._detector._kinds.values() for marks in kind.marks.values())


def differences(line: Line, alive: Sequence[int], client: int) -> list[str]:
    """Return what a client has otherwise than the server, of what it may see."""
    found = []
    for entity in alive:
        owner = line.world.try_component(entity, Owner)
        for record, part in schema.records_on(line.world, entity):
            if not record.fields or (record.audience is OWNER and (owner is None or owner.client_id != client)):
                continue
            there: object = line.worlds[client].component_for_entity(
                line.receivers[client].entity_of(entity), record.cls
            )
            if record.codec.read(there) != record.codec.read(part):
                found.append(f"entity {entity}: {there} instead of {part}")
    return found


def stir(world: World, alive: list[int], chance: random.Random) -> None:
    """Change something."""
    if not alive or chance.random() < 0.1:
        parts = [cls() for cls in CHANGING if chance.random() < 0.7]
        extra = [Owner(client_id=chance.choice([1, 2])), Steer()] if chance.random() < 0.3 else []
        alive.append(world.create_entity(*(parts or [Plain()]), *extra))
        return
    entity, cls = chance.choice(alive), chance.choice(CHANGING)
    found: object = world.try_component(entity, cls)
    part = cast("Plain | None", found)  # or another with a value
    action = chance.random()
    if action < 0.05:
        alive.remove(entity)
        world.delete_entity(entity)
    elif part is None or action < 0.15:
        world.add_component(entity, cls(value=chance.randrange(1000)))
    elif action < 0.25:
        world.remove_component(entity, cls)
        if chance.random() < 0.5:
            world.add_component(chance.choice(alive), part)
    elif action < 0.6:
        part.value = chance.randrange(1000)
    else:
        object.__setattr__(part, "value", chance.randrange(1000))
