"""Finding out that a client holds something else than the server believes, and never when it does not."""

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet import World
from ecsnet.components import Owner, Predicted
from ecsnet.config import ReplicationConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.events import Desynced
from ecsnet.replication.checks import (
    MAX_COMPLAINTS,
    MAX_SUSPECTS,
    Verifier,
    decode_complaints,
    encode_complaints,
)
from ecsnet.replication.frames import State
from ecsnet.replication.sender import Sender
from ecsnet.wire import tick_difference
from tests.replication import village
from tests.replication.model import Client, Model
from tests.replication.pasture import Black, Body, Follows, Label, Pair, Press, Wool, record, schema

SECOND = 30  # sends
BODY = record(Body)


class Watched(Pair):
    """A server and a client that checks what it has, two ticks a send at 60 Hz."""

    def __init__(self, config: ReplicationConfig | None = None, tick: int = 0xFFFFFFF0) -> None:
        super().__init__(config=config, tick=tick)
        self.verifier = Verifier(self.receiver, schema)
        self.now = 100.0
        self.checked: list[tuple[int, tuple[int, ...]]] = []
        self.complaints: list[bytes] = []
        self.found: list[Desynced] = []
        self.hear = True

    def run(self, sends: int) -> None:
        """Send without losses, and carry complaints and answers."""
        for _ in range(sends):
            self.encode()
            self.now += 1 / SECOND
            messages = self.messages()
            self.deliver(messages)
            for message, _ in messages:
                state = self.receiver.take(message)
                self.checked += [(entity, records) for entity, records, _ in state.checks]
                self.verifier.verify(state)
            self.carry()

    def carry(self) -> None:
        """Let a complaint and its answers through."""
        complaint = self.verifier.complaint(self.now)
        if complaint is None:
            return
        self.complaints.append(complaint)
        for answer in self.sender.complain(1, complaint) if self.hear else ():
            self.verifier.apply(self.receiver.take(answer))
        self.found += self.verifier.take()

    def plant(self, entity: int, cls: type, values: tuple[object, ...]) -> None:
        """Let the client hold something else, as a bug might."""
        here, record_id = self.here(entity), record(cls).id
        at, _ = self.receiver.confirmed[here][record_id]
        self.receiver.confirmed[here][record_id] = (at, values)
        record(cls).codec.apply(self.replica.component_for_entity(here, cls), values)


def test_a_difference_is_found_named_and_mended(caplog: pytest.LogCaptureFixture) -> None:
    """Field by field, and in the logs of both sides."""
    pair = Watched()
    entity = pair.world.create_entity(Body(serial=100, check=5), Label(text="a"), Black())
    pair.run(SECOND)
    here = pair.here(entity)
    pair.plant(entity, Body, (90, 5))
    pair.run(5 * SECOND)
    [found] = pair.found

    assert found.entity == here
    assert found.differences == ("Body.serial was 90, the server says 100",)
    assert 0 < tick_difference(found.tick, 0xFFFFFFF0) < 12 * SECOND
    assert pair.replica.component_for_entity(here, Body).serial == 100
    assert pair.receiver.confirmed[here][BODY.id][1] == (100, 5)
    assert [line.getMessage() for line in caplog.records] == [
        f"client 1: entity {entity} differed at tick {found.tick}",
        f"tick {found.tick}, entity {here}: Body.serial was 90, the server says 100",
    ]
    assert len(pair.complaints) == 2


def test_a_servers_broken_cache_is_found_too() -> None:
    """Either side may be the one with the bug; the client ends with what the server tells everybody."""
    pair = Watched()
    entity = pair.world.create_entity(Body(serial=100, check=5))
    pair.run(SECOND)
    pair.sender._detector.entities[entity].packed[BODY.id] = BODY.codec.pack((7, 5))
    pair.run(5 * SECOND)

    assert [found.differences for found in pair.found] == [("Body.serial was 100, the server says 7",)]


def test_what_is_well_is_checked_in_turn_and_never_complained_of() -> None:
    """All that rests and has values, public records only, within the time."""
    pair = Watched(ReplicationConfig(check_seconds=10))
    restless = Body()
    pair.world.create_entity(restless, Label(text="rests"))
    resting = [
        pair.world.create_entity(Body(serial=i), Wool(serial=i, worth=5), Owner(client_id=1), Follows(leader=1))
        for i in range(80)
    ]
    pair.world.create_entity(Black())
    pair.run(3 * SECOND)
    pair.checked.clear()
    for _ in range(10 * SECOND + 2):
        restless.serial += 1
        pair.run(1)
    ids = tuple(sorted(record(cls).id for cls in (Body, Wool, Owner, Follows)))

    assert {entity: records for entity, records in pair.checked if entity in resting} == dict.fromkeys(resting, ids)
    assert {records for entity, records in pair.checked if entity not in resting} == {(record(Label).id,)}
    assert 80 <= len(pair.checked) <= 85
    assert not pair.complaints
    assert not pair.found


def test_checks_take_few_bytes_however_much_there_is() -> None:
    """Beyond what fits, a pass takes longer."""
    pair = Watched()
    for _ in range(20_000):
        pair.world.create_entity(Body())
    for _ in range(3 * SECOND):
        pair.encode()
    sizes = []
    for _ in range(SECOND):
        pair.encode()
        sizes.append(sum(len(chunk.data) for chunk in pair.sender._subscribers[1].view.chunks(pair.tick)))

    assert 40 < max(sizes) <= 64
    assert min(sizes) > 40


def test_they_can_be_switched_off() -> None:
    """Then nothing is said, and complaints are not heard."""
    pair = Watched(ReplicationConfig(check_seconds=0))
    entity = pair.world.create_entity(Body())
    pair.run(4 * SECOND)

    assert pair.checked == []
    assert pair.sender.complain(1, encode_complaints([(pair.tick, entity, (BODY.id,))])) == []


def test_references_are_compared_as_the_server_names_them() -> None:
    """Entities of two Worlds have different numbers, and an entity that never comes is 0 here."""
    pair = Watched()
    pair.replica.create_entity()
    leader = pair.world.create_entity(Body())
    pair.world.create_entity(Follows(leader=leader))
    pair.world.create_entity(Follows(leader=pair.world.create_entity()))
    pair.run(5 * SECOND)

    assert (record(Follows).id,) in {records for _, records in pair.checked}
    assert pair.complaints == []


def test_who_joins_after_the_death_of_somebody_named_does_not_differ() -> None:
    """The others still hold a name that stands for nobody; it was told of nobody at once."""
    pair = Watched()
    pair.sender.unsubscribe(1)
    leader = pair.world.create_entity(Body())
    follower = pair.world.create_entity(Follows(leader=leader))
    pair.encode()
    pair.world.delete_entity(leader)
    pair.encode()
    pair.sender.subscribe(1)
    pair.run(10 * SECOND)

    assert pair.replica.component_for_entity(pair.here(follower), Follows).leader == 0
    assert pair.complaints == []


def test_what_is_predicted_is_never_compared() -> None:
    """What the server says of it is always a little behind."""
    pair = Watched()
    entity = pair.world.create_entity(Body(serial=1), Owner(client_id=1), Press())
    pair.run(SECOND)
    pair.replica.add_component(pair.here(entity), Predicted())
    for record_id, (at, values) in pair.receiver.confirmed[pair.here(entity)].items():
        if record_id == BODY.id:
            pair.receiver.confirmed[pair.here(entity)][record_id] = (at, (9, *values[1:]))
    pair.verifier.verify(State(pair.tick, None, synced=True, checks=((entity, (BODY.id,), 1),)))

    assert pair.verifier.complaint(pair.now) is None


def test_a_loss_is_no_difference() -> None:
    """The client lacks it, the server knows: nobody raises an alarm, however often the client asks."""
    pair = Watched()
    body = Body(serial=1)
    pair.world.create_entity(body)
    pair.run(SECOND)
    body.serial = 2
    pair.encode()
    lost = pair.messages()  # in flight for ever: neither acknowledged nor lost
    pair.run(6 * SECOND)
    asked = len(pair.complaints)
    pair.lose(lost)
    pair.run(4 * SECOND)

    assert asked >= 3
    assert pair.found == []
    assert pair.replica.single(Body).serial == 2


def test_news_that_overtook_a_check_make_it_meaningless() -> None:
    """It is about what was before."""
    pair = Watched()
    entity = pair.world.create_entity(Body(serial=1))
    pair.run(SECOND)
    before = (pair.receiver.confirmed[pair.here(entity)][BODY.id][0] - 2) & 0xFFFFFFFF
    pair.verifier.verify(State(before, None, synced=True, checks=((entity, (BODY.id,), 1),)))
    pair.verifier.verify(State(pair.tick, None, synced=True, checks=((entity + 1, (BODY.id,), 1),)))
    pair.verifier.verify(State(pair.tick, None, synced=True, checks=((entity, (BODY.id, record(Label).id), 1),)))

    assert pair.verifier.complaint(pair.now) is None


def test_a_client_complains_once_a_second_some_times_about_a_few() -> None:
    """Even with a server that never answers and a World that is all wrong."""
    pair = Watched()
    entities = [pair.world.create_entity(Body(serial=i)) for i in range(50)]
    pair.run(SECOND)
    for entity in entities:
        pair.plant(entity, Body, (90, 5))
    pair.hear = False
    pair.run(40 * SECOND)

    assert 10 < len(pair.complaints) <= 40
    assert all(len(decode_complaints(complaint)) <= MAX_COMPLAINTS for complaint in pair.complaints)


def test_everything_is_mended_in_the_end() -> None:
    """More that differs than fits one complaint."""
    pair = Watched()
    entities = [pair.world.create_entity(Body(serial=i)) for i in range(20)]
    pair.run(SECOND)
    for entity in entities:
        pair.plant(entity, Body, (90, 5))
    pair.run(40 * SECOND)

    assert sorted(found.entity for found in pair.found) == sorted(map(pair.here, entities))
    assert all(pair.replica.component_for_entity(pair.here(each), Body).check == 0 for each in entities)


def test_who_only_pretends_to_differ_costs_little() -> None:
    """Answers are few, what is remembered is bounded, and a stranger's entities are nobody's."""
    pair = Watched(ReplicationConfig(answers_per_minute=5))
    entities = [pair.world.create_entity(Body(serial=i)) for i in range(200)]
    secret = pair.world.create_entity(Press(), Owner(client_id=2))
    pair.run(4 * SECOND)
    answers = []
    for i in range(20 * SECOND):
        pair.encode()
        group = [entities[(i // 60 * 8 + j) % 200] for j in range(7)]
        answers += pair.sender.complain(1, encode_complaints([(5, each, (BODY.id,)) for each in (*group, secret)]))
        pair.deliver(pair.messages())
    told = [entity for answer in answers for entity, _, _ in pair.receiver.take(answer).updates]
    arbiter = pair.sender._arbiters[1]

    assert len(told) == 5
    assert set(told) <= set(entities)
    assert len(arbiter._suspects) <= MAX_SUSPECTS


def test_only_the_second_complaint_counts() -> None:
    """The first may have crossed with the repair it asks for; one from long ago or of another check is no first one."""
    pair = Watched()
    entity = pair.world.create_entity(Body(serial=1))
    pair.run(4 * SECOND)
    complaint, another = (
        encode_complaints([(pair.tick, entity, (BODY.id,))]),
        encode_complaints([(pair.tick - 2, entity, (BODY.id,))]),
    )
    first = pair.sender.complain(1, complaint)
    at_once = pair.sender.complain(1, complaint)
    pair.run(7 * SECOND)
    late = pair.sender.complain(1, complaint)
    pair.run(SECOND)
    other = pair.sender.complain(1, another)
    pair.run(SECOND)
    second = pair.sender.complain(1, another)

    assert first == at_once == late == other == []
    assert len(second) == 1


RECORDS = st.sets(st.integers(0, 255), min_size=1, max_size=255).map(lambda ids: tuple(sorted(ids)))
COMPLAINT = st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(1, 0xFFFFFFFF), RECORDS)


@given(st.lists(COMPLAINT, min_size=1, max_size=MAX_COMPLAINTS))
def test_complaints_are_read_as_written(complaints: list[tuple[int, int, tuple[int, ...]]]) -> None:
    """Round trip."""
    assert decode_complaints(encode_complaints(complaints)) == complaints


@given(st.binary(max_size=100))
def test_any_bytes_are_a_complaint_or_none(data: bytes) -> None:
    """Nothing else is raised."""
    try:
        complaints = decode_complaints(data)
    except RemoteProtocolError:
        return

    assert 0 < len(complaints) <= MAX_COMPLAINTS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\1",  # no entity
        b"\0\0\0\1\0\1\1",  # nobody
        bytes(4) + b"\xc1" + bytes(7) + b"\1\1",  # too large
        b"\0\0\0\1\1",  # no records
        b"\0\0\0\1\1\0",
        b"\0\0\0\1\1\2\1",
        b"\0\0\0\1\1\2\2\1",  # out of order
        9 * b"\0\0\0\1\1\1\1",  # too many
        b"\0\0\0\1\1\1\1\0",  # left over
    ],
)
def test_what_is_no_complaint_is_refused(data: bytes) -> None:
    """Empty, cut off, nobody, too large, too many, left over."""
    with pytest.raises(RemoteProtocolError):
        decode_complaints(data)


class Suspicious(Model):
    """The model checker's worlds and networks; everything is checked far too early and far too often."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.config = replace(self.config, check_seconds=0.5, check_settled_seconds=0.1, check_bytes=500)
        self.sender = Sender(village.schema, self.world, self.config, cell_units=village.CELL_UNITS)
        self.verifiers: dict[int, Verifier] = {}
        self.complaints: dict[int, list[tuple[int, bytes]]] = defaultdict(list)  # by the step of their arrival
        self.answers: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        self.said = 0

    def _send_tick(self) -> None:
        for client_id, complaint in self.complaints.pop(self.step, ()):
            if client_id in self.clients:
                self._post(self.answers, [(client_id, answer) for answer in self.sender.complain(client_id, complaint)])
        super()._send_tick()
        for client_id, answer in self.answers.pop(self.step, ()):
            if client_id in self.clients:
                self.verifiers[client_id].apply(self.clients[client_id].receiver.take(answer))
                self._check_client(self.clients[client_id])
        for client_id in self.clients:
            self._complain(client_id)

    def _complain(self, client_id: int) -> None:
        verifier = self.verifiers.get(client_id)
        complaint = verifier.complaint(self.step / SECOND) if verifier else None
        if complaint is not None:
            self.said += 1
            self._post(self.complaints, [(client_id, complaint)])

    def _post(self, queue: dict[int, list[tuple[int, bytes]]], messages: list[tuple[int, bytes]]) -> None:
        for message in messages:
            if self.chance.random() >= self.network.loss:
                queue[self.step + 1 + self.chance.randint(0, self.network.delay_ticks)].append(message)

    def _deliver(self, client: Client, message: bytes) -> None:
        super()._deliver(client, message)
        verifier = self.verifiers.setdefault(client.id, Verifier(client.receiver, village.schema))
        verifier.verify(client.receiver.take(message))


@pytest.mark.slow
def test_the_models_networks_raise_no_false_alarm(caplog: pytest.LogCaptureFixture) -> None:
    """Structure, owners and values churn, up to 60 % is lost, reports are wrong; nobody says that anybody differs."""
    said = 0
    for seed in range(60):
        model = Suspicious(seed)
        model.run()
        said += model.said
        assert [found for verifier in model.verifiers.values() for found in verifier.take()] == []
        assert caplog.messages == [], seed

    assert said > 20  # else this proves nothing


def test_a_world_of_ones_own_is_left_alone() -> None:
    """A client may have entities the server knows nothing of."""
    receiver = Pair().receiver
    verifier = Verifier(receiver, schema)
    World().create_entity(Body())
    verifier.verify(State(5, None, synced=True, checks=((1, (BODY.id,), 7),)))

    assert verifier.complaint(0.0) is None
