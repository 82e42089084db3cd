"""Whether a client holds what the server believes it does, and if not, in what it differs. Both ends of it.

What does not change is not sent again, so a difference there, from a bug on either side, would stay for ever, unseen.
Hence the server says of records that have rested for a while, in rotation, what their encodings sum up to. A client
whose own come to something else complains. Most often nothing is wrong: what it lacks was lost and is being repaired.
The server knows, and answers only if it believes that the client has it all, and is asked twice: by then a repair that
was on its way has arrived. The answer is the truth of the entity. It mends the difference, and shows what it was.

    complaint = 1 to 8 x (tick u32 | network id varint | records)       of the check that differed
    answer    = a state message (frames.py) of nothing but runs

Neither is due where all is well. Both go over a channel of their own, unreliable: who gets no answer complains again,
some times. What a client predicts is not compared here: its own part (steering.py) has its own way to be whole.
"""

import logging
import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

from ecsnet.config import ReplicationConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.events import Desynced
from ecsnet.replication.chunks import ids_of
from ecsnet.replication.codec import Values
from ecsnet.replication.frames import (
    MAX_NETWORK_ID,
    Check,
    State,
    decode_records,
    encode_records,
    encode_single,
    encode_state,
)
from ecsnet.replication.kinds import Tracked
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.schema import Record, Schema
from ecsnet.replication.subscriber import Subscriber
from ecsnet.wire import Tick, advance_tick, pack_varint, tick_difference, unpack_varint

__all__ = ["MAX_COMPLAINTS", "Arbiter", "Checker", "Entry", "Verifier", "decode_complaints", "encode_complaints"]

MAX_COMPLAINTS = 8  # in one message
LEAST_PER_SECOND = 3  # entities checked, in a world so small that a pass would be over before it is worth its name
MAX_RECORDS_PER_CHECK = 32  # so that the longest check is 41 B
MESSAGE_SECONDS = 1.0  # between two complaints of a client; a server hears them twice as often, for the network's sake
TIMES_SAID = 10  # until a client gives up, as its server has nothing to say to it; the next check may begin it anew
SUSPECT_SECONDS = 5.0  # how long a first complaint counts
MAX_SUSPECTS = 64  # entities a client has complained of once
SHOWN_CHARACTERS = 100  # of a value

Entry: TypeAlias = tuple[Tracked, bytes, bytes, int]  # whom it is about; then as in `frames.encode_checks`
Complaint: TypeAlias = tuple[Tick, int, tuple[int, ...]]  # the check's tick, network id, record ids

_TICK = struct.Struct("!I")

logger = logging.getLogger(__name__)


def encode_complaints(complaints: Sequence[Complaint]) -> bytes:
    """Encode what a client says, at least one and at most MAX_COMPLAINTS."""
    assert 0 < len(complaints) <= MAX_COMPLAINTS
    return b"".join([_TICK.pack(tick) + pack_varint(i) + encode_records(ids) for tick, i, ids in complaints])


def decode_complaints(message: bytes) -> list[Complaint]:
    """Read what `encode_complaints` made.

    Raises:
        RemoteProtocolError: It is something else.
    """
    complaints, offset = list[Complaint](), 0
    while offset < len(message) or not complaints:
        if len(message) < offset + _TICK.size or len(complaints) == MAX_COMPLAINTS:
            raise RemoteProtocolError(f"{len(message)} B are no complaint about 1 to {MAX_COMPLAINTS} entities")
        [tick] = _TICK.unpack_from(message, offset)
        network_id, offset = unpack_varint(message, offset + _TICK.size)
        if not 0 < network_id <= MAX_NETWORK_ID:
            raise RemoteProtocolError(f"{network_id} is no network id")
        ids, offset = decode_records(message, offset)
        complaints.append((tick, network_id, tuple(ids)))
    return complaints


# The server's end.


class Checker:
    """Chooses which entities are checked next, so that each has its turn in `check_seconds`."""

    def __init__(self, schema: Schema, config: ReplicationConfig) -> None:
        """Begin without entities."""
        self._config = config
        self._rate_hz = schema.game.tick_rate_hz
        self._settled_ticks = round(config.check_settled_seconds * self._rate_hz)
        self._worth = _worth_checking(schema)
        self._left: list[Tracked] = []  # of this pass; members that came since are for the next one
        self._per_tick = 0.0
        self._due = 0.0
        self._tick: Tick | None = None

    def entries(self, tick: Tick, entities: Mapping[int, Tracked], bits_of: Callable[[Tracked], int]) -> list[Entry]:
        """Return what is to be checked in this send tick, mostly nothing.

        Args:
            entities: All that travel; looked at once a pass only.
            bits_of: Which of an entity's records, as bits, all who get the same bytes of it get; 0 if nobody does.
        """
        if not self._config.check_seconds:
            return []
        passed = 0 if self._tick is None else max(0, tick_difference(tick, self._tick))
        self._tick = tick
        self._due = min(self._due + passed * self._per_tick, self._config.check_bytes)  # after a pause, no burst
        if not self._left:
            self._begin_pass(entities.values())
        entries, size = list[Entry](), 2  # the run's own bytes
        while self._left and self._due >= 1:
            tracked = self._left[-1]
            bits = bits_of(tracked) if entities.get(tracked.id) is tracked else 0
            entry = self._entry(tracked, bits, tick)
            size += len(entry[1]) + len(entry[2]) + 4 if entry else 0
            if size > self._config.check_bytes:
                break
            self._left.pop()
            self._due -= 1
            if entry:
                entries.append(entry)
        return entries

    def _begin_pass(self, members: Collection[Tracked]) -> None:
        self._left = list(members)
        self._left.reverse()
        self._per_tick = max(LEAST_PER_SECOND, len(self._left) / self._config.check_seconds) / self._rate_hz

    def _entry(self, tracked: Tracked, bits: int, tick: Tick) -> Entry | None:
        rested = tracked.unchanged_since(bits & self._worth, advance_tick(tick, -self._settled_ticks))
        for record_id in tracked.withheld_at:  # all but who steers it have an older value still
            rested &= ~(1 << record_id)
        if not rested:
            return None
        ids = ids_of(rested)[:MAX_RECORDS_PER_CHECK]
        return tracked, tracked.id_bytes, encode_records(ids), crc32(b"".join([tracked.packed[i] for i in ids]))


class Arbiter:
    """Hears one client's complaints. What they cost is bounded, however many there are."""

    def __init__(self, client_id: int, schema: Schema, config: ReplicationConfig) -> None:
        """Begin without any."""
        self._client_id = client_id
        self._config = config
        self._rate_hz = schema.game.tick_rate_hz
        self._settled_ticks = round(config.check_settled_seconds * self._rate_hz)
        self._worth = _worth_checking(schema)
        self._heard_at: Tick | None = None
        self._suspects: dict[int, tuple[Tick, Tick]] = {}  # by entity complained of once: when, and of which check
        self._minute_from: Tick | None = None
        self._answered = 0  # in this minute

    def hear(self, message: bytes, subscriber: Subscriber, entities: Mapping[int, Tracked], tick: Tick) -> list[bytes]:
        """Return what to answer.

        Args:
            entities: By network id.
            tick: Of the last frame.

        Raises:
            RemoteProtocolError: It is no complaint.
        """
        complaints = decode_complaints(message)
        too_soon = self._heard_at is not None and self._seconds(self._heard_at, tick) < MESSAGE_SECONDS / 2
        if too_soon or not self._config.check_seconds:
            return []
        self._heard_at = tick
        answers = []
        for checked_at, network_id, record_ids in complaints:
            tracked, bits = entities.get(network_id), sum(1 << i for i in record_ids)
            if tracked is None or not self._should_have(subscriber, tracked, bits, tick):
                self._suspects.pop(network_id, None)
            elif self._is_second(network_id, checked_at, tick) and self._has_allowance(tick):
                logger.warning("client %d: entity %d differed at tick %d", self._client_id, network_id, checked_at)
                answers.append(_answer(subscriber, tracked, bits, tick))
        return answers

    def _should_have(self, subscriber: Subscriber, tracked: Tracked, bits: int, tick: Tick) -> bool:
        """Tell whether these records are for the client, have not changed since the check, and have all arrived."""
        if bits & ~(tracked.visible_to(subscriber) & self._worth):
            return False
        rested = tracked.unchanged_since(bits, advance_tick(tick, -self._settled_ticks))
        return rested == bits and _has(subscriber, tracked, bits)

    def _is_second(self, network_id: int, checked_at: Tick, tick: Tick) -> bool:
        """Tell whether the client says this about this check again; the first may have crossed with a repair."""
        first = self._suspects.pop(network_id, None)
        if first is not None and first[1] == checked_at and self._seconds(first[0], tick) <= SUSPECT_SECONDS:
            return True
        self._suspects[network_id] = tick, checked_at
        if len(self._suspects) > MAX_SUSPECTS:
            del self._suspects[next(iter(self._suspects))]
        return False

    def _has_allowance(self, tick: Tick) -> bool:
        if self._minute_from is None or not 0 <= self._seconds(self._minute_from, tick) < 60:  # noqa: PLR2004
            self._minute_from, self._answered = tick, 0
        self._answered += 1
        return self._answered <= self._config.answers_per_minute

    def _seconds(self, since: Tick, tick: Tick) -> float:
        return tick_difference(tick, since) / self._rate_hz


def _answer(subscriber: Subscriber, tracked: Tracked, bits: int, tick: Tick) -> bytes:
    """Return the truth of an entity's records, in this client's terms, as a message of its own."""
    run = encode_single(encode_records(ids_of(bits)), subscriber.entry(tracked, bits), ())
    return encode_state(tick, None, runs=[run])


def _worth_checking(schema: Schema) -> int:
    """Return the records that have values."""
    return sum(record.bit for record in schema.records if record.fields)


def _has(subscriber: Subscriber, tracked: Tracked, bits: int) -> bool:
    """Tell whether a client has these records for all the server knows: nothing of them is missed or on its way."""
    if tracked.id not in subscriber.known or tracked.id in subscriber.needs_full:
        return False
    if subscriber.dirty.get(tracked, 0) & bits:
        return False
    for sent in subscriber.sent.values():
        if any(each is tracked for _, each in sent.fulls):
            return False
        if any(each is tracked and bits & missed for each, missed in sent.repairs):
            return False
        # A frame can carry what changed in its tick; one of before the last change is as good as one that does.
        if sent.chunks and tracked.unchanged_since(bits, advance_tick(sent.tick, -1)) != bits:
            return False
    return True


# The client's end.


@dataclass(slots=True, eq=False)
class _Difference:
    """An entity that differs.

    Attributes:
        tick: Of the check.
        ticks: Of the values compared, by record id.
        said: How often that was complained about.
    """

    tick: Tick
    ticks: dict[int, Tick]
    said: int = 0


class Verifier:
    """Holds what the server says the client should have against what it has."""

    def __init__(self, receiver: Receiver, schema: Schema) -> None:
        """Begin without differences."""
        self._receiver = receiver
        self._schema = schema
        self._open: dict[int, _Difference] = {}  # by network id, at most MAX_COMPLAINTS
        self._say_at = 0.0
        self._found: list[Desynced] = []

    def verify(self, state: State) -> None:
        """Compare; to be called after the message was applied."""
        for check in state.checks:
            self._verify(check, state.tick)

    def complaint(self, now: float) -> bytes | None:
        """Return a message to the server if one is due."""
        if not self._open or now < self._say_at:
            return None
        self._say_at = now + MESSAGE_SECONDS
        for network_id, difference in list(self._open.items()):
            difference.said += 1
            if difference.said > TIMES_SAID or self._ticks(network_id, difference.ticks) != difference.ticks:
                del self._open[network_id]  # something of it has come since: it was being repaired
        if not self._open:
            return None
        return encode_complaints(
            [(each.tick, network_id, tuple(each.ticks)) for network_id, each in self._open.items()]
        )

    def apply(self, answer: State) -> None:
        """Take the truth of entities complained about; note in what they differed."""
        asked = [update for update in answer.updates if update[0] in self._open]
        before = {update[0]: self._values(update[0]) for update in asked}
        self._receiver.apply(State(answer.tick, None, synced=False, updates=tuple(asked)))
        for network_id, records, _ in asked:
            difference = self._open.pop(network_id, None)
            if difference is None or self._receiver.is_predicted(network_id):
                continue
            now = self._values(network_id)
            lines = [
                line
                for record_id, _ in records
                if record_id in before[network_id] and record_id in now
                for line in _lines(self._schema.records[record_id], before[network_id][record_id], now[record_id])
            ]
            if lines:
                self._note(Desynced(difference.tick, self._receiver.entity_of(network_id), tuple(lines)))

    def take(self) -> list[Desynced]:
        """Return and forget the differences found."""
        found, self._found = self._found, []
        return found

    def _verify(self, check: Check, tick: Tick) -> None:
        network_id, record_ids, expected = check
        if self._receiver.is_predicted(network_id):
            return
        ticks = self._ticks(network_id, record_ids)
        if len(ticks) < len(record_ids) or any(tick_difference(at, tick) > 0 for at in ticks.values()):
            return  # not all is there yet, or news of it came before this
        if crc32(b"".join([self._receiver.encoded(network_id, i) for i in record_ids])) == expected:
            self._open.pop(network_id, None)
        elif network_id not in self._open and len(self._open) < MAX_COMPLAINTS:
            self._open[network_id] = _Difference(tick, ticks)

    def _ticks(self, network_id: int, record_ids: Collection[int]) -> dict[int, Tick]:
        confirmed = self._receiver.confirmed.get(self._receiver.entity_of(network_id), {})
        return {i: confirmed[i][0] for i in record_ids if i in confirmed}

    def _values(self, network_id: int) -> dict[int, Values]:
        confirmed = self._receiver.confirmed.get(self._receiver.entity_of(network_id), {})
        return {i: values for i, (_, values) in confirmed.items()}

    def _note(self, found: Desynced) -> None:
        logger.warning("tick %d, entity %d: %s", found.tick, found.entity, "; ".join(found.differences))
        self._found.append(found)


def _lines(record: Record, before: Values, now: Values) -> Iterator[str]:
    for declared, old, new in zip(record.fields, before, now, strict=True):
        if old != new:
            yield f"{record.name}.{declared.name} was {_shown(old)}, the server says {_shown(new)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} ..."
