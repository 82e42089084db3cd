"""PROTOCOL.md is complete: a second implementation, written from it alone, understands all that the first one says.

`second.py` knows nothing of ecsnet. If a test here fails, either the code left the standard or the standard is wrong.
"""

import ast
import math
from collections import Counter
from collections.abc import Sequence
from enum import Enum, Flag
from pathlib import Path
from zlib import crc32

import msgpack  # type: ignore[import-untyped]  # ships no types; what it gives is compared with what was meant
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

import ecsnet.transport
from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.config import ReplicationConfig, ServerConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.events import ConnectRequested
from ecsnet.fields import EVERYONE, OWNER, EntityRef, NetVar, component, netvar, spec_of
from ecsnet.game import Game
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.codec import RecordCodec
from ecsnet.replication.schema import Schema
from ecsnet.targets import OWNER_OF
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.transport.address import Address
from ecsnet.transport.crypto import PacketKeys
from ecsnet.transport.identity import Identity
from ecsnet.transport.state import State
from tests.replication.everykind import CODECS, PARTS, Maybe, Plain, Point, PointCodec, Rights, Several, Suit
from tests.simulation.meadow import Bleated, Mood, Rustled, Sheep, Walk, game, rename, shear, whistle
from tests.transport import second
from tests.transport.pair import APPLICATION, CHANNELS, ORDERED, UNRELIABLE
from tests.transport.secondmeeting import Meeting

STANDARD = Path(ecsnet.transport.__file__).parent / "PROTOCOL.md"


def test_the_second_implementation_shares_nothing_with_the_first() -> None:
    """Otherwise it would prove nothing."""
    tree = ast.parse(Path(second.__file__).read_text(encoding="utf-8"))
    imported = {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    imported |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert not [name for name in imported if name.startswith((".", "ecsnet", "tests"))]


# Values and layouts.


class Colour(Enum):
    RED = 1
    GREEN = 2


@component
class Kinds:
    """A field of every kind, for each width it can have."""

    flag: NetVar[bool] = True
    plain: NetVar[int] = -5
    byte: NetVar[int] = netvar(3, low=-2, high=253)
    two: NetVar[int] = netvar(256, low=0, high=256)
    three: NetVar[int] = netvar(-1, low=-70_000, high=70_000)
    four: NetVar[int] = netvar(1 << 31, low=0, high=2**32 - 1)
    single: NetVar[float] = 0.5
    bounded: NetVar[float] = netvar(0.25, low=0, high=1)
    steps: NetVar[float] = netvar(2.5, low=-8.0, high=8, step=0.5)
    turn: NetVar[float] = netvar(3.0, low=-math.pi, high=math.pi, step=math.tau / 256, angle=True)
    half: NetVar[float] = netvar(1.0, low=0, high=math.pi, step=math.pi / 256, angle=True)
    text: NetVar[str] = netvar("wörld", max_bytes=255)
    blob: NetVar[bytes] = netvar(b"\0\1", max_bytes=256)
    colour: NetVar[Colour] = Colour.GREEN
    friend: NetVar[EntityRef] = 0
    secret: NetVar[str] = netvar("own", audience=OWNER)


def test_values_of_every_kind_are_packed_alike() -> None:
    """Widths and order follow from the description, whose hash both ends compare."""
    schema = Schema(Game("kinds", components=[Kinds]))
    description = second.read_description(schema.describe())
    kinds = Kinds(friend=0xFFFFFFFF)

    assert description.hash == schema.hash
    assert len(description.records) == len(schema.records)
    for record, fields in zip(schema.records, description.records, strict=True):
        if record.cls is Kinds:
            packed = record.codec.pack(kinds)
            reader = second.Reader(packed)
            values = second.decode_values(reader, fields)
            reader.end()
            assert second.encode_values(values, fields) == packed
            mine = [each.value - 1 if isinstance(each, Colour) else each for each in record.codec.quantise(kinds)]
            assert _alike(values, mine)


@given(PARTS)
def test_values_that_hold_others_are_packed_alike(part: Plain | Maybe | Several) -> None:
    """So are optional ones, flags and what a codec of the game makes."""
    codec = CODECS[type(part)]
    packed = codec.pack(part)
    fields = EVERY_KIND[type(part)]

    reader = second.Reader(packed)
    values = second.decode_values(reader, fields)
    reader.end()

    assert second.encode_values(values, fields) == packed
    assert values == tuple(map(_told, codec.quantise(part)))


@given(st.binary(max_size=40), st.sampled_from([Plain, Maybe, Several]))
def test_values_are_refused_alike(data: bytes, cls: type) -> None:
    """One may not take for a value what breaks the protocol for the other. What a codec refuses is its own affair."""
    codec = RecordCodec([each for each in spec_of(cls).fields if each.name not in ("point", "points")], cls.__name__)
    fields = tuple(
        field for field, declared in zip(EVERY_KIND[cls], spec_of(cls).fields, strict=True)
        if declared.name not in ("point", "points")
    )  # fmt: skip
    try:
        first: object = tuple(map(_told, codec.unpack(data, 0)[0]))
    except RemoteProtocolError:
        first = None
    try:
        other: object = second.decode_values(second.Reader(data), fields)
    except (second.WireError, UnicodeDecodeError):
        other = None

    assert first == other


@component
class Shown:
    """The record of the document's example."""

    spot: NetVar[tuple[float, float]] = netvar((-4.0, 0.0), low=-4, high=4, step=1 / 8)
    names: NetVar[list[str]] = netvar(["ada", ""])
    coins: NetVar[dict[str, int]] = netvar({"gold": 7}, low=0, high=99)
    home: NetVar[EntityRef | None] = None
    rights: NetVar[Rights] = Rights.BOTH


def test_the_example_of_values_reads_as_it_says() -> None:
    """Byte by byte, in both implementations."""
    [example] = [line for line in STANDARD.read_text(encoding="utf-8").splitlines() if line.startswith("    00 20 02")]
    packed = bytes.fromhex(example.replace("|", ""))

    assert RecordCodec(spec_of(Shown).fields, "Shown").pack(Shown(home=9)) == packed
    assert second.decode_values(second.Reader(packed), _described(Shown)) == (
        *((-4.0, 0.0), ("ada", ""), (("gold",), (7,)), 9, 3),
    )


def _described(cls: type) -> tuple[second.Field, ...]:
    """Return a component's fields as the description has them."""
    schema = Schema(Game("every", components=[cls]))
    [at] = [record.id for record in schema.records if record.cls is cls]
    return second.read_description(schema.describe()).records[at]


EVERY_KIND: dict[type, tuple[second.Field, ...]] = {cls: _described(cls) for cls in (Plain, Maybe, Several)}


def _told(value: object) -> object:
    """Return a value as the second implementation has it: it knows numbers, not members; and dicts by columns."""
    if isinstance(value, dict):
        return tuple(map(_told, value)), tuple(map(_told, value.values()))
    if isinstance(value, list | tuple):
        return tuple(map(_told, value))
    if isinstance(value, Point):
        return PointCodec.pack(value)
    if isinstance(value, Flag):
        return value.value
    return list(Suit).index(value) if isinstance(value, Suit) else value


def _alike(some: Sequence[object], others: Sequence[object]) -> bool:
    return all(
        each == pytest.approx(other) if isinstance(each, float) else each == other
        for each, other in zip(some, others, strict=True)
    )


def test_the_example_of_the_standard_reads_as_it_says() -> None:
    """Whoever starts from the document starts from this line."""
    number = second.Field("int", low=0, high=0xFFFFFF)
    records = ((), (number, number), (), (), (), (second.Field("str", limit=255), number))
    [example] = [line for line in STANDARD.read_text(encoding="utf-8").splitlines() if line.startswith("    fffffffe")]
    message = bytes.fromhex(example.replace("|", ""))
    description = second.Description(b"", records, (), ())
    state = second.decode_state(message, description)

    assert state == second.State(
        tick=0xFFFFFFFE,
        is_synced=True,
        own=second.Own(7, 3),
        gones=(5, 0x123),
        fulls=(second.Run((0, 1), ((9, (0x102, 0x304)),)),),
        runs=(second.Run((5,), ((10, ("a", 1)), (11, ("", 2)))), (second.Check(7, (1, 5), 0xCBF43926),)),
        leaves=(6,),
        joining=42,
        steers=(9,),
    )
    assert second.encode_state(state, description) == message.replace(b"\x40\x09", b"\x09")  # the shortest varint


# A second client at a first server.


def test_the_second_client_connects() -> None:
    meeting = Meeting()
    connection = meeting.connect()

    assert connection.state is State.CONNECTED
    assert [event.credentials for event in meeting.events if isinstance(event, ConnectRequested)] == [b"credentials"]
    verdict = meeting.client.verdict
    assert verdict is not None
    assert (verdict.connection_id, verdict.payload) == (connection.connection_id, b"welcome")
    assert not meeting.endpoint.drops


@pytest.mark.parametrize("number", [1, 2])
def test_the_second_client_connects_by_either_key_of_a_rotation(number: int) -> None:
    """CHALLENGE grows by the former key, HELLO says which one was taken."""
    former = Identity(b"\1" * 32)
    current = Identity(b"\2" * 32, former)
    meeting = Meeting(identity=current, haves=second.Haves(pin=[former.public, current.public][number - 1]))

    assert meeting.connect().state is State.CONNECTED


@pytest.mark.slow
@pytest.mark.parametrize("password", ["", "caf\u00e9"])
@pytest.mark.parametrize("static", [b"", b"\5" * 32], ids=["anybody", "player"])
@pytest.mark.parametrize("suite", [0, 1])
def test_the_second_client_connects_by_every_pattern(password: str, static: bytes, suite: int) -> None:
    """With a password, made into a key by itself, with a key of its own, with both; and messages travel."""
    psk = second.password_key("cafe\u0301", APPLICATION) if password else b""
    meeting = Meeting(haves=second.Haves(static=static, psk=psk, suite=suite), password=password)
    connection = meeting.connect()
    meeting.client.send(ORDERED, b"hello")
    connection.send(ORDERED, b"welcome")
    meeting.run()

    [request] = [event for event in meeting.events if isinstance(event, ConnectRequested)]
    assert request.player_key == (Identity(static).public if static else b"")
    assert connection.take_messages() == [(ORDERED, b"hello")]
    assert meeting.client.read() == [(ORDERED, b"welcome")]


def test_the_second_client_understands_a_refusal() -> None:
    meeting = Meeting(refuse=True)
    meeting.run(5)

    assert meeting.client.verdict == second.Verdict(None, b"later", DisconnectReason.SERVER_FULL, "full")


def test_messages_of_all_channels_reach_the_server() -> None:
    """Whole and in parts; every packet that carried one is acknowledged."""
    meeting = Meeting()
    connection = meeting.connect()
    sent = [(channel, bytes([channel, at])) for at in range(3) for channel in range(len(CHANNELS))]
    sent += [(channel, bytes(range(250)) * 25) for channel in range(len(CHANNELS)) if channel >= 2]
    sent += [(ORDERED, b""), (ORDERED, b"last")]
    for channel, message in sent:
        meeting.client.send(channel, message)
    meeting.run()

    assert connection.take_messages() == sent
    assert meeting.client.acknowledged == set(range(meeting.client.next_packet - len(_acks_only(meeting.client))))


def _acks_only(client: second.MinimalClient) -> list[int]:
    """Return the last packets of a client: nobody acknowledges those that only acknowledge."""
    return [number for number in range(client.next_packet) if number > max(client.acknowledged)]


@pytest.mark.parametrize("packets_to_lose", [set(), {4}, {3, 5, 6}], ids=["nothing", "one", "three"])
def test_messages_of_all_channels_reach_the_client(packets_to_lose: set[int]) -> None:
    """Its ACKs say truly what is missing, so what is reliable arrives whatever is lost."""
    meeting = Meeting()
    connection = meeting.connect()
    meeting.packets_to_lose = packets_to_lose
    sent = [(channel, bytes([channel, at])) for at in range(3) for channel in range(len(CHANNELS))]
    sent += [(channel, bytes(range(250)) * 25) for channel in range(len(CHANNELS)) if channel >= 2]
    for channel, message in sent:
        connection.send(channel, message)
    meeting.run()

    assert meeting.packets_lost == len(packets_to_lose)
    for channel in range(len(CHANNELS)):
        arrived = [message for each, message in meeting.client.messages if each == channel]
        expected = [message for each, message in sent if each == channel]
        if packets_to_lose and channel < 2:
            continue
        assert sorted(arrived) == sorted(expected)
        assert arrived == expected or channel != ORDERED
    assert any(isinstance(frame, second.Fragment) for frame in meeting.client.frames_heard)


def test_a_quiet_connection_lives_on_pings() -> None:
    meeting = Meeting()
    connection = meeting.connect()
    for _ in range(12):
        meeting.run(90)
        meeting.client.send_frames(second.Pad(), second.Ping())

    assert connection.state is State.CONNECTED
    assert sum(isinstance(frame, second.Ping) for frame in meeting.client.frames_heard) >= 3


def test_the_second_client_closes() -> None:
    meeting = Meeting()
    meeting.connect()
    meeting.client.close(DisconnectReason.LEFT, "bye")
    meeting.run(5)

    [ended] = meeting.ended()
    assert (ended.reason, ended.text) == (DisconnectReason.LEFT, "bye")
    assert isinstance(meeting.client.heard, second.Close)
    assert not meeting.endpoint.connections


def test_the_second_client_hears_that_the_server_closes() -> None:
    meeting = Meeting()
    connection = meeting.connect()
    connection.send(UNRELIABLE, b"before")
    meeting.step()
    connection.close(DisconnectReason.KICKED, "you know why", now=meeting.now)
    meeting.run(5)

    assert meeting.client.heard == second.Close(DisconnectReason.KICKED, "you know why")
    assert not meeting.endpoint.connections


@pytest.mark.parametrize("suite", [0, 1])
@pytest.mark.parametrize("number", [0, 65535, (1 << 22) - 1, 1 << 22, 3 << 22])
def test_keys_are_renewed_alike(number: int, suite: int) -> None:
    """A session that long is not played here, but its packets have to open."""
    key, cipher = bytes(range(32)), ("AESGCM", "ChaChaPoly")[suite]
    keys = PacketKeys(cipher, key)
    for epoch in range(0, number, 1 << 22):
        keys.seal(epoch, b"header", b"an earlier epoch")

    assert second.unseal(key, number, b"header", keys.seal(number, b"header", b"frames"), suite) == b"frames"
    sealed = second.seal(key, 7, b"header", b"frames", suite)
    assert sealed == PacketKeys(cipher, key).seal(7, b"header", b"frames")


# The second implementation listens to a session of the first.


class Recorded(Simulation):
    """A simulation that keeps every datagram, and every secret that was drawn."""

    def __init__(self, *, clients: int, seconds: float, start_tick: int) -> None:
        self.secrets: list[bytes] = []
        self.datagrams: list[tuple[bytes, Address, Address]] = []  # with source and destination, as sent
        eager = ServerConfig(replication=ReplicationConfig(check_seconds=1, check_settled_seconds=0.3))
        super().__init__(
            game, clients=0, link=Link.WIFI, seed=3, start_tick=start_tick, check=False, server_config=eager
        )
        carry = self.network.send

        def send(data: bytes, source: Address, destination: Address, now: float) -> None:
            self.datagrams.append((data, source, destination))
            carry(data, source, destination, now)

        self.network.send = send  # type: ignore[method-assign]  # the one place that all datagrams pass
        self.add_clients(clients)
        self._play(seconds)

    def ephemeral_of(self, public: bytes) -> bytes:
        """Return the secret of an ephemeral public key."""
        keys = (X25519PrivateKey.from_private_bytes(secret) for secret in self.secrets if len(secret) == 32)
        [found] = [key for key in keys if key.public_key().public_bytes_raw() == public]
        return found.private_bytes_raw()

    def _play(self, seconds: float) -> None:
        first, *_ = self.clients
        sheep = self.server.world.create_entity(Sheep(name="dolly", wool=7), Owner(first.client_id))
        self.before_each_step(self._press)
        self.run_until(lambda: bool(first.receiver.entity_of(sheep)), within_seconds=2)
        local = first.receiver.entity_of(sheep)
        first.call(rename, local, "dölly")
        first.call(shear, local, "a note")
        first.call(shear, 0, "nobody")
        world = self.server.world
        world.to(EVERYONE).send(Bleated(sheep, Mood.WILD, ["bäh"]))
        world.to(OWNER_OF(sheep)).send(Rustled(sheep))
        world.to(EVERYONE).call(whistle, sheep, 3)
        self._mislead(first)
        self.run(seconds)
        self.server.world.delete_entity(sheep)
        self.run(0.5)
        self.clients[0].close(text="bye", now=self.now)
        self.server.close(now=self.now)
        self.run(0.5)

    def _mislead(self, client: Client) -> None:
        """Let a client believe something wrong of the other player's name."""
        [other] = [entity for entity, _ in client.world.observe(Player) if entity != client.entity]
        [record] = client.schema.records_of[Player]
        at, (number, _, *rest) = client.receiver.confirmed[other][record.id]
        client.receiver.confirmed[other][record.id] = (at, (number, "nobody", *rest))

    def _press(self) -> None:
        for at, client in enumerate(self.clients):
            client.press(Walk(dx=at, dy=-1))

    def _entropy(self, count: int) -> bytes:
        self.secrets.append(super()._entropy(count))
        return self.secrets[-1]


class Eavesdropper:
    """Follows the sessions of all clients, given the clients' ephemeral keys; keeps what was said, decoded."""

    def __init__(self, recorded: Recorded) -> None:
        self.description = second.read_description(Schema(game).describe())
        self.kinds: Counter[str] = Counter()
        self.credentials: list[object] = []
        self.payloads: list[object] = []
        self.states: list[second.State] = []
        self.inputs: list[second.Inputs] = []
        self.complaints: list[second.Check] = []
        self.answers: list[second.State] = []
        self.calls: list[second.Call | second.Result | second.Refused] = []
        self._recorded = recorded
        self._challenges: dict[Address, bytes] = {}
        self._noises: dict[Address, second.Noise] = {}
        self._openings: dict[tuple[Address, bool], second.Opening] = {}
        self._parts: dict[tuple[Address, bool, int, int], dict[int, bytes]] = {}
        self._functions: dict[Address, dict[int, int]] = {}
        for data, source, destination in recorded.datagrams:
            is_from_client = destination == SERVER_ADDRESS
            self._hear(data, source if is_from_client else destination, is_from_client=is_from_client)

    def _hear(self, data: bytes, client: Address, *, is_from_client: bool) -> None:
        self.kinds[f"{data[0]:#04x}"] += 1
        match data[0]:
            case second.INIT:
                version, attempt, application_id = second.decode_init(data)
                assert version == second.VERSION
                assert second.encode_init(attempt, application_id) == data
            case second.CHALLENGE:
                self._challenges[client] = data
            case second.HELLO:
                self._hear_hello(data, client)
            case second.REPLY:
                self._hear_reply(data, client)
            case _:
                self._hear_packet(data, client, is_from_client=is_from_client)

    def _hear_hello(self, data: bytes, client: Address) -> None:
        ephemeral_of = self._recorded.ephemeral_of
        credentials, noise = second.decode_hello(self._challenges[client], data, ephemeral_of)
        self.credentials.append(msgpack.unpackb(credentials))
        self._noises[client] = noise
        again, _ = second.encode_hello(
            self._challenges[client], game.application_id, credentials, ephemeral_of(noise.public)
        )
        assert again == data

    def _hear_reply(self, data: bytes, client: Address) -> None:
        if (client, True) in self._openings:
            return  # said again: the Noise handshake is over
        noise = self._noises[client]
        verdict = second.decode_reply(data, self._challenges[client][1:9], noise)
        self.payloads.append(msgpack.unpackb(verdict.payload))
        sending, receiving = noise.split()
        self._openings[client, True] = second.Opening(sending, verdict.connection_id)
        self._openings[client, False] = second.Opening(receiving, None)

    def _hear_packet(self, data: bytes, client: Address, *, is_from_client: bool) -> None:
        _, plaintext = self._openings[client, is_from_client].open(data)
        frames = second.decode_frames(plaintext, second.GAME_CHANNELS)
        assert b"".join(map(second.encode_frame, frames)) == plaintext
        for frame in frames:
            self.kinds[type(frame).__name__] += 1
            if isinstance(frame, second.Message):
                self._hear_message(frame.channel, frame.message, client, is_from_client=is_from_client)
            if isinstance(frame, second.Fragment):
                self._hear_fragment(frame, client, is_from_client=is_from_client)

    def _hear_fragment(self, frame: second.Fragment, client: Address, *, is_from_client: bool) -> None:
        parts = self._parts.setdefault((client, is_from_client, frame.channel, frame.number), {})
        parts[frame.index] = frame.part
        if len(parts) == frame.count:
            message = b"".join(parts[index] for index in range(frame.count))
            self._hear_message(frame.channel, message, client, is_from_client=is_from_client)

    def _hear_message(self, channel: int, message: bytes, client: Address, *, is_from_client: bool) -> None:
        if channel == second.STATE:
            assert not is_from_client
            state = second.decode_state(message, self.description)
            self.states.append(state)
            again = second.encode_state(state, self.description)
        elif channel == second.INPUT:
            assert is_from_client
            inputs = second.decode_inputs(message, self.description)
            self.inputs.append(inputs)
            again = second.encode_inputs(inputs, self.description)
        elif channel == second.CHECKS and is_from_client:
            complaints = second.decode_complaints(message, self.description)
            self.complaints += complaints
            again = second.encode_complaints(complaints)
        elif channel == second.CHECKS:
            state = second.decode_state(message, self.description)
            self.answers.append(state)
            again = second.encode_state(state, self.description)
        else:
            functions = self._functions.setdefault(client, {})
            call = second.decode_call(message, self.description, functions)
            self.calls.append(call)
            again = second.encode_call(call, self.description, functions)
        assert again == message


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded(clients=2, seconds=3, start_tick=2**32 - 30)


@pytest.fixture(scope="module")
def heard(recorded: Recorded) -> Eavesdropper:
    return Eavesdropper(recorded)


def test_every_datagram_of_a_session_is_understood(recorded: Recorded, heard: Eavesdropper) -> None:
    """Decoded whole, to its last byte, and the same bytes when encoded again."""
    assert {"0x81", "0x82", "0x83", "0x84", "0x00"} == {kind for kind in heard.kinds if kind.startswith("0x")}
    assert sum(heard.kinds[kind] for kind in heard.kinds if kind.startswith("0x")) == len(recorded.datagrams)
    assert heard.kinds["Ack"] > 10
    assert heard.kinds["Close"] >= 2
    assert len(heard.states) > 50
    assert len(heard.inputs) > 50


def test_what_is_heard_is_what_happened(recorded: Recorded, heard: Eavesdropper) -> None:
    """Bytes that parse could still be misread."""
    assert second.Result(2, (7,)) in heard.calls
    assert second.Refused(3, 1, "no such sheep") in heard.calls
    events = [call.arguments for call in heard.calls if isinstance(call, second.Call) and not call.id]
    assert {inputs.values[-1] for inputs in heard.inputs} >= {(0, -1), (1, -1)}
    assert all(20 < inputs.lag < 80 for inputs in heard.inputs[-20:])
    sheep = {entity for state in heard.states for full in state.fulls for entity, values in full.entities
             if "dölly" in values}  # fmt: skip
    [dolly] = sheep
    assert Counter(map(str, events)) == Counter(map(str, [(dolly, 1, ("bäh",))] * 2 + [(dolly, 3)] * 2 + [(dolly,)]))
    assert sheep & {entity for state in heard.states for entity in state.gones}
    assert heard.states[-1].is_synced
    assert {state.tick > 2**31 for state in heard.states} == {True, False}  # the counter wrapped
    assert all(state.own is not None and state.own.margin >= -128 for state in heard.states)
    assert {state.steers is None for state in heard.states} == {True, False}


def test_a_client_that_differs_complains_and_is_told_the_truth(heard: Eavesdropper) -> None:
    """Checks are of what the runs and fulls said; the answer names what was complained about."""
    checks = {check for state in heard.states for run in state.runs if isinstance(run, tuple) for check in run}
    asked = {(complaint.entity, complaint.records) for complaint in heard.complaints}
    [answer] = heard.answers
    [run] = answer.runs

    assert isinstance(run, second.Run)
    assert asked <= {(check.entity, check.records) for check in checks}
    assert {(entity, run.records) for entity, _ in run.entities} == asked
    assert "player-2" in run.entities[0][1]
    assert {state.joining > 0 for state in heard.states} == {True, False}
    [(_, values)] = run.entities
    encoded = second._encode_records(run.records, values, heard.description)
    assert {check.check for check in checks if (check.entity, check.records) in asked} == {crc32(encoded)}


def test_the_handshake_carries_what_admission_says(recorded: Recorded, heard: Eavesdropper) -> None:
    """The hashes of PROTOCOL.md give the same bytes as those of the code."""
    assert second.application_id(game.name) == game.application_id
    hash_of_schema = heard.description.hash
    assert ["player-1", hash_of_schema, b"", b"", "", "", ""] in heard.credentials
    assert ["player-2", hash_of_schema, b"", b"", "", "", ""] in heard.credentials
    assert hash_of_schema == Schema(game).hash
    assert [payload[0] for payload in heard.payloads if isinstance(payload, list)] == [
        client.client_id for client in recorded.clients
    ]
