"""Reads along on the wire with the clients' keys, and knows at every send what each client may see.

The datagrams are opened and read by the second implementation, which shares no line with the first; what may be in them
is said by `tests/replication/sight.py`, which shares none with what decides it.
"""

import re
from collections import Counter, defaultdict

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ecsnet.game import Game
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.transport.address import Address
from tests.replication.sight import Sight
from tests.simulation.estate import Moment, Steward, Title, Watcher, game
from tests.transport import second

MARKED = re.compile(rb"<(\d+)\.(\w+)\.\d+>")  # a text of the estate, wherever in a packet it stands


class Leak(AssertionError):  # noqa: N818  # the eavesdropper's finding
    """Something hidden from a client was in a datagram for it."""


class Line:
    """What goes to one client: its packets opened, once its handshake was overheard."""

    def __init__(self, secrets: dict[bytes, bytes]) -> None:
        self._secrets = secrets  # ephemeral private keys by their public ones
        self._challenges: list[bytes] = []
        self._noises: dict[bytes, second.Noise] = {}
        self._opening: second.Opening | None = None

    def up(self, data: bytes) -> None:
        """Hear what the client sends."""
        if data[0] == second.HELLO:
            for challenge in self._challenges:
                known = second.decode_challenge(challenge)
                if data[9:13] == second.unsigned(known.issued, 4) and data[13:29] == known.cookie:
                    _, self._noises[data[1:9]] = second.decode_hello(challenge, data, self._secrets.__getitem__)

    def down(self, data: bytes) -> bytes:
        """Hear what the server sends; return the plaintext of a packet."""
        if data[0] == second.CHALLENGE:
            self._challenges.append(data)
        elif data[0] == second.REPLY and self._opening is None:
            noise = self._noises[data[1:9]]
            second.decode_reply(data, data[1:9], noise)
            self._opening = second.Opening(noise.split()[1], None)
        elif data[0] == 0:
            assert self._opening is not None, "a packet before the handshake"
            return self._opening.open(data)[1]
        return b""


class Wiretap(Simulation):
    """A simulation of any game in which nothing that clients are sent stays secret: `hear` is told of each packet."""

    def __init__(self, game: Game, seed: int, *, link: Link, start_tick: int = 0) -> None:
        self._secrets: dict[bytes, bytes] = {}
        self._lines: dict[Address, Line] = defaultdict(lambda: Line(self._secrets))
        self._client_ids: dict[Address, int] = {}
        super().__init__(game, clients=0, seed=seed, link=link, start_tick=start_tick)
        self._send = self.network.send
        self.network.send = self._overhear  # type: ignore[method-assign]

    def hear(self, client_id: int, plaintext: bytes) -> None:
        """Hear what the server sends to a client, opened."""
        raise NotImplementedError

    def _entropy(self, count: int) -> bytes:
        drawn = super()._entropy(count)
        if count == 32:
            public = X25519PrivateKey.from_private_bytes(drawn).public_key().public_bytes_raw()
            self._secrets[public] = drawn
        return drawn

    def _overhear(self, data: bytes, source: Address, destination: Address, now: float) -> None:
        if source == SERVER_ADDRESS:
            plaintext, client_id = self._lines[destination].down(data), self._client_id(destination)
            if plaintext and client_id:
                self.hear(client_id, plaintext)
        else:
            self._lines[source].up(data)
        self._send(data, source, destination, now)

    def _client_id(self, destination: Address) -> int:
        for client, address in self._addresses.items():
            if address == destination and client.client_id:
                self._client_ids[address] = client.client_id
        return self._client_ids.get(destination, 0)


class Eavesdropper(Wiretap):
    """A simulation of the estate in which nothing stays secret.

    Attributes:
        heard: How much was looked at.
        states: All state messages, in order of sending, by client.
    """

    def __init__(self, seed: int, *, clients: int, link: Link, most: int = 24) -> None:
        super().__init__(game, seed, link=link, start_tick=(1 << 32) - 50 if seed % 4 == 0 else 0)
        self.steward = Steward(self.server.world, seed, most=most)
        self.watcher = Watcher(self.server, self.steward, keeps=True)
        self.auditor = Auditor(self.watcher)
        self.states: dict[int, list[second.State]] = defaultdict(list)
        self._description = second.read_description(self.server.schema.describe())
        self.add_clients(clients)

    def hear(self, client_id: int, plaintext: bytes) -> None:
        for frame in second.decode_frames(plaintext, second.GAME_CHANNELS):
            if isinstance(frame, second.Message) and frame.channel == second.STATE:
                state = second.decode_state(frame.message, self._description)
                self.states[client_id].append(state)
                self.auditor.audit(client_id, state, self._description)
            elif isinstance(frame, second.Fragment):
                assert frame.channel != second.STATE, "state came in parts"
        self.auditor.search(client_id, plaintext)


class Auditor:
    """Compares what a client is told with what it may see, message by message.

    Attributes:
        counts: What was looked at: a check that never sees anything proves nothing.
    """

    def __init__(self, watcher: Watcher) -> None:
        self.counts: Counter[str] = Counter()
        self._watcher = watcher
        [title] = watcher.server.schema.records_of[Title]
        self._title = title.id
        self._entities: dict[int, dict[int, int]] = defaultdict(dict)  # by client: entity of each network id
        self._visits: dict[int, dict[int, int]] = defaultdict(dict)  # by client: in which visit it was given
        self._told: dict[int, set[int]] = defaultdict(set)  # by client: network ids it was ever told of
        self._texts: dict[int, set[bytes]] = defaultdict(set)  # by client: what it may have read so far
        self._counted = 0
        self._seen: dict[int, dict[int, int]] = defaultdict(dict)  # by client: visits of entities so far
        self._before: dict[int, frozenset[int]] = defaultdict(frozenset)
        self._saw: dict[int, dict[int, bool]] = defaultdict(dict)  # by client: what it sees, or saw when it ended

    def audit(self, client: int, state: second.State, description: second.Description) -> None:
        """Judge a message by the moment it was made of.

        Raises:
            Leak: It says what the client may not know.
        """
        self._catch_up()
        moment = self._watcher.moments[state.tick]
        sight = moment.sights[client]
        fulls = [(run.records, *row) for run in state.fulls for row in run.entities]
        runs = [(run.records, *row) for run in state.runs if not isinstance(run, tuple) for row in run.entities]
        for records, network_id, values in fulls:
            if self._title in records:
                mark = _split(records, values, description)[self._title][0]
                assert isinstance(mark, int)
                self._name(client, network_id, mark)
        for records, network_id, values in (*fulls, *runs):
            self.counts["entries"] += 1
            entity = self._check_seen(client, moment, sight, network_id, records)
            self._told[client].add(network_id)
            for record, held in _split(records, values, description).items():
                self._check_values(client, moment, sight, entity, record, held, description.records[record])
        for check in state.checks:
            self.counts["checks"] += 1
            self._check_seen(client, moment, sight, check.entity, check.records)
        for network_id in (*state.gones, *state.leaves):
            self.counts["ends"] += 1
            if network_id not in self._told[client]:
                raise Leak(f"client {client} is told the end of {network_id}, of which it was never told")
        self.counts["messages"] += 1

    def search(self, client: int, plaintext: bytes) -> None:
        """Look for marked texts in whatever a packet holds.

        Raises:
            Leak: There is one the client could not have read yet.
        """
        for match in MARKED.finditer(plaintext):
            self.counts["texts"] += 1
            if match.group() not in self._texts[client]:
                raise Leak(f"client {client} reads {match.group().decode()}")

    def _catch_up(self) -> None:
        """Count visits and collect texts up to the newest moment."""
        for moment in list(self._watcher.moments.values())[self._counted :]:
            self._counted += 1
            for client, sight in moment.sights.items():
                may = frozenset(sight.may)
                self._saw[client].update((entity, entity in may) for entity in moment.scene.values)
                for entity in may - self._before[client]:
                    self._seen[client][entity] = self._seen[client].get(entity, 0) + 1
                self._before[client] = may
                for entity, bits in sight.may.items():
                    for record, values in moment.scene.values[entity].items():
                        if bits >> record & 1:
                            self._texts[client].update(value.encode() for value in values if isinstance(value, str))

    def _name(self, client: int, network_id: int, entity: int) -> None:
        """Note under which network id an entity goes; the same never stands for two, nor for two visits."""
        known = self._entities[client].setdefault(network_id, entity)
        if known != entity:
            raise Leak(f"client {client}: network id {network_id} was {known} and is {entity} now")
        if network_id == entity:
            return
        self.counts["own ids"] += 1
        visit = self._seen[client].get(entity, 0)
        if self._visits[client].setdefault(network_id, visit) != visit:
            raise Leak(f"client {client}: {entity} is back under its old network id {network_id}")

    def _check_seen(self, client: int, moment: Moment, sight: Sight, network_id: int, records: tuple[int, ...]) -> int:
        """Return the entity of a network id; all records named with it must be the client's to see."""
        entity = self._entities[client].get(network_id, network_id)
        if entity == network_id and entity in moment.scene.explicit:
            raise Leak(f"client {client} hears of {entity}, which is for some only, under everybody's network id")
        bits = sum(1 << record for record in records)
        if bits & ~sight.may.get(entity, 0):
            names = [repr(self._watcher.server.schema.records[record]) for record in records]
            raise Leak(f"client {client} hears of {names}: {moment.scene.describe(client, entity)}")
        return entity

    def _check_values(
        self,
        client: int,
        moment: Moment,
        sight: Sight,
        entity: int,
        record: int,
        values: tuple[second.Value, ...],
        fields: tuple[second.Field, ...],
    ) -> None:
        """Compare a record with how it stood at the send; of another entity it may name what the client sees."""
        for value, truth, each in zip(values, moment.scene.values[entity][record], fields, strict=True):
            if each.kind == "entity":
                self.counts["references"] += 1
                assert isinstance(value, int)
                named = self._entities[client].get(value, value)
                # The dead are no secret from those who saw them die.
                if value and (named != truth or not self._saw[client].get(named)):
                    raise Leak(f"client {client}: record {record} of {entity} names {named} as {value}, truly {truth}")
                if named == value and value in moment.scene.explicit:
                    raise Leak(f"client {client}: record {record} of {entity} names {named} by everybody's network id")
            elif isinstance(truth, int | str) and value != truth:
                raise Leak(f"client {client}: record {record} of {entity} is {values}, truly {truth}")


def _split(
    records: tuple[int, ...], values: tuple[second.Value, ...], description: second.Description
) -> dict[int, tuple[second.Value, ...]]:
    """Return the values of each record."""
    found, at = {}, 0
    for record in records:
        count = len(description.records[record])
        found[record] = values[at : at + count]
        at += count
    return found
